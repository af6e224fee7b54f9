// Goal: a writer keeps the rules of the gc protocol that bind it (docs/gc-protocol.md, 6-14). Method: the real session on
// the memory backend with a clock that the test moves, and marks that the test writes as prune would.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../src/async/clock.ts'
import { FaultyBackend, type FaultChooser } from '../../src/backend/faulty.ts'
import { MemoryBackend } from '../../src/backend/memory.ts'
import { openEnvelope, sealEnvelope } from '../../src/crypto/envelope.ts'
import { Keyring } from '../../src/crypto/keyring.ts'
import { VaultError } from '../../src/errors/vault-error.ts'
import { objectName, packId, vaultId, type PackId } from '../../src/ids/ids.ts'
import { COMMIT_LEASE_MIN_MS, LEASE_MS, RENEWAL_MS } from '../../src/session/timing.ts'
import { WriterSession, type SessionUser } from '../../src/session/writer-session.ts'
import { seededRandom } from '../backend/manual-clock.ts'

const random = seededRandom(7)
const keys = new Keyring({ vault: vaultId('0'.repeat(32)), masters: [{ epoch: 1, master: random.bytes(32) }] })
const pack = (digit: string): PackId => packId(digit.repeat(64))
const COMMIT = { name: objectName(`snapshots/20260101T000000Z-${'e'.repeat(64)}`), bytes: Buffer.from('commit') }

class MovableClock implements Clock {
  timeMs = 0
  nowMs = (): number => this.timeMs
  elapsedMs = (): number => this.timeMs
  async sleep(ms: number): Promise<void> {
    this.timeMs += ms
  }
}

class RecordingUser implements SessionUser {
  used: PackId[] = []
  orphans: string[] = []
  readonly condemned = new Set<PackId>()
  readonly rescued: PackId[] = []
  condemn(packs: ReadonlySet<PackId>): void {
    for (const one of packs) this.condemned.add(one)
  }
  usedPacks = (): PackId[] => this.used
  orphanedTrees = async (): Promise<string[]> => this.orphans
  async rescue(packs: ReadonlySet<PackId>): Promise<void> {
    this.rescued.push(...packs)
  }
}

async function writeGc(backend: MemoryBackend, number: number, stage: string, packs: PackId[]): Promise<void> {
  const name = objectName(`gc/${String(number).padStart(8, '0')}-${'b'.repeat(32)}.${stage}`)
  await backend.put(name, sealEnvelope(keys, random, 'gc', name, Buffer.from(JSON.stringify({ packs, segments: [] }))))
}

async function read(backend: MemoryBackend, kind: 'session' | 'pin', name: string): Promise<{ acknowledged?: string[]; packs?: string[]; trees?: string[]; state?: string }> {
  const object = objectName(name)
  return JSON.parse(Buffer.from(openEnvelope(keys, kind, object, await backend.get(object), name)).toString()) as object
}

const named = (backend: MemoryBackend, prefix: string): string[] => backend.names().filter((name) => name.startsWith(prefix))

async function begin(choose: FaultChooser = () => undefined): Promise<{
  backend: MemoryBackend; clock: MovableClock; session: WriterSession; user: RecordingUser; calls: string[]
}> {
  const clock = new MovableClock()
  const backend = new MemoryBackend({ nowMs: () => clock.timeMs })
  const calls: string[] = []
  const watched = new FaultyBackend(backend, (call) => {
    calls.push(`${call.method} ${call.name.split('/')[0]}`)
    return choose(call)
  }, clock)
  const session = await WriterSession.begin({ backend: watched, keys, clock, random })
  const user = new RecordingUser()
  session.attach(user)
  return { backend, clock, session, user, calls }
}

test('rule 6: the session is announced before gc is listed', async () => {
  const { calls } = await begin()
  assert.deepEqual(calls, ['put sessions', 'list gc'])
})

test('rule 7: what was marked or dead before counts as absent from the start', async () => {
  const clock = new MovableClock()
  const backend = new MemoryBackend({ nowMs: () => clock.timeMs })
  await writeGc(backend, 1, 'mark', [pack('1')])
  await writeGc(backend, 2, 'mark', [pack('2')])
  await writeGc(backend, 2, 'dead', [pack('2')])
  await writeGc(backend, 2, 'done', [pack('2')])
  const session = await WriterSession.begin({ backend, keys, clock, random })
  assert.deepEqual([...session.condemned].sort(), [pack('1'), pack('2')])
})

