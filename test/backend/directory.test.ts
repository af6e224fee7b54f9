import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { fork, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readdir, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createDirectoryBackend, openDirectoryBackend } from '../../src/backend/directory.ts'
import { exclusively } from '../../src/backend/exclusive.ts'
import { FaultyBackend } from '../../src/backend/faulty.ts'
import { VaultError } from '../../src/errors/vault-error.ts'
import { objectName } from '../../src/ids/ids.ts'
import { contractTests, namesIn } from './contract.ts'
import { ManualClock } from './manual-clock.ts'

const scratch = await mkdtemp(join(tmpdir(), 's3vault-directory-'))
after(() => rm(scratch, { recursive: true, force: true }))

const name = objectName('packs/d/ab/one')
const bytes = new Uint8Array(1000).fill(7)
const isRoot = process.getuid?.() === 0

contractTests({ title: 'directory', open: () => createDirectoryBackend(join(scratch, 'contract', 'vault')) })

describe('directory', () => {
  test('opening: a missing directory and a file are vault-missing; creating makes it private', async () => {
    await assert.rejects(openDirectoryBackend(join(scratch, 'none')), { code: 'vault-missing' })
    await writeFile(join(scratch, 'file'), 'x')
    await assert.rejects(openDirectoryBackend(join(scratch, 'file')), { code: 'vault-missing' })
    await assert.rejects(openDirectoryBackend(join(scratch, 'file', 'below')), { code: 'vault-missing' })
    const backend = await createDirectoryBackend(join(scratch, 'private', 'deep', 'vault'))
    await backend.put(name, bytes)
    for (const folder of ['', 'packs', 'packs/d', 'packs/d/ab']) {
      assert.equal((await stat(join(backend.location, folder))).mode & 0o777, 0o700, folder)
    }
    assert.equal((await stat(join(backend.location, name))).mode & 0o777, 0o600)
  })

  test('leftovers: a crashed writer shows no object, its file goes after a day, a fresh one stays', async () => {
    const root = join(scratch, 'leftovers')
    const backend = await createDirectoryBackend(root)
    await backend.put(name, bytes)
    await writeFile(join(root, 'tmp', 'old'), 'partial')
    await utimes(join(root, 'tmp', 'old'), new Date(), new Date(Date.now() - 25 * 3600_000))
    await writeFile(join(root, 'tmp', 'fresh'), 'partial')
    assert.deepEqual(await namesIn(backend, ''), [name])
    await openDirectoryBackend(root)
    assert.deepEqual(await readdir(join(root, 'tmp')), ['fresh'])
  })

  test('put leaves no temporary file, whether it succeeds, is refused or is fenced off', async () => {
    const root = join(scratch, 'tidy')
    const backend = await createDirectoryBackend(root)
    await backend.put(name, bytes)
    await backend.put(name, bytes)
    await assert.rejects(backend.put(name, new Uint8Array(3)), { code: 'object-exists' })
    const fence = { expiresAfterMs: 1000, check: (): void => { throw new VaultError('fence-expired', 'late') } }
    await assert.rejects(backend.put(objectName('refs/a'), bytes, { fence }), { code: 'fence-expired' })
    assert.deepEqual(await readdir(join(root, 'tmp')), [])
  })

  test('what is no object is not listed: links, odd names, the lock, temporary files', async () => {
    const root = join(scratch, 'foreign')
    const backend = await createDirectoryBackend(root)
    const fence = { expiresAfterMs: 1000, check: (): void => {} }
    await backend.put(name, bytes, { fence })
    await symlink('/etc/hostname', join(root, 'packs', 'link'))
    await mkdir(join(root, 'lost+found'))
    await writeFile(join(root, 'odd name'), 'x')
    assert.ok((await readdir(root)).includes('lock'))
    assert.deepEqual(await namesIn(backend, ''), [name])
    await writeFile(join(root, 'tmp', 'x'), 'x')
    for (const prefix of ['tmp/', 'tmp/x', 'lock', '../', '../foreign/packs/']) assert.deepEqual(await namesIn(backend, prefix), [])
    await assert.rejects(backend.stat(objectName('packs/link')), { code: 'object-missing' })
    await assert.rejects(backend.put(objectName('tmp/x'), bytes), { name: 'AssertionError' })
  })

  test('folders removed behind its back are made again', async () => {
    const backend = await createDirectoryBackend(join(scratch, 'removed'))
    await backend.put(name, bytes)
    await rm(join(backend.location, 'packs'), { recursive: true })
    await backend.put(name, bytes)
    assert.deepEqual(await namesIn(backend, ''), [name])
    await rm(backend.location, { recursive: true })
    await assert.rejects(namesIn(backend, 'packs/'), { code: 'vault-missing' })
  })

  test('exclusive lock: fenced puts of another process wait, also when asked for through a decorator', async () => {
    const backend = await createDirectoryBackend(join(scratch, 'locked'))
    const decorated = new FaultyBackend(backend, () => undefined, new ManualClock())
    const child = await exclusively(decorated, async () => {
      const writer = fork(join(import.meta.dirname, 'fenced-writer.js'), [backend.location, name], { stdio: 'inherit' })
      await once(writer, 'message')
      await sleep(300)
      await assert.rejects(backend.stat(name), { code: 'object-missing' })
      return writer
    })
    const [exitCode] = child.exitCode === null ? await once(child, 'exit') : [child.exitCode]
    assert.equal(exitCode, 0)
    assert.equal((await backend.stat(name)).sizeBytes, 3)
  })
})

