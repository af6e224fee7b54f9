import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { systemError } from '../../src/posix/system-error.ts'

const moduleUrl = (name: string): string => new URL(`../../src/posix/${name}.js`, import.meta.url).href

test('importing the folder loads no koffi; the first call does', () => {
  const script = `
    const loaded = () => process.report.getReport().sharedObjects.some((path) => path.endsWith('koffi.node'))
    const { listXattrs } = await import(${JSON.stringify(moduleUrl('xattrs'))})
    const before = loaded()
    listXattrs(Buffer.from('/'))
    console.log(before, loaded())`
  const result = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  assert.equal(result.stdout, 'false true\n', result.stderr)
})

test('worker threads call at the same time, each with its own errno and buffers', async () => {
  const script = `
    const { parentPort } = require('node:worker_threads')
    import(${JSON.stringify(moduleUrl('stat'))}).then(({ readStat }) => {
      const codes = new Set()
      const inodes = new Set()
      for (let round = 0; round < 5000; round++) {
        inodes.add(readStat(Buffer.from('/proc')).ino)
        try { readStat(Buffer.from(round % 2 ? '/missing' : '/proc/self/status/x')) } catch (error) { codes.add((round % 2) + error.code) }
      }
      parentPort.postMessage({ codes: [...codes].sort(), inodes: inodes.size })
    })`
  const answers = await Promise.all(
    [1, 2, 3].map(async () => {
      const worker = new Worker(script, { eval: true })
      return await new Promise((resolve, reject) => worker.once('message', resolve).once('error', reject))
    }),
  )
  for (const answer of answers) assert.deepEqual(answer, { codes: ['0ENOTDIR', '1ENOENT'], inodes: 1 })
})

test('errnos that libuv does not know have their names too', () => {
  const error = systemError(122, 'lsetxattr', Buffer.from('/full'))
  assert.deepEqual([error.code, error.errno], ['EDQUOT', -122])
  assert.equal(error.message, "EDQUOT: disk quota exceeded, lsetxattr '/full'")
  assert.equal(systemError(9999, 'x').code, 'E9999')
})
