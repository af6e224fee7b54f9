// The contract of src/backend/backend.ts as tests: every implementation and every decorator runs them.
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { after, before, describe, test } from 'node:test'
import type { Backend, ListOptions } from '../../src/backend/backend.ts'
import { VaultError, isVaultError } from '../../src/errors/vault-error.ts'
import { objectName } from '../../src/ids/ids.ts'

export interface ContractSubject {
  readonly title: string
  /** A backend on an empty place of its own; called once. */
  open(): Promise<Backend>
  /** Removes what `open` made; the suite has closed the backend. */
  cleanUp?(): Promise<void>
  /** Objects of the paging test; above 1000 crosses a page of S3. */
  readonly manyObjects?: number
  /** False for S3 without conditional PUT: a race of different bytes for one name may overwrite. Default true. */
  readonly isCreationAtomic?: boolean
}

const LARGE_BYTES = 33 * 1024 * 1024 + 1
const name = objectName
const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text)
const failsWith = (code: string) => (error: unknown) => error instanceof VaultError && error.code === code

export async function namesIn(backend: Backend, prefix: string, options?: ListOptions): Promise<string[]> {
  const names: string[] = []
  for await (const info of backend.list(prefix, options)) names.push(info.name)
  return names
}

const sameBytes = (actual: Uint8Array, expected: Uint8Array): void =>
  assert.ok(Buffer.compare(actual, expected) === 0, `${actual.length} bytes differ from the expected ${expected.length}`)

export function contractTests(subject: ContractSubject): void {
  describe(`contract: ${subject.title}`, () => {
    let backend: Backend
    const current = (): Backend => backend
    before(async () => {
      backend = await subject.open()
    })
    after(async () => {
      await backend.close()
      await subject.cleanUp?.()
    })
    putTests(current)
    raceTests(current, subject.isCreationAtomic ?? true)
    getTests(current)
    boundTests(current)
    listTests(current, subject.manyObjects ?? 1100)
    fenceTests(current)
    otherTests(current)
  })
}

function putTests(backend: () => Backend): void {
  test('put: what was put is got, empty and small', async () => {
    for (const text of ['', 'x', 'hello']) {
      await backend().put(name(`put/small-${text.length}`), bytesOf(text))
      sameBytes(await backend().get(name(`put/small-${text.length}`)), bytesOf(text))
    }
  })

  test('put: more than 32 MiB survive whole, and a middle range of them', async () => {
    const large = randomBytes(LARGE_BYTES)
    await backend().put(name('put/large'), large)
    sameBytes(await backend().get(name('put/large')), large)
    sameBytes(await backend().get(name('put/large'), { offset: 20_000_001, length: 1_000_003 }), large.subarray(20_000_001, 21_000_004))
    assert.equal((await backend().stat(name('put/large'))).sizeBytes, LARGE_BYTES)
  })

  test('put: the same bytes again succeed, other bytes are refused and change nothing', async () => {
    const taken = name('put/taken')
    await backend().put(taken, bytesOf('first'))
    await backend().put(taken, bytesOf('first'))
    await assert.rejects(backend().put(taken, bytesOf('other')), failsWith('object-exists'))
    await assert.rejects(backend().put(taken, bytesOf('longer than the first')), failsWith('object-exists'))
    await assert.rejects(backend().put(taken, bytesOf('')), failsWith('object-exists'))
    sameBytes(await backend().get(taken), bytesOf('first'))
  })

  test('put: keeps its own copy, and writes a view of a larger buffer exactly', async () => {
    const whole = bytesOf('0123456789')
    await backend().put(name('put/view'), whole.subarray(2, 5))
    whole.fill(0)
    const got = await backend().get(name('put/view'))
    sameBytes(got, bytesOf('234'))
    got.fill(0)
    sameBytes(await backend().get(name('put/view')), bytesOf('234'))
  })

  test('put: an aborted signal stores nothing', async () => {
    const signal = AbortSignal.abort(new Error('stop'))
    await assert.rejects(backend().put(name('put/aborted'), bytesOf('x'), { signal }), failsWith('interrupted'))
    await assert.rejects(backend().stat(name('put/aborted')), failsWith('object-missing'))
  })
}

