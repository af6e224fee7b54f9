// Goal: no damage to any object of a vault escapes a check, and each is named together with what it hurts.
// Method: a vault with every kind of object; each object in turn gets a bit flipped (at several places), is cut, and is
// deleted; a check must name it, and is silent again when it is put back.
import assert from 'node:assert/strict'
import { before, describe, it } from 'node:test'
import { isVaultError } from '../../src/errors/vault-error.ts'
import { SystemRandom } from '../../src/async/random.ts'
import { snapshotId, type ObjectName } from '../../src/ids/ids.ts'
import { sealForgotten } from '../../src/snapshot/forgotten-record.ts'
import { systemKdf } from '../../src/crypto/kdf.ts'
import { parseSlot } from '../../src/crypto/key-slot.ts'
import { parsePackName } from '../../src/pack/layout.ts'
import { unlock } from '../../src/repository/unlock.ts'
import type { Finding } from '../../src/check/finding.ts'
import type { CheckReport } from '../../src/check/options.ts'
import { SeededRandom, testSeed } from '../support/seeded-random.ts'
import { checkVault, DAMAGE, makeSmallVault, MARK, PIN, SESSION, type SmallVault } from './small-vault.ts'

const seed = testSeed()
console.log(`seed ${seed}`)

type Damage = (bytes: Uint8Array) => Uint8Array

const flip = (place: (length: number) => number, bit: number): Damage => (bytes) => {
  const at = place(bytes.length)
  bytes[at] = (bytes[at] ?? 0) ^ (1 << bit)
  return bytes
}
const truncate: Damage = (bytes) => bytes.slice(0, -1)

const errorsOf = (report: CheckReport): readonly Finding[] => report.findings.filter(({ severity }) => severity === 'error')
const named = (report: CheckReport, name: string): Finding | undefined => errorsOf(report).find(({ object }) => object === name)
const isHurting = (finding: Finding | undefined): boolean =>
  finding?.hurts !== undefined && finding.hurts.snapshots.length > 0 && finding.hurts.paths.length > 0