describe('directory: other processes', () => {
  const start = (root: string, fill: number, count: number, sizeBytes: number): ChildProcess =>
    fork(join(import.meta.dirname, 'looping-writer.js'), [root, fill, count, sizeBytes].map(String), { stdio: 'inherit' })

  test('two processes put other bytes under the same 200 names: each name has one winner', async () => {
    const backend = await createDirectoryBackend(join(scratch, 'race'))
    const writers = [start(backend.location, 1, 200, 5000), start(backend.location, 2, 200, 5000)]
    const won = await Promise.all(writers.map(async (writer) => {
      let last: unknown
      writer.on('message', (message) => (last = message))
      await once(writer, 'exit')
      return Number(last)
    }))
    assert.equal((won[0] ?? 0) + (won[1] ?? 0), 200, `won ${won}`)
    const fills = new Map<number, number>()
    for (const each of await namesIn(backend, 'n/')) {
      const stored = await backend.get(objectName(each))
      assert.ok(stored.length === 5000 && stored.every((byte) => byte === stored[0]), each)
      fills.set(stored[0] ?? 0, (fills.get(stored[0] ?? 0) ?? 0) + 1)
    }
    assert.deepEqual([fills.get(1) ?? 0, fills.get(2) ?? 0], won)
  })

  test('a writer killed at any moment leaves whole objects only, and its successor goes on', async () => {
    const backend = await createDirectoryBackend(join(scratch, 'killed'))
    for (let round = 0; round < 6; round++) {
      const writer = start(backend.location, 7, 100_000, 3_000_000)
      await once(writer, 'message')
      await sleep(round * 23)
      writer.kill('SIGKILL')
      await once(writer, 'exit')
      for await (const info of backend.list('')) {
        assert.equal(info.sizeBytes, 3_000_000)
        assert.ok((await backend.get(info.name)).every((byte) => byte === 7), info.name)
      }
    }
  })
})

describe('directory: refusals of the file system', () => {
  test('full disk is disk-full with the path, and leaves nothing', { skip: isRoot ? false : 'needs root to mount a small tmpfs' }, async (t) => {
    const root = join(scratch, 'full')
    await mkdir(root)
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k', 'none', root]).status !== 0) return t.skip('cannot mount a tmpfs here')
    try {
      const backend = await openDirectoryBackend(root)
      await backend.put(name, bytes)
      const error = await backend.put(objectName('packs/d/ab/big'), new Uint8Array(1024 * 1024)).catch((caught: unknown) => caught)
      assert.ok(error instanceof VaultError && error.code === 'disk-full' && error.message.includes('packs/d/ab/big'), String(error))
      assert.deepEqual(await namesIn(backend, ''), [name])
      assert.deepEqual(await readdir(join(root, 'tmp')), [])
    } finally {
      assert.equal(spawnSync('umount', [root]).status, 0)
    }
  })

  test('read-only file system: readable, put is target-unwritable', { skip: isRoot ? false : 'needs root to mount a tmpfs' }, async (t) => {
    const root = join(scratch, 'readonly')
    await mkdir(root)
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'none', root]).status !== 0) return t.skip('cannot mount a tmpfs here')
    try {
      const writable = await openDirectoryBackend(root)
      await writable.put(name, bytes)
      await writeFile(join(root, 'tmp', 'old'), 'partial')
      await utimes(join(root, 'tmp', 'old'), new Date(), new Date(Date.now() - 25 * 3600_000))
      assert.equal(spawnSync('mount', ['-o', 'remount,ro', root]).status, 0)
      const backend = await openDirectoryBackend(root)
      assert.equal((await backend.get(name)).length, 1000)
      for (const attempt of [backend.put(objectName('a'), bytes), backend.delete(name), backend.serverTimeMs()]) {
        await assert.rejects(attempt, { code: 'target-unwritable' })
      }
    } finally {
      assert.equal(spawnSync('umount', [root]).status, 0)
    }
  })

  test('missing permissions', { skip: isRoot ? 'root may do everything' : false }, async () => {
    const backend = await createDirectoryBackend(join(scratch, 'denied'))
    await backend.put(name, bytes)
    await chmod(join(backend.location, name), 0)
    await assert.rejects(backend.get(name), { code: 'storage-denied' })
    await chmod(join(backend.location, 'packs/d/ab'), 0o500)
    await assert.rejects(backend.put(objectName('packs/d/ab/two'), bytes), { code: 'target-unwritable' })
    await chmod(join(backend.location, 'packs/d/ab'), 0o700)
  })
})
