// Goal: readers of today run beside the prune of tomorrow (gc protocol, rules 23 and 25). What prune moves while they read is
// found in its new place, at whatever request it happens, and only what is nowhere is damage; then the index is read again
// once a pack and not once a blob. Method: the real restore, tree reading and check on the memory backend; before request
// k, for each k, everything is repacked and the old packs and segments are deleted.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Backend } from '../../src/backend/backend.ts'
import { MemoryBackend } from '../../src/backend/memory.ts'
import type { Finding } from '../../src/check/finding.ts'
import { packName } from '../../src/pack/layout.ts'
import { Repository } from '../../src/repository/repository.ts'
import { restore } from '../../src/restorer/restore.ts'
import { linksOf, treeOf } from '../../src/snapshot/snapshot.ts'
import { checkVault } from '../check/small-vault.ts'
import { newTarget } from '../restorer/restoring.ts'
import { SeededRandom, testSeed } from '../support/seeded-random.ts'
import { putGc, repackAll } from '../support/simulated-prune.ts'
import { readSnapshotFiles } from '../support/simulated-backup.ts'
import { makeVault, storeSnapshot, type DirectoryNode, type MadeVault } from '../support/vault-maker.ts'

const seed = testSeed()
console.log(`seed ${seed}`)
const random = new SeededRandom(seed)

/** Runs something before call `k`, counted from the last `arm`. */
class Interrupted {
  readonly backend: Backend
  calls = 0
  #at = -1
  #work: () => Promise<unknown> = async () => undefined

