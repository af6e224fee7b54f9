// Goal: cached metadata never differs from what storage holds, and a cache that is damaged, full or gone only costs requests.
import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { MemoryBackend } from '../../src/backend/memory.ts'
import { CachedBackend } from '../../src/cache/cached-backend.ts'
import { objectName, type ObjectName } from '../../src/ids/ids.ts'

const folder = mkdtempSync(join(tmpdir(), 's3vault-objects-'))
after(() => rmSync(folder, { recursive: true }))

const bytes = Buffer.from('some metadata')
const digest = createHash('sha256').update(bytes).digest('hex')
const named = (prefix: string): ObjectName => objectName(`${prefix}${digest}`)

function newCached(name: string): { inner: MemoryBackend; cached: CachedBackend; directory: string } {
  const inner = new MemoryBackend()
  const directory = join(folder, name)
  return { inner, cached: new CachedBackend(inner, directory), directory }
}

const keptFiles = (directory: string): string[] =>
  readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith(digest))

for (const prefix of ['index/', 'snapshots/20260101T000000Z-', `packs/m/${digest.slice(0, 2)}/`]) {
  test(`${prefix} is fetched once`, async () => {
    const { inner, cached } = newCached(prefix.replaceAll('/', '-'))
    await inner.put(named(prefix), bytes)
    for (let i = 0; i < 3; i++) assert.deepEqual(Buffer.from(await cached.get(named(prefix))), bytes)
    assert.equal(inner.counts.get, 1)
  })
}

test('data packs, key slots and config are fetched every time', async () => {
  const { inner, cached } = newCached('uncached')
  for (const name of [named(`packs/d/${digest.slice(0, 2)}/`), objectName('config'), objectName(`keys/${digest.slice(0, 32)}`)]) {
    await inner.put(name, bytes)
    await cached.get(name)
    await cached.get(name)
  }
  assert.equal(inner.counts.get, 6)
})

test('what was just stored need not be fetched', async () => {
  const { inner, cached } = newCached('stored')
  await cached.put(named('index/'), bytes)
  assert.deepEqual(Buffer.from(await cached.get(named('index/'))), bytes)
  assert.equal(inner.counts.get, 0)
})

test('a damaged copy is fetched again, wrong bytes from storage are not kept', async () => {
  const { inner, cached, directory } = newCached('damaged')
  await inner.put(named('index/'), bytes)
  await cached.get(named('index/'))
  const [kept] = keptFiles(directory)
  writeFileSync(join(directory, kept ?? ''), 'rotten')
  assert.deepEqual(Buffer.from(await cached.get(named('index/'))), bytes)
  assert.equal(inner.counts.get, 2)
  const wrong = newCached('wrong')
  await wrong.inner.put(named('index/'), Buffer.from('not what the name says'))
  await wrong.cached.get(named('index/'))
  await wrong.cached.get(named('index/'))
  assert.equal(wrong.inner.counts.get, 2)
})

test('a cache that cannot be written does not fail a read', async () => {
  const { inner, cached, directory } = newCached('blocked')
  writeFileSync(directory, 'a file where the folder should be')
  chmodSync(directory, 0o400)
  await inner.put(named('index/'), bytes)
  assert.deepEqual(Buffer.from(await cached.get(named('index/'))), bytes)
})

test('a deleted object leaves the cache', async () => {
  const { cached } = newCached('deleted')
  await cached.put(named('index/'), bytes)
  await cached.delete(named('index/'))
  await assert.rejects(cached.get(named('index/')), { code: 'object-missing' })
})
