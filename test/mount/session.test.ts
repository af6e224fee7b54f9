// Goal: a mount answers what it can while storage is slow, lets go who is killed, never gives wrong bytes, and follows the
// vault. Method: real mounts in this process, over a backend in memory that fails or waits as the test chooses.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdir, readFile, readlink, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { systemClock } from '../../src/async/clock.ts'
import { FaultyBackend } from '../../src/backend/faulty.ts'
import { MemoryBackend } from '../../src/backend/memory.ts'
import { SystemRandom } from '../../src/async/random.ts'
import { makeVault, storeSnapshot, type DirectoryNode } from '../support/vault-maker.ts'
import { mountInProcess, unlessMountable } from './mounting.ts'

const noise = (bytes: number): Uint8Array => new SystemRandom().bytes(bytes)
const TIME_MS = Date.UTC(2026, 5, 1)

/** Data packs of their own for what is stored last. */
async function vaultOf(root: DirectoryNode) {
  const backend = new MemoryBackend()
  const vault = await makeVault(backend)
  const { snapshot } = await storeSnapshot(vault, root, { serverTimeMs: TIME_MS, packBytes: 300_000 })
  return { backend, vault, snapshot }
}

test('reads that wait for storage hold up nothing else, and end when it answers', { skip: unlessMountable }, async (t) => {
  const slow = noise(250_000)
  const { backend, vault } = await vaultOf({ dir: { a: { bytes: Buffer.from('a') } }, fast: { bytes: noise(250_000) }, slow: { bytes: slow } })
  const gate = Promise.withResolvers<void>()
  const asked = Promise.withResolvers<void>()
  const isHeld = { value: false }
  const gated = new FaultyBackend(backend, () => undefined, systemClock)
  const get = gated.get.bind(gated)
  gated.get = async (name, range, options) => {
    if (isHeld.value && name.startsWith('packs/d/')) {
      asked.resolve()
      await gate.promise
    }
    return get(name, range, options)
  }
  const { place } = await mountInProcess(t, vault, gated)
  const root = join(place, 'latest')
  const fast = await readFile(join(root, 'fast'))
  isHeld.value = true
  const reading = readFile(join(root, 'slow'))
  await asked.promise
  assert.deepEqual(await readdir(join(root, 'dir')), ['a'])
  assert.equal((await stat(join(root, 'dir', 'a'))).size, 1)
  assert.deepEqual(await readFile(join(root, 'fast')), fast)
  // A reader that is killed goes away, though what it waits for has not come.
  const reader = spawn('cat', [join(root, 'dir', 'a')], { stdio: 'ignore' })
  const exited = once(reader, 'exit')
  await once(reader, 'spawn')
  reader.kill('SIGKILL')
  await exited
  gate.resolve()
  assert.ok((await reading).equals(slow))
})

test('damaged content is an error and a line in the log, once, and the rest can be read', { skip: unlessMountable }, async (t) => {
  const { backend, vault } = await vaultOf({ bad: { bytes: noise(200_000) }, good: { bytes: noise(200_000) } })
  const names: string[] = []
  for await (const { name } of backend.list('packs/d/')) names.push(name)
  assert.ok(names.length >= 2)
  const faulty = new FaultyBackend(backend, ({ method, name }) => (method === 'get' && name === names[0] ? { kind: 'corrupt' } : undefined), systemClock)
  const { place, log } = await mountInProcess(t, vault, faulty)
  const results = await Promise.allSettled(['bad', 'good'].map((name) => readFile(join(place, 'latest', name))))
  const failed = results.flatMap((result) => (result.status === 'rejected' ? [(result.reason as NodeJS.ErrnoException).code] : []))
  assert.deepEqual(failed, ['EIO'])
  await Promise.allSettled(['bad', 'good'].map((name) => readFile(join(place, 'latest', name))))
  assert.equal(log.filter((line) => /blob [0-9a-f]{16} does not authenticate \(pack [0-9a-f]{16}\)/.test(line)).length, 1, log.join('\n'))
})

test('new snapshots appear with all that is in them, and forgotten ones go', { skip: unlessMountable }, async (t) => {
  const { backend, vault, snapshot } = await vaultOf({ old: { bytes: Buffer.from('old') } })
  const { place } = await mountInProcess(t, vault, backend, { listAgeMsMax: 0 })
  const [first] = await readdir(place)
  assert.equal(first, `2026-06-01T00-00-00Z_${snapshot.id.slice(0, 8)}`)
  assert.equal(await readlink(join(place, 'latest')), first)
  const content = noise(100_000)
  const { snapshot: second } = await storeSnapshot(vault, { new: { bytes: content } }, { serverTimeMs: TIME_MS + 3_600_000 })
  const name = `2026-06-01T01-00-00Z_${second.id.slice(0, 8)}`
  assert.deepEqual(await readFile(join(place, name, 'new')), Buffer.from(content), 'by its name, without a listing before')
  assert.deepEqual(await readdir(place), [first, name, 'latest'])
  await backend.delete(snapshot.name)
  assert.deepEqual(await readdir(place), [name, 'latest'])
  await assert.rejects(stat(join(place, String(first))), { code: 'ENOENT' })
  assert.deepEqual(await readFile(join(place, 'latest', 'new')), Buffer.from(content))
})

test('a directory of 100,000 entries is listed with attributes in seconds', { skip: unlessMountable }, async (t) => {
  const root: Record<string, { bytes: Uint8Array }> = {}
  const bytes = new Uint8Array(0)
  for (let i = 0; i < 100_000; i++) root[`entry-${i}`] = { bytes }
  const { backend, vault } = await vaultOf({ many: root })
  const { place } = await mountInProcess(t, vault, backend)
  const start = performance.now()
  const find = spawn('find', [join(place, 'latest', 'many'), '-size', '0', '-printf', 'x'], { stdio: ['ignore', 'pipe', 'inherit'] })
  let found = 0
  find.stdout.on('data', (piece: Buffer) => (found += piece.length))
  await once(find, 'close')
  assert.equal(found, 100_000)
  const seconds = (performance.now() - start) / 1000
  t.diagnostic(`${seconds.toFixed(2)} s`)
  assert.ok(seconds < 120, `${seconds} s`)
})

test('the end of the session is the end of the mount, also while it is used', { skip: unlessMountable }, async (t) => {
  const { backend, vault } = await vaultOf({ f: { bytes: Buffer.from('x') } })
  const { place, log, stop } = await mountInProcess(t, vault, backend)
  const user = spawn('sleep', ['60'], { cwd: place })
  t.after(() => void user.kill())
  await once(user, 'spawn')
  await stop()
  assert.deepEqual(await readdir(place), [])
  assert.match(log.join(), /is busy: programs that still use it lose it/)
})