test('rule 9: a used pack that is marked is pinned before the mark is acknowledged, once', async () => {
  const { backend, session, user, calls } = await begin()
  user.used = [pack('1')]
  user.orphans = ['f'.repeat(64)]
  await writeGc(backend, 1, 'mark', [pack('1'), pack('2')])
  calls.length = 0
  await session.renew()
  assert.deepEqual(calls, ['list gc', 'get gc', 'put pins', 'put sessions'])
  assert.ok(user.condemned.has(pack('1')) && user.condemned.has(pack('2')))
  const [pin] = named(backend, 'pins/')
  const { packs, trees } = await read(backend, 'pin', pin ?? '')
  assert.deepEqual([packs, trees], [[pack('1')], ['f'.repeat(64)]])
  const latest = named(backend, 'sessions/').at(-1)
  assert.deepEqual((await read(backend, 'session', latest ?? '')).acknowledged, [`00000001-${'b'.repeat(32)}`])
  await session.renew()
  assert.equal(named(backend, 'pins/').length, 1)
})

test('rule 9: a used pack that is dead already is rescued', async () => {
  const { backend, session, user } = await begin()
  user.used = [pack('1')]
  await writeGc(backend, 1, 'mark', [pack('1')])
  await writeGc(backend, 1, 'dead', [pack('1')])
  await session.renew()
  assert.deepEqual(user.rescued, [pack('1')])
})

test('rules 10, 13, 14: gc is listed before and after the commit, and the session ends last', async () => {
  const { backend, session, calls } = await begin()
  calls.length = 0
  await session.commit(COMMIT)
  assert.deepEqual(calls, ['list gc', 'put snapshots', 'list gc', 'put sessions'])
  assert.equal((await read(backend, 'session', named(backend, 'sessions/').at(-1) ?? '')).state, 'end')
})

test('rule 11: a short lease is renewed before the commit is sent; a lapsed one is a new session', async () => {
  const short = await begin()
  short.clock.timeMs = LEASE_MS - COMMIT_LEASE_MIN_MS + 1
  short.calls.length = 0
  await short.session.commit(COMMIT)
  assert.deepEqual(short.calls.slice(0, 3), ['list gc', 'put sessions', 'put snapshots'])
  const lapsed = await begin()
  const before = lapsed.session.id
  lapsed.user.used = [pack('3')]
  lapsed.clock.timeMs = LEASE_MS + 1
  await writeGc(lapsed.backend, 1, 'mark', [pack('3')])
  await writeGc(lapsed.backend, 1, 'dead', [pack('3')])
  await lapsed.session.commit(COMMIT)
  assert.notEqual(lapsed.session.id, before)
  assert.deepEqual([...new Set(lapsed.user.rescued)], [pack('3')], 'everything used is looked at again')
})

test('rule 12: a lost response is found out by looking, and the commit counts', async () => {
  let lost = 0
  const { session, backend } = await begin(({ isFenced }) => (isFenced && lost++ === 0 ? { kind: 'fail-after' } : undefined))
  await session.commit(COMMIT)
  assert.equal(lost, 1)
  assert.equal(named(backend, 'snapshots/').length, 1)
})

test('rule 12: a commit that never arrives fails with what the store said, after D + M, and the session is left to expire', async () => {
  const { session, backend, clock } = await begin(({ isFenced }) => (isFenced ? { kind: 'fail-before' } : undefined))
  await assert.rejects(session.commit(COMMIT), (error) => error instanceof VaultError && error.code === 'storage-unreachable')
  assert.ok(clock.timeMs >= 6 * 60_000)
  const states = await Promise.all(named(backend, 'sessions/').map(async (name) => (await read(backend, 'session', name)).state))
  assert.ok(!states.includes('end'))
})

test('renewals go on every quarter of the lease until they are stopped', async () => {
  const { session, clock, backend } = await begin()
  const stop = new AbortController()
  clock.sleep = async (ms: number): Promise<void> => {
    assert.equal(ms, RENEWAL_MS)
    clock.timeMs += ms
    if (clock.timeMs > 10 * RENEWAL_MS) stop.abort()
  }
  await session.keepAlive(stop.signal)
  assert.ok(named(backend, 'sessions/').length >= 10)
})