function raceTests(backend: () => Backend, isCreationAtomic: boolean): void {
  const skip = isCreationAtomic ? false : 'creation is not atomic here'
  test('race: of eight writers of one name with other bytes exactly one wins and its bytes are whole', { skip }, async () => {
    const contents = Array.from({ length: 8 }, (_, index) => new Uint8Array(100_000).fill(index + 1))
    const results = await Promise.allSettled(contents.map((bytes) => backend().put(name('race/different'), bytes)))
    const winners = results.flatMap((result, index) => (result.status === 'fulfilled' ? [index] : []))
    assert.equal(winners.length, 1, `${winners.length} writers believe they won`)
    for (const result of results) {
      if (result.status === 'rejected') assert.ok(isVaultError(result.reason, 'object-exists'), String(result.reason))
    }
    sameBytes(await backend().get(name('race/different')), contents[winners[0] ?? 0] ?? new Uint8Array())
  })

  test('race: eight writers of the same bytes all succeed', async () => {
    const bytes = randomBytes(100_000)
    await Promise.all(Array.from({ length: 8 }, () => backend().put(name('race/same'), bytes)))
    sameBytes(await backend().get(name('race/same')), bytes)
  })

  test('race: forty objects in folders not yet made', async () => {
    await Promise.all(
      Array.from({ length: 40 }, (_, index) => backend().put(name(`race/deep/${index % 7}/${index % 3}/${index}`), bytesOf(`${index}`))),
    )
    assert.equal((await namesIn(backend(), 'race/deep/')).length, 40)
  })
}

function getTests(backend: () => Backend): void {
  const object = name('get/digits')
  before(() => backend().put(object, bytesOf('0123456789')))

  test('get: ranges from the start, in the middle, to the very end', async () => {
    sameBytes(await backend().get(object, { offset: 0, length: 1 }), bytesOf('0'))
    sameBytes(await backend().get(object, { offset: 3, length: 4 }), bytesOf('3456'))
    sameBytes(await backend().get(object, { offset: 0, length: 10 }), bytesOf('0123456789'))
    sameBytes(await backend().get(object, { offset: 9, length: 1 }), bytesOf('9'))
  })

  test('get: a suffix; longer than the object gives the whole object; of an empty one gives nothing', async () => {
    sameBytes(await backend().get(object, { offset: -3, length: 3 }), bytesOf('789'))
    sameBytes(await backend().get(object, { offset: -10, length: 10 }), bytesOf('0123456789'))
    sameBytes(await backend().get(object, { offset: -5000, length: 5000 }), bytesOf('0123456789'))
    await backend().put(name('get/empty'), new Uint8Array())
    sameBytes(await backend().get(name('get/empty'), { offset: -8, length: 8 }), new Uint8Array())
  })

  test('get: a range beyond the end is damage, never a short answer', async () => {
    for (const range of [{ offset: 9, length: 2 }, { offset: 10, length: 1 }, { offset: 4_000, length: 10 }]) {
      await assert.rejects(backend().get(object, range), failsWith('vault-damaged'))
    }
  })

  test('get and stat: missing objects, a name below an object, a name above objects', async () => {
    for (const missing of ['get/nothing', 'nowhere/at/all', 'get']) {
      await assert.rejects(backend().get(name(missing)), failsWith('object-missing'))
      await assert.rejects(backend().get(name(missing), { offset: 0, length: 1 }), failsWith('object-missing'))
      await assert.rejects(backend().get(name(missing), { offset: -1, length: 1 }), failsWith('object-missing'))
      await assert.rejects(backend().stat(name(missing)), failsWith('object-missing'))
    }
    await assert.rejects(backend().get(name('get/digits/below')), failsWith('object-missing'))
  })

  test('get: many at once do not mix', async () => {
    const texts = Array.from({ length: 30 }, (_, index) => `object number ${index}`)
    await Promise.all(texts.map((text, index) => backend().put(name(`get/many/${index}`), bytesOf(text))))
    const got = await Promise.all(texts.map((_, index) => backend().get(name(`get/many/${index}`))))
    assert.deepEqual(got.map((bytes) => Buffer.from(bytes).toString()), texts)
  })
}

