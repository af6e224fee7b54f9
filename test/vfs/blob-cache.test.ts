import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errno, FileSystemError } from '../../src/fuse/file-system.ts'
import { blobId, type BlobId } from '../../src/ids/ids.ts'
import { BlobCache, type BlobRequest } from '../../src/vfs/blob-cache.ts'
import { BoundedCache } from '../../src/vfs/bounded-cache.ts'
import { finish } from './operations.ts'

const id = (fill: number): BlobId => blobId(new Uint8Array(32).fill(fill))

function newCache(memoryBytes = 1000): { cache: BlobCache; requests: BlobRequest[] } {
  const requests: BlobRequest[] = []
  return { cache: new BlobCache(memoryBytes, (request) => requests.push(request)), requests }
}

test('many wait for one request, and all get its result', async () => {
  const { cache, requests } = newCache()
  const waiting = [1, 2, 3].map(() => finish(cache.load('data', id(1))))
  assert.equal(requests.length, 1)
  cache.arrived(requests[0]?.number ?? 0, new Uint8Array(5))
  assert.deepEqual((await Promise.all(waiting)).map(({ length }) => length), [5, 5, 5])
  assert.equal((await finish(cache.load('data', id(1)))).length, 5)
  assert.equal(requests.length, 1, 'kept')
})

test('a failure is everybody’s EIO, and the next one tries again', async () => {
  const { cache, requests } = newCache()
  const waiting = [1, 2].map(() => finish(cache.load('data', id(1))))
  cache.failed(requests[0]?.number ?? 0, 'gone')
  for (const one of waiting) await assert.rejects(one, (error) => error instanceof FileSystemError && error.errno === errno.EIO && error.message === 'gone')
  const again = finish(cache.load('data', id(1)))
  assert.equal(requests.length, 2)
  cache.arrived(requests[1]?.number ?? 0, new Uint8Array(1))
  assert.equal((await again).length, 1)
})

test('what is read ahead is bounded, and hurries when somebody waits for it', async () => {
  const { cache, requests } = newCache(1000)
  assert.equal(cache.readAhead(id(1), 400), true)
  assert.equal(cache.readAhead(id(1), 400), true)
  assert.equal(cache.readAhead(id(2), 400), false, 'more than half of the memory')
  const waiting = finish(cache.load('data', id(1)))
  assert.deepEqual(requests.map(({ number, isUrgent }) => [number, isUrgent]), [[1, false], [1, true]])
  cache.arrived(1, new Uint8Array(400))
  cache.arrived(1, new Uint8Array(400)) // an answer to nobody
  assert.equal((await waiting).length, 400)
})

test('content is given up beyond the limit, and its memory at once unless it is in use', async () => {
  const { cache, requests } = newCache(1000)
  const first = new Uint8Array(600)
  cache.prepare(id(1))
  cache.arrived(1, first)
  const borrowed = cache.borrow()
  for (const [number, fill] of [[2, 2], [3, 3]] as const) {
    cache.prepare(id(fill))
    cache.arrived(number, new Uint8Array(600))
  }
  assert.equal(first.length, 600, 'in use')
  borrowed[Symbol.dispose]()
  cache.prepare(id(4))
  cache.arrived(4, new Uint8Array(600))
  assert.equal(first.length, 0)
  cache.prepare(id(4))
  assert.equal(requests.length, 4)
  cache.prepare(id(1))
  assert.equal(requests.length, 5)
})

test('a bounded cache keeps what was used last', () => {
  const evicted: string[] = []
  const cache = new BoundedCache<number, string>(10, (value) => evicted.push(value))
  cache.set(1, 'a', 4)
  cache.set(2, 'b', 4)
  assert.equal(cache.get(1), 'a')
  cache.set(3, 'c', 4)
  assert.deepEqual([evicted, cache.has(1), cache.has(2), cache.cost], [['b'], true, false, 8])
  cache.set(4, 'd', 100)
  assert.deepEqual([cache.has(4), cache.cost], [true, 100])
})