describe('every object damaged', () => {
  let vault: SmallVault
  let names: readonly ObjectName[]
  const random = new SeededRandom(seed)

  before(async () => {
    vault = await makeSmallVault(seed)
    names = [...vault.backend.names()]
  })

  /** Damages one object, checks with and without reading data, puts it back. */
  async function damaged(name: ObjectName, damage: Damage | 'delete'): Promise<{ structure: CheckReport; full: CheckReport }> {
    const original = await vault.backend.get(name)
    if (damage === 'delete') await vault.backend.delete(name)
    else vault.backend.damage(name, damage)
    try {
      return { structure: await checkVault(vault), full: await checkVault(vault, { readData: { by: 'all' } }) }
    } finally {
      await vault.backend.delete(name)
      await vault.backend.put(name, original)
    }
  }

  const flips = (): Damage[] => [
    flip(() => 0, 0), flip((length) => length - 1, 7),
    ...[1, 2, 3].map(() => flip((length) => random.below(length), random.below(8))),
  ]

  it('has every kind of object, and is sound', async () => {
    for (const prefix of ['config', 'keys/', 'packs/d/', 'packs/m/', 'index/', 'snapshots/', 'sessions/', 'pins/', 'gc/', 'damage/']) {
      assert.ok(names.some((name) => name.startsWith(prefix)), prefix)
    }
    for (const report of [await checkVault(vault), await checkVault(vault, { readData: { by: 'all' } })]) {
      assert.deepEqual(errorsOf(report), [])
      assert.deepEqual(report.findings.map(({ kind }) => kind), ['segment-superseded'])
    }
  })

  it('packs: reading data finds every flip; without it, those in metadata that is read', async () => {
    for (const name of names.filter((other) => parsePackName(other))) {
      for (const damage of flips()) {
        const { structure, full } = await damaged(name, damage)
        assert.ok(named(full, name), `${name} named`)
        if (parsePackName(name)?.kind === 'metadata') continue
        assert.deepEqual(errorsOf(structure), [], 'content is not read')
      }
      const inBlob = await damaged(name, flip(() => 40, 3)) // behind header and nonce of the first blob
      assert.ok(isHurting(named(inBlob.full, name)), `${name}: what it hurts`)
      if (parsePackName(name)?.kind === 'metadata') assert.ok(isHurting(named(inBlob.structure, name)), 'read by the walk')
    }
  })

  it('packs: cut or deleted, even without reading data', async () => {
    for (const name of names.filter((other) => parsePackName(other))) {
      const cut = await damaged(name, truncate)
      assert.equal(named(cut.structure, name)?.kind, 'pack-size')
      assert.equal(named(cut.full, name)?.kind, 'pack-size')
      assert.equal(named(cut.full, name)?.hurts, undefined, 'the last byte is the footer: no blob is lost')
      const gone = await damaged(name, 'delete')
      for (const report of [gone.structure, gone.full]) {
        assert.equal(named(report, name)?.kind, 'pack-missing')
        assert.ok(isHurting(named(report, name)), `${name}: what it hurts`)
      }
    }
  })

  it('index segments', async () => {
    const superseded = (await checkVault(vault)).findings.find(({ kind }) => kind === 'segment-superseded')?.object
    for (const name of names.filter((other) => other.startsWith('index/'))) {
      for (const damage of [...flips(), truncate]) {
        const { structure } = await damaged(name, damage)
        assert.equal(named(structure, name)?.kind, 'segment-damaged')
        assert.equal(isHurting(named(structure, name)), name !== superseded)
      }
      const { structure } = await damaged(name, 'delete')
      if (name === superseded) {
        assert.deepEqual(structure.findings, [], 'a later segment says the same')
        continue
      }
      const incomplete = errorsOf(structure)
      assert.ok(incomplete.length > 0)
      for (const finding of incomplete) {
        assert.equal(finding.kind, 'index-incomplete')
        assert.ok(names.includes(finding.object as ObjectName), 'names the pack that the segment named')
        assert.ok(isHurting(finding))
      }
    }
  })

  it('snapshots', async () => {
    const snapshots = names.filter((name) => name.startsWith('snapshots/'))
    for (const [place, name] of snapshots.entries()) {
      for (const damage of [...flips(), truncate]) {
        const finding = named((await damaged(name, damage)).structure, name)
        assert.equal(finding?.kind, 'snapshot-damaged')
        assert.deepEqual(finding.hurts?.snapshots, [name.slice(-64)])
      }
      const gone = errorsOf((await damaged(name, 'delete')).structure)
      assert.deepEqual(gone.map(({ kind }) => kind), place === snapshots.length - 1 ? [] : ['snapshot-gone'], 'the last has no witness')
      if (place === 0) assert.ok(gone[0]?.object.includes(name.slice(-64)), 'its successor names it')
    }
  })

  it('a forgotten snapshot is not gone, but one for which somebody only made a name is', async () => {
    const first = names.find((name) => name.startsWith('snapshots/'))
    assert.ok(first)
    const id = snapshotId(first.slice(-64))
    const sealed = sealForgotten(vault.keys, new SystemRandom(), { id, name: first }, await vault.backend.get(first), 1_800_000_000_000)
    for (const [bytes, kinds] of [[sealed.bytes, []], [new Uint8Array(3), ['protocol-object-damaged', 'snapshot-gone']]] as const) {
      await vault.backend.put(sealed.name, bytes)
      try {
        assert.deepEqual(errorsOf((await damaged(first, 'delete')).structure).map(({ kind }) => kind).sort(), kinds)
      } finally {
        await vault.backend.delete(sealed.name)
      }
    }
  })

  it('key slots', async () => {
    for (const name of names.filter((other) => other.startsWith('keys/'))) {
      for (const damage of [...flips(), truncate]) {
        const finding = named((await damaged(name, damage)).structure, name)
        assert.equal(finding?.kind, 'slot-damaged')
        assert.match(finding.message, /may no longer open the vault/)
      }
      const slot = parseSlot(await vault.backend.get(name), vault.keys.vault, name)
      const { structure } = await damaged(name, 'delete')
      assert.deepEqual(errorsOf(structure), [], 'a slot may be revoked: nothing records it')
      assert.equal(structure.findings.some(({ kind }) => kind === 'recovery-slot-missing'), slot.kind === 'recovery')
    }
  })

  it('sessions, pins, marks and damage records', async () => {
    for (const name of [SESSION, PIN, MARK, DAMAGE] as ObjectName[]) {
      for (const damage of [...flips(), truncate]) {
        assert.equal(named((await damaged(name, damage)).structure, name)?.kind, 'protocol-object-damaged')
      }
      assert.deepEqual(errorsOf((await damaged(name, 'delete')).structure), [], 'these come and go')
    }
  })

  it('config: nothing is opened any more', async () => {
    const name = 'config' as ObjectName
    const original = await vault.backend.get(name)
    for (const damage of [...flips(), truncate, 'delete' as const]) {
      await vault.backend.delete(name)
      if (damage !== 'delete') await vault.backend.put(name, damage(Uint8Array.from(original)))
      const isTrailing = damage === truncate // only the newline at its end is gone
      const opening = unlock(vault.backend, vault.password, systemKdf)
      if (isTrailing) await opening
      else await assert.rejects(opening, (error) => isVaultError(error))
    }
    await vault.backend.delete(name)
    await vault.backend.put(name, original)
  })

  it('is silent again', async () => {
    assert.deepEqual(errorsOf(await checkVault(vault, { readData: { by: 'all' } })), [])
  })
})