function boundTests(backend: () => Backend): void {
  test('get: an object above `bytesMax` is refused unread, as often as one likes, and one that just fits is given', async () => {
    const large = name('bound/large')
    const bytes = randomBytes(3_000_000)
    await backend().put(large, bytes)
    const before = backend().counts.bytesDown
    for (let time = 0; time < 2 * backend().connectionsMax; time++) {
      await assert.rejects(backend().get(large, undefined, { bytesMax: bytes.length - 1 }), failsWith('vault-damaged'))
    }
    assert.equal(backend().counts.bytesDown, before)
    sameBytes(await backend().get(large, undefined, { bytesMax: bytes.length }), bytes)
    sameBytes(await backend().get(large, { offset: 5, length: 10 }, { bytesMax: 1 }), bytes.subarray(5, 15))
  })
}

function listTests(backend: () => Backend, manyObjects: number): void {
  // '-' and '.' sort before '/', digits and letters after: the traps of walking folder by folder.
  const tree = ['list/a', 'list/a-b/x', 'list/a.b', 'list/aa/1', 'list/aa/10', 'list/aa/2', 'list/ab', 'list/b-', 'list/b/y', 'list/b0', 'listen']
  const sorted = tree.toSorted()
  before(() => Promise.all(tree.map((path) => backend().put(name(path), bytesOf(path)))))

  test('list: byte order of whole names, by any string prefix', async () => {
    for (const prefix of ['list', 'list/', 'list/a', 'list/aa', 'list/aa/', 'list/aa/1', 'list/b', 'list/b/', 'list/b/y', 'lists', 'list/zz/']) {
      assert.deepEqual(await namesIn(backend(), prefix), sorted.filter((path) => path.startsWith(prefix)), `prefix ${prefix}`)
    }
  })

  test('list: startAfter takes any string, a name or not', async () => {
    for (const startAfter of ['list/', ...tree, 'list/a-', 'list/aa', 'list/aa/', 'list/aa/11', 'list/b/z', 'list/~', 'zzz', '0']) {
      const expected = sorted.filter((path) => path.startsWith('list/') && path > startAfter)
      assert.deepEqual(await namesIn(backend(), 'list/', { startAfter }), expected, `startAfter ${startAfter}`)
    }
  })

  test('list: the empty prefix shows everything in order, with sizes and times as stat', async () => {
    let previous = ''
    let seen = 0
    for await (const info of backend().list('')) {
      assert.ok(info.name > previous, `${info.name} after ${previous}`)
      previous = info.name
      if (!info.name.startsWith('list/')) continue
      assert.deepEqual(info, await backend().stat(info.name))
      assert.equal(info.sizeBytes, info.name.length)
      seen++
    }
    assert.equal(seen, tree.length - 1)
  })

  test(`list: ${manyObjects} objects, more than a page, also from the middle and left early`, async () => {
    const names = Array.from({ length: manyObjects }, (_, index) => name(`many/${String(index).padStart(5, '0')}`))
    for (let start = 0; start < names.length; start += 100) {
      await Promise.all(names.slice(start, start + 100).map((each) => backend().put(each, bytesOf('m'))))
    }
    assert.deepEqual(await namesIn(backend(), 'many/'), names)
    const middle = names[manyObjects >> 1] ?? ''
    assert.deepEqual(await namesIn(backend(), 'many/', { startAfter: middle }), names.slice((manyObjects >> 1) + 1))
    for await (const info of backend().list('many/')) {
      assert.equal(info.name, names[0])
      break
    }
  })

  test('list: objects deleted while listing do not break it', async () => {
    const names = ['gone/1', 'gone/2/a', 'gone/3/a', 'gone/4']
    await Promise.all(names.map((each) => backend().put(name(each), bytesOf('g'))))
    const seen: string[] = []
    for await (const info of backend().list('gone/')) {
      seen.push(info.name)
      if (seen.length === 1) await Promise.all(names.slice(1).map((each) => backend().delete(name(each))))
    }
    assert.equal(seen[0], 'gone/1')
    assert.deepEqual(await namesIn(backend(), 'gone/'), ['gone/1'])
  })
}