  constructor(inner: Backend) {
    const before = async (): Promise<void> => {
      if (this.calls++ === this.#at) await this.#work()
    }
    this.backend = new Proxy(inner, {
      get: (target, key) => {
        const value: unknown = Reflect.get(target, key)
        if (typeof value !== 'function') return value
        if (key === 'list') {
          return async function* (...args: Parameters<Backend['list']>) {
            await before()
            yield* target.list(...args)
          }
        }
        return async (...args: unknown[]) => {
          await before()
          return await (value.apply(target, args) as Promise<unknown>)
        }
      },
    })
  }

  arm(k: number, work: () => Promise<unknown>): void {
    this.calls = 0
    this.#at = k
    this.#work = work
  }
}

const tree = (): DirectoryNode => {
  const shared = { bytes: random.bytes(3000), link: 'shared' }
  return {
    docs: { a: { bytes: random.bytes(20_000) }, b: { bytes: random.bytes(9000), xattrs: { 'user.note': 'n'.repeat(9000) } } },
    media: { film: { bytes: random.bytes(200_000), chunkBytes: 4096 } },
    links: { one: shared, two: shared },
  }
}

interface Scene {
  readonly memory: MemoryBackend
  readonly vault: MadeVault
  readonly interrupted: Interrupted
  readonly expected: Map<string, Buffer>
  readonly repack: () => Promise<unknown>
}

async function newScene(): Promise<Scene> {
  const memory = new MemoryBackend()
  const vault = await makeVault(memory)
  const root = tree()
  await storeSnapshot(vault, root, { serverTimeMs: 0, packBytes: 64 * 1024 })
  let passes = 0
  const expected = new Map<string, Buffer>()
  for (const [folder, files] of Object.entries(root)) {
    for (const [name, { bytes }] of Object.entries(files as DirectoryNode)) expected.set(`/${folder}/${name}`, Buffer.from(bytes as Uint8Array))
  }
  return {
    memory, vault, interrupted: new Interrupted(memory), expected,
    repack: () => repackAll(memory, vault, random, ++passes),
  }
}

async function open(backend: Backend, vault: MadeVault): Promise<Repository> {
  const repository = new Repository(backend, vault)
  await repository.loadIndexForReading('whole')
  return repository
}

const errorsOf = (findings: readonly Finding[]): string[] =>
  findings.filter(({ severity }) => severity === 'error').map(({ object, message }) => `${object}: ${message}`)

function contentOf(target: string): Map<string, Buffer> {
  const names = readdirSync(target, { recursive: true, encoding: 'utf8' }).filter((name) => statSync(join(target, name)).isFile())
  return new Map(names.sort().map((name) => [`/${name}`, readFileSync(join(target, name))]))
}

async function restoreFrom(repository: Repository, target: string): ReturnType<typeof restore> {
  const { reader, index, renewal, backend, keys } = repository
  const [snapshot] = (await repository.snapshots()).snapshots
  assert.ok(snapshot)
  const links = linksOf(snapshot)
  return restore({
    loader: reader, index, renewal, backend, keys, root: { tree: treeOf(snapshot) }, target: Buffer.from(target), threads: 0,
    ...(links ? { links } : {}),
  })
}

test('a restore finds what is moved at any of its requests', async (t) => {
  const { vault, interrupted, expected, repack } = await newScene()
  interrupted.arm(-1, repack)
  const first = newTarget(t)
  assert.equal((await restoreFrom(await open(interrupted.backend, vault), first)).errorCount, 0)
  const calls = interrupted.calls
  assert.ok(calls > 8, `only ${calls} requests`)
  assert.deepEqual(contentOf(first), new Map([...expected].sort()))
  for (let k = 0; k < calls; k++) {
    const target = newTarget(t)
    interrupted.arm(k, repack)
    const report = await restoreFrom(await open(interrupted.backend, vault), target)
    assert.deepEqual(report.errors, [], `moved before request ${k}`)
    assert.deepEqual(contentOf(target), new Map([...expected].sort()))
  }
})

test('moved twice during one restore: between its index and its walk, and between walk and content', async (t) => {
  const { vault, memory, interrupted, expected, repack } = await newScene()
  const repository = await open(interrupted.backend, vault)
  await repack()
  interrupted.arm(6, repack)
  const target = newTarget(t)
  assert.deepEqual((await restoreFrom(repository, target)).errors, [])
  assert.deepEqual(contentOf(target), new Map([...expected].sort()))
  assert.equal(memory.names().filter((name) => name.endsWith('.done')).length, 2)
})

test('reading trees (ls) finds what is moved at any of its requests', async () => {
  const { vault, interrupted, expected, repack } = await newScene()
  let calls = 1
  for (let k = -1; k < calls; k++) {
    interrupted.arm(k, repack)
    const repository = await open(interrupted.backend, vault)
    const [snapshot] = (await repository.snapshots()).snapshots
    assert.ok(snapshot)
    assert.deepEqual(await readSnapshotFiles(repository, snapshot), expected, `moved before request ${k}`)
    if (k === -1) calls = interrupted.calls
  }
  assert.ok(calls > 20)
})

for (const readData of [false, true]) {
  test(`check ${readData ? '--read-data ' : ''}reports no damage when everything is moved at any of its requests`, async () => {
    const { vault, interrupted, repack } = await newScene()
    const checking = (): ReturnType<typeof checkVault> =>
      checkVault({ ...vault, backend: interrupted.backend }, readData ? { readData: { by: 'all' } } : {})
    interrupted.arm(-1, repack)
    await checking()
    const calls = interrupted.calls
    for (let k = 0; k < calls; k++) {
      interrupted.arm(k, repack)
      assert.deepEqual(errorsOf((await checking()).findings), [], `moved before request ${k}`)
    }
  })
}

test('check still sees what is lost while prune moves the rest', async () => {
  const { vault, memory, interrupted, repack } = await newScene()
  let calls = 1
  for (let k = 0; k < calls; k++) {
    interrupted.arm(k, async () => {
      await repack()
      const lost = memory.names().find((name) => name.startsWith('packs/d/'))
      assert.ok(lost)
      lostBytes.set(lost, await memory.get(lost))
      await memory.delete(lost)
    })
    const lostBytes = new Map<Parameters<typeof memory.get>[0], Uint8Array>()
    const { findings } = await checkVault({ ...vault, backend: interrupted.backend }, { readData: { by: 'all' } })
    calls = Math.max(calls, interrupted.calls)
    if (lostBytes.size > 0) assert.ok(errorsOf(findings).length > 0, `lost before request ${k}`)
    for (const [name, bytes] of lostBytes) await memory.put(name, bytes)
    if (k > 40) break
  }
})

test('rule 23: a dead pack is the last place to look at', async () => {
  const { vault, memory, repack } = await newScene()
  const { index } = await new Repository(memory, vault).loadIndex()
  const dead = index.packs.map(({ id, kind }) => packName(kind, id))
  const bytes = await Promise.all(dead.map((name) => memory.get(name)))
  const segments = await Promise.all(memory.names().filter((name) => name.startsWith('index/')).map(async (name) => ({ name, bytes: await memory.get(name) })))
  await repack()
  for (const [place, name] of dead.entries()) await memory.put(name, bytes[place] ?? new Uint8Array()) // deleting them is under way
  for (const segment of segments) await memory.put(segment.name, segment.bytes)
  const asked: string[] = []
  const watched = new Proxy(memory, {
    get: (target, key) => {
      const value: unknown = Reflect.get(target, key)
      if (typeof value !== 'function') return value
      return (...args: unknown[]) => {
        if (key === 'get') asked.push(String(args[0]))
        return value.apply(target, args) as unknown
      }
    },
  })
  const repository = await open(watched, vault)
  const [snapshot] = (await repository.snapshots()).snapshots
  assert.ok(snapshot)
  await readSnapshotFiles(repository, snapshot)
  assert.deepEqual(asked.filter((name) => (dead as string[]).includes(name)), [])
})

test('packs that are really lost cost one renewal each, not one a blob, and are damage', async (t) => {
  const { vault, memory } = await newScene()
  const repository = await open(memory, vault)
  const lost = memory.names().filter((name) => name.startsWith('packs/d/'))
  for (const name of lost) await memory.delete(name)
  const before = memory.counts.list
  const report = await restoreFrom(repository, newTarget(t))
  assert.ok(report.errorCount >= 5, 'each name of each file')
  assert.ok(memory.counts.list - before <= 2 * lost.length + 3, `${memory.counts.list - before} listings`)
})

test('a renewal that storage refuses is no damage: the restore ends with that error', async (t) => {
  const { vault, memory, repack } = await newScene()
  const repository = await open(memory, vault)
  await repack()
  const list = memory.list.bind(memory)
  memory.list = (prefix, options) => {
    if (prefix === 'gc/') throw Object.assign(new Error('offline'), { code: 'EIO' })
    return list(prefix, options)
  }
  await assert.rejects(restoreFrom(repository, newTarget(t)), /offline/)
})

test('a damaged dead mark keeps nobody from reading', async () => {
  const { vault, memory, expected } = await newScene()
  await putGc(memory, vault.keys, random, 7, 'dead', [])
  const name = memory.names().find((other) => other.endsWith('.dead'))
  assert.ok(name)
  memory.damage(name, (bytes) => bytes.slice(0, -1))
  const repository = await open(memory, vault)
  const [snapshot] = (await repository.snapshots()).snapshots
  assert.ok(snapshot)
  assert.deepEqual(await readSnapshotFiles(repository, snapshot), expected)
})
