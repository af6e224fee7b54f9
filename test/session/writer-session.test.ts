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
import { COMMIT_DEADLINE_MS, COMMIT_LEASE_MIN_MS, LEASE_MS, MARGIN_MS, RENEWAL_MS } from '../../src/session/timing.ts'
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
  orphanedRoots = async (): Promise<string[]> => this.orphans
  lost: PackId[] = []
  async rescue(packs: ReadonlySet<PackId>): Promise<ReadonlySet<PackId>> {
    this.rescued.push(...packs)
    await this.onRescue()
    return new Set(this.lost)
  }
  onRescue = async (): Promise<void> => {}
  onRevalidate: (rescued: ReadonlySet<PackId>) => Promise<void> = async () => {}
  revalidate = (rescued: ReadonlySet<PackId>): Promise<void> => this.onRevalidate(rescued)
}

/** What a user throws when the run cannot go on after a lapse. */
const GONE = new VaultError('fence-expired', 'the parent snapshot is gone', { hint: 'run the backup again' })

async function writeGc(backend: MemoryBackend, number: number, stage: string, packs: PackId[]): Promise<void> {
  const name = objectName(`gc/${String(number).padStart(8, '0')}-${'b'.repeat(32)}.${stage === 'mark' ? '' : `${'c'.repeat(32)}.`}${stage}`)
  await backend.put(name, sealEnvelope(keys, random, 'gc', name, Buffer.from(JSON.stringify({ packs, segments: [] }))))
}

async function read(backend: MemoryBackend, kind: 'session' | 'pin' | 'damage', name: string): Promise<{ acknowledged?: string[]; packs?: string[]; roots?: string[]; state?: string }> {
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
  user.orphans = ['f'.repeat(64), 'e'.repeat(64)] // a tree and a link table
  await writeGc(backend, 1, 'mark', [pack('1'), pack('2')])
  calls.length = 0
  await session.renew()
  assert.deepEqual(calls, ['list gc', 'get gc', 'put pins', 'list gc', 'put sessions'], 'gc is looked at again after the pin')
  assert.ok(user.condemned.has(pack('1')) && user.condemned.has(pack('2')))
  const [pin] = named(backend, 'pins/')
  const { packs, roots } = await read(backend, 'pin', pin ?? '')
  assert.deepEqual([packs, roots], [[pack('1')], user.orphans])
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
  assert.deepEqual(lapsed.user.rescued, [pack('3')], 'everything used is looked at again')
})

test('rule 3: a renewal after the lease has ended opens a new session instead of reviving the old', async () => {
  const { backend, clock, session } = await begin()
  const before = session.id
  clock.timeMs = LEASE_MS
  await session.renew()
  assert.notEqual(session.id, before)
  assert.equal(named(backend, `sessions/${before}/`).length, 1)
  assert.ok(named(backend, `sessions/${session.id}/`).length >= 1)
})

test('rule 3: a lease that ends while a renewal rescues, or is on its way, is not revived either', async () => {
  const rescuing = await begin()
  const first = rescuing.session.id
  rescuing.user.used = [pack('1')]
  await writeGc(rescuing.backend, 1, 'dead', [pack('1')])
  rescuing.user.onRescue = async () => void (rescuing.clock.timeMs += LEASE_MS)
  await rescuing.session.renew()
  assert.notEqual(rescuing.session.id, first)
  assert.equal(named(rescuing.backend, `sessions/${first}/`).length, 1)

  let delayMs = 0
  const sending = await begin(({ method, name }) =>
    delayMs > 0 && method === 'put' && name.startsWith('sessions/') ? { kind: 'delay', delayMs } : undefined)
  const second = sending.session.id
  delayMs = LEASE_MS + 1
  await sending.session.renew()
  delayMs = 0
  let revalidations = 0
  sending.user.onRevalidate = async () => void revalidations++
  await sending.session.commit(COMMIT)
  assert.notEqual(sending.session.id, second)
  assert.equal(revalidations, 1)
})