function fenceTests(backend: () => Backend): void {
  const expired = new VaultError('fence-expired', 'lease too short')

  test('fence: a check that throws leaves nothing and its error comes through', async () => {
    const fence = { expiresAfterMs: 30_000, check: (): void => { throw expired } }
    await assert.rejects(backend().put(name('fence/refused'), bytesOf('x'), { fence }), (error) => error === expired)
    await assert.rejects(backend().stat(name('fence/refused')), failsWith('object-missing'))
    assert.deepEqual(await namesIn(backend(), 'fence/refused'), [])
  })

  test('fence: a check that passes is called once for a PUT; the same bytes again succeed, others are refused', async () => {
    let checks = 0
    const fence = { expiresAfterMs: 30_000, check: (): void => void checks++ }
    await backend().put(name('fence/passed'), bytesOf('fenced'), { fence })
    assert.equal(checks, 1)
    sameBytes(await backend().get(name('fence/passed')), bytesOf('fenced'))
    await backend().put(name('fence/passed'), bytesOf('fenced'), { fence })
    await assert.rejects(backend().put(name('fence/passed'), bytesOf('other'), { fence }), failsWith('object-exists'))
  })

  test('fence: concurrent fenced puts', async () => {
    const fence = { expiresAfterMs: 30_000, check: (): void => {} }
    await Promise.all(Array.from({ length: 10 }, (_, index) => backend().put(name(`fence/many/${index}`), bytesOf(`${index}`), { fence })))
    assert.equal((await namesIn(backend(), 'fence/many/')).length, 10)
  })
}

function otherTests(backend: () => Backend): void {
  test('delete: the object is gone, again succeeds, other objects stay', async () => {
    await backend().put(name('delete/one'), bytesOf('1'))
    await backend().put(name('delete/two'), bytesOf('2'))
    await backend().delete(name('delete/one'))
    await backend().delete(name('delete/one'))
    await backend().delete(name('delete/never/was'))
    await assert.rejects(backend().get(name('delete/one')), failsWith('object-missing'))
    assert.deepEqual(await namesIn(backend(), 'delete/'), ['delete/two'])
    await backend().put(name('delete/one'), bytesOf('new'))
    sameBytes(await backend().get(name('delete/one')), bytesOf('new'))
  })

  test('time: the storage stamps objects with the clock that serverTimeMs shows', async () => {
    const beforeMs = await backend().serverTimeMs()
    await backend().put(name('time/stamp'), bytesOf('t'))
    const { modifiedMs } = await backend().stat(name('time/stamp'))
    const afterMs = await backend().serverTimeMs()
    assert.ok(Number.isInteger(modifiedMs))
    assert.ok(beforeMs - 1000 <= modifiedMs && modifiedMs <= afterMs + 1000, `${beforeMs} ${modifiedMs} ${afterMs}`)
  })

  test('signal: every call refuses to start once it has fired', async () => {
    const options = { signal: AbortSignal.abort(new Error('stop')) }
    await assert.rejects(backend().get(name('get/digits'), undefined, options), failsWith('interrupted'))
    await assert.rejects(backend().stat(name('get/digits'), options), failsWith('interrupted'))
    await assert.rejects(backend().delete(name('get/digits'), options), failsWith('interrupted'))
    await assert.rejects(backend().serverTimeMs(options), failsWith('interrupted'))
    await assert.rejects(namesIn(backend(), 'get/', options), failsWith('interrupted'))
    assert.equal((await backend().stat(name('get/digits'))).sizeBytes, 10)
  })

  test('counts: requests and bytes are counted', async () => {
    const earlier = { ...backend().counts }
    await backend().put(name('counts/object'), new Uint8Array(1000))
    await backend().get(name('counts/object'), { offset: 0, length: 100 })
    const { counts } = backend()
    assert.equal(counts.put - earlier.put, 1)
    assert.equal(counts.get - earlier.get, 1)
    assert.equal(counts.bytesUp - earlier.bytesUp, 1000)
    assert.equal(counts.bytesDown - earlier.bytesDown, 100)
  })
}
