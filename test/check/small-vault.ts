// The vault that the check tests damage: three snapshots of two hosts, every kind of blob and of object.
import { MemoryBackend } from '../../src/backend/memory.ts'
import { SystemRandom } from '../../src/async/random.ts'
import { systemClock } from '../../src/async/clock.ts'
import { check } from '../../src/check/check.ts'
import type { CheckOptions, CheckReport } from '../../src/check/options.ts'
import { sealEnvelope, type EnvelopeKind } from '../../src/crypto/envelope.ts'
import { objectName } from '../../src/ids/ids.ts'
import { makeVault, storeSnapshot, type DirectoryNode, type MadeVault } from '../support/vault-maker.ts'
import { SeededRandom } from '../support/seeded-random.ts'

export interface SmallVault extends MadeVault {
  readonly backend: MemoryBackend
}

const HOUR_MS = 3_600_000
export const START_MS = Date.UTC(2026, 10, 27, 6)
export const MARK = `gc/00000001-${'c'.repeat(32)}.mark`
export const SESSION = `sessions/${'a'.repeat(32)}/00000001`
export const DAMAGE = `damage/${'a'.repeat(32)}/00000001`
export const PIN = `pins/${'a'.repeat(32)}/00000001`

export function smallTree(random: SeededRandom): { [name: string]: DirectoryNode[string] } {
  const shared = { bytes: random.bytes(5000), link: 'shared' }
  return {
    docs: {
      'a.txt': { bytes: random.bytes(20_000) },
      'b.txt': { bytes: random.bytes(30_000), xattrs: { 'user.note': 'n'.repeat(9000) } },
    },
    media: { 'film.bin': { bytes: random.bytes(200_000), chunkBytes: 4096 } },
    links: { one: shared, two: shared },
    'empty.txt': { bytes: new Uint8Array(0) },
  }
}

async function putSealed(vault: SmallVault, kind: EnvelopeKind, name: string, value: object): Promise<void> {
  const plain = Buffer.from(JSON.stringify(value))
  await vault.backend.put(objectName(name), sealEnvelope(vault.keys, new SystemRandom(), kind, name, plain))
}

export async function makeSmallVault(seed: number): Promise<SmallVault> {
  const random = new SeededRandom(seed)
  const backend = new MemoryBackend()
  const vault: SmallVault = { ...(await makeVault(backend)), backend }
  const tree = smallTree(random)
  const packBytes = 128 * 1024
  const first = await storeSnapshot(vault, tree, { serverTimeMs: START_MS, packBytes, withCheckpoint: true })
  const one = first.snapshot.id
  tree['docs'] = { ...tree['docs'], 'c.txt': { bytes: random.bytes(10_000) } }
  const second = await storeSnapshot(vault, tree, { serverTimeMs: START_MS + HOUR_MS, packBytes, previous: one, visible: [one] })
  const visible = [one, second.snapshot.id]
  await storeSnapshot(vault, { other: { bytes: random.bytes(7000) } }, {
    host: 'other', serverTimeMs: START_MS + 2 * HOUR_MS, packBytes, visible,
  })
  await putSealed(vault, 'session', SESSION, { state: 'end', acknowledged: [] })
  await putSealed(vault, 'pin', PIN, { packs: [], roots: [] })
  await putSealed(vault, 'damage', DAMAGE, { packs: [], roots: [] })
  await putSealed(vault, 'gc', MARK, { packs: [], segments: [] })
  return vault
}

/** Checks with what a test needs; `readData: true` reads all packs in the calling thread. */
export function checkVault(vault: MadeVault, options: Partial<CheckOptions> = {}): Promise<CheckReport> {
  return check({
    backend: vault.backend, keys: vault.keys, clock: systemClock, random: new SystemRandom(), threads: 0, ...options,
  })
}