test('a lapse before anybody is attached is made good when somebody is', async () => {
  const clock = new MovableClock()
  const backend = new MemoryBackend({ nowMs: () => clock.timeMs })
  const session = await WriterSession.begin({ backend, keys, clock, random })
  const before = session.id
  clock.timeMs = LEASE_MS + 1
  await session.renew()
  assert.deepEqual([session.id, named(backend, 'sessions/').length], [before, 1])
  const user = new RecordingUser()
  let revalidations = 0
  user.onRevalidate = async () => void revalidations++
  session.attach(user)
  await session.renew()
  assert.notEqual(session.id, before)
  assert.equal(revalidations, 1)
})

test('rules 6 to 9 after a lapse: session, gc, then the user lists again; nothing is acknowledged before that', async () => {
  const { backend, clock, session, user, calls } = await begin()
  user.used = [pack('1'), pack('2')]
  await writeGc(backend, 1, 'mark', [pack('1')])
  await writeGc(backend, 2, 'dead', [pack('2')])
  await session.renew()
  clock.timeMs = 2 * LEASE_MS
  calls.length = 0
  user.onRevalidate = async (rescued) => {
    assert.deepEqual([...rescued], [pack('2')])
    calls.push('revalidate')
  }
  await session.renew()
  assert.deepEqual(calls, ['put sessions', 'list gc', 'put pins', 'list gc', 'revalidate', 'put sessions'])
  const [opening, renewal] = await Promise.all(
    named(backend, `sessions/${session.id}/`).map((name) => read(backend, 'session', name)),
  )
  assert.deepEqual(opening?.acknowledged, [])
  assert.deepEqual(renewal?.acknowledged, [`00000001-${'b'.repeat(32)}`])
  assert.equal(named(backend, `pins/${session.id}/`).length, 1)
})

test('after a lapse that cannot be made good nothing is committed, however often it is asked, and renewing ends', async () => {
  const { backend, clock, session, user, calls } = await begin()
  user.onRevalidate = () => Promise.reject(GONE)
  clock.timeMs = LEASE_MS + 1
  await assert.rejects(session.keepAlive(new AbortController().signal), (error) => error === GONE)
  calls.length = 0
  await assert.rejects(session.commit(COMMIT), (error) => error === GONE)
  assert.deepEqual(calls, ['put sessions', 'list gc'], 'it is not tried again')
  assert.equal(named(backend, 'snapshots/').length, 0)
})

test('a revalidation that could not look is asked again before the commit', async () => {
  const { backend, clock, session, user } = await begin()
  const failures = [new VaultError('storage-unreachable', 'offline', { retry: 'later' })]
  let revalidations = 0
  user.onRevalidate = async () => {
    revalidations++
    const failure = failures.pop()
    if (failure) throw failure
    assert.equal(named(backend, 'snapshots/').length, 0)
  }
  clock.timeMs = LEASE_MS + 1
  await assert.rejects(session.renew(), { code: 'storage-unreachable' })
  await session.commit(COMMIT)
  assert.equal(revalidations, 2)
  assert.equal(named(backend, 'snapshots/').length, 1)
})

test('a renewal and a commit that find the lease lapsed at once open one new session', async () => {
  const { backend, clock, session } = await begin()
  clock.timeMs = LEASE_MS + 1
  await Promise.all([session.renew(), session.commit(COMMIT)])
  assert.equal(new Set(named(backend, 'sessions/').map((name) => name.split('/')[1])).size, 2)
  assert.equal((await read(backend, 'session', named(backend, `sessions/${session.id}/`).at(-1) ?? '')).state, 'end')
})

