// Goal: threads answer what they are asked, errors come back as what they were, and a dead thread fails everybody at once.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VaultError } from '../../src/errors/vault-error.ts'
import { AssertionError } from '../../src/errors/assert.ts'
import { ThreadPool } from '../../src/executor/thread-pool.ts'
import type { EchoInit, EchoReply, EchoRequest } from './echo-thread.ts'

const newPool = (threads: number): ThreadPool<EchoInit, EchoRequest, EchoReply> =>
  new ThreadPool({ module: new URL('./echo-thread.js', import.meta.url), threads, init: (index) => ({ data: { index } }) })

test('many requests over few threads are all answered, each once', async () => {
  const pool = newPool(2)
  const replies = await Promise.all(Array.from({ length: 200 }, (_, i) => pool.run({ kind: 'echo', value: i })))
  assert.deepEqual(replies.map(({ value }) => value), Array.from({ length: 200 }, (_, i) => i))
  assert.deepEqual([...new Set(replies.map(({ thread }) => thread))].sort(), [0, 1])
  await pool.close()
})

test('a broadcast reaches every thread once, and threads are started when there is work for them', async () => {
  const pool = newPool(3)
  const threads = async (): Promise<unknown[]> => (await pool.broadcast({ kind: 'echo', value: 7 })).map(({ thread }) => thread)
  assert.deepEqual(await threads(), [])
  await pool.run({ kind: 'echo', value: 1 })
  await pool.run({ kind: 'echo', value: 2 })
  assert.deepEqual(await threads(), [0], 'one after the other is work for one')
  await Promise.all([1, 2, 3, 4].map((value) => pool.run({ kind: 'echo', value })))
  assert.deepEqual(await threads(), [0, 1, 2])
  await pool.close()
})

test('a VaultError keeps code, hint and retry class; a bug stays a bug; the thread goes on', async () => {
  const pool = newPool(1)
  await assert.rejects(pool.run({ kind: 'vault-error' }), (error) =>
    error instanceof VaultError && error.code === 'disk-full' && error.hint === 'hint' && error.retry === 'later')
  await assert.rejects(pool.run({ kind: 'bug' }), (error) => error instanceof AssertionError && error.message === 'a bug')
  assert.equal((await pool.run({ kind: 'echo', value: 1 })).value, 1)
  await pool.close()
})

test('a thread that dies rejects what is under way and what comes later', async () => {
  const pool = newPool(2)
  const dying = pool.run({ kind: 'die' })
  await assert.rejects(dying, AssertionError)
  await assert.rejects(pool.run({ kind: 'echo', value: 1 }), AssertionError)
  await pool.close()
})

test('transferred buffers arrive and leave the sender', async () => {
  const pool = newPool(1)
  const buffer = new ArrayBuffer(1000)
  const reply = await pool.run({ kind: 'buffer', buffer }, [buffer])
  assert.equal(buffer.byteLength, 0)
  assert.equal(reply.buffer?.byteLength, 1000)
  await pool.close()
})
