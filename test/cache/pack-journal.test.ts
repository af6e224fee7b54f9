// Goal: the journal of a run that died is found whatever its process id was, and that of a run that lives never is. Method:
// real processes, killed.
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { abandonedJournals, PackJournal, removeJournal } from '../../src/cache/pack-journal.ts'
import { packId, sessionId } from '../../src/ids/ids.ts'

const folder = mkdtempSync(join(tmpdir(), 's3vault-journal-'))
after(() => rmSync(folder, { recursive: true }))

const data = { kind: 'data', id: packId('d'.repeat(64)) } as const
const metadata = { kind: 'metadata', id: packId('e'.repeat(64)) } as const
const session = sessionId('5'.repeat(32))

function newDirectory(name: string): string {
  const directory = join(folder, name)
  mkdirSync(directory)
  return directory
}

/** Another process that has noted both packs and lives until it is killed. */
async function otherRun(directory: string): Promise<ChildProcess> {
  const program = `
    const { PackJournal } = await import(${JSON.stringify(import.meta.resolve('../../src/cache/pack-journal.js'))})
    const journal = new PackJournal(${JSON.stringify(directory)}, '${session}')
    for (const pack of ${JSON.stringify([data, metadata])}) journal.storing(pack)
    console.log('stored')
    setInterval(() => journal, 1000)`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'inherit'] })
  await Promise.race([once(child.stdout, 'data'), once(child, 'exit').then(() => assert.fail('the other run ended'))])
  return child
}

test('a journal is abandoned when its process dies, and not before', async () => {
  const directory = newDirectory('killed')
  const child = await otherRun(directory)
  try {
    assert.deepEqual(abandonedJournals(directory), [])
  } finally {
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
  const journals = abandonedJournals(directory)
  assert.deepEqual(journals.map(({ packs }) => packs), [[data, metadata]])
  for (const { path } of journals) removeJournal(path)
  assert.deepEqual(readdirSync(directory), [])
})

test('a journal that another process left under the same process id is abandoned', () => {
  const directory = newDirectory('same-pid')
  const own = new PackJournal(directory, sessionId('6'.repeat(32)))
  own.storing(data)
  const left = join(directory, readdirSync(directory)[0]?.replaceAll('6', '7') ?? '')
  writeFileSync(left, `m ${metadata.id}\nd 0123`)
  assert.deepEqual(abandonedJournals(directory), [{ path: left, packs: [metadata] }])
  own.remove()
  assert.deepEqual(abandonedJournals(directory).map(({ path }) => path), [left])
})

test('neither looking for journals nor removing one leaves a file open', () => {
  const directory = newDirectory('open-files')
  const openFiles = (): number => readdirSync('/proc/self/fd').length
  abandonedJournals(directory)
  const before = openFiles()
  const own = new PackJournal(directory, session)
  own.storing(data)
  writeFileSync(join(directory, '8'.repeat(32)), '')
  mkdirSync(join(directory, '9'.repeat(32)))
  assert.equal(openFiles(), before + 1)
  for (let round = 0; round < 10; round++) assert.equal(abandonedJournals(directory).length, 1)
  assert.equal(openFiles(), before + 1)
  own.remove()
  assert.equal(openFiles(), before)
})

test('a run that stored nothing leaves nothing, and one that cannot note its packs goes on', () => {
  const directory = newDirectory('nothing')
  new PackJournal(directory, session).remove()
  assert.deepEqual(readdirSync(directory), [])
  const journal = new PackJournal(join(directory, 'missing'), session)
  journal.storing(data)
  journal.remove()
})