test('a dead pack is rescued once, after a lapse too, but again when the rescue failed', async () => {
  const { backend, clock, session, user } = await begin()
  user.used = [pack('1')]
  await writeGc(backend, 1, 'dead', [pack('1')])
  user.onRescue = () => Promise.reject(new VaultError('storage-unreachable', 'offline', { retry: 'later' }))
  await assert.rejects(session.renew(), { code: 'storage-unreachable' })
  user.onRescue = async () => {}
  await session.renew()
  await session.renew()
  clock.timeMs = 2 * LEASE_MS
  await session.renew()
  await session.commit(COMMIT)
  assert.deepEqual(user.rescued, [pack('1'), pack('1')])
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

test('rule 12: a permanent error after a lost response waits D + M too, for the first request may still arrive', async () => {
  for (const arrives of [true, false]) {
    let attempts = 0
    const { session, backend, clock } = await begin(({ isFenced }) => {
      if (!isFenced) return undefined
      return attempts++ === 0
        ? { kind: 'fail-before' }
        : { kind: 'fail-before', error: new VaultError('storage-denied', 'the key was revoked') }
    })
    const sleep = clock.sleep.bind(clock)
    clock.sleep = async (ms) => {
      await sleep(ms)
      if (arrives && attempts === 2) await backend.put(COMMIT.name, COMMIT.bytes)
    }
    const commit = session.commit(COMMIT)
    if (arrives) await commit
    else await assert.rejects(commit, { code: 'storage-denied', message: 'the key was revoked' })
    assert.equal(attempts, 2)
    assert.ok(clock.timeMs >= COMMIT_DEADLINE_MS + MARGIN_MS)
    const last = await read(backend, 'session', named(backend, 'sessions/').at(-1) ?? '')
    assert.equal(last.state, arrives ? 'end' : 'run', 'an undecided commit leaves the session to expire')
  }
})

test('rule 12: a permanent error at the first attempt is told at once; a verdict that cannot be had is told as such', async () => {
  const denied = new VaultError('storage-denied', 'read only')
  const first = await begin(({ isFenced }) => (isFenced ? { kind: 'fail-before', error: denied } : undefined))
  await assert.rejects(first.session.commit(COMMIT), (error) => error === denied)
  assert.equal(first.clock.timeMs, 0)
  let attempts = 0
  const blind = await begin(({ isFenced, method }) => {
    if (isFenced) return attempts++ === 0 ? { kind: 'fail-after' } : { kind: 'fail-before', error: denied }
    return method === 'stat' ? { kind: 'fail-before' } : undefined
  })
  await assert.rejects(blind.session.commit(COMMIT), { code: 'storage-denied', message: /read only; whether snapshots\/.* was stored is not known/ })
})

test('rule 13: what is dead and gone when the commit is there is recorded, reported, and the session ends', async () => {
  const { session, backend, user } = await begin(({ method, name }) =>
    method === 'put' && name.startsWith('snapshots/') ? { kind: 'delay', delayMs: 1 } : undefined)
  user.used = [pack('1'), pack('2')]
  user.lost = [pack('2')]
  const put = backend.put.bind(backend)
  backend.put = async (name, bytes, options) => {
    await put(name, bytes, options)
    if (name.startsWith('snapshots/')) await writeGc(backend, 1, 'dead', [pack('1'), pack('2')])
  }
  await assert.rejects(session.commit(COMMIT), { code: 'vault-damaged', message: /is stored but damaged \(recorded\)/ })
  const [record, ...more] = named(backend, 'damage/')
  assert.match(record ?? '', new RegExp(`^damage/${session.id}/00000001$`))
  assert.deepEqual(more, [])
  assert.deepEqual(await read(backend, 'damage', record ?? ''), { packs: [pack('2')], roots: [COMMIT.name] })
  assert.equal((await read(backend, 'session', named(backend, 'sessions/').at(-1) ?? '')).state, 'end')
})

test('rule 9: what is dead and gone before the commit ends the run, and nothing is committed or recorded', async () => {
  const { session, backend, user } = await begin()
  user.used = [pack('1')]
  user.lost = [pack('1')]
  await writeGc(backend, 1, 'dead', [pack('1')])
  await assert.rejects(session.keepAlive(new AbortController().signal), { code: 'vault-damaged' })
  await assert.rejects(session.commit(COMMIT), { code: 'vault-damaged' })
  assert.deepEqual([...named(backend, 'snapshots/'), ...named(backend, 'damage/')], [])
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
