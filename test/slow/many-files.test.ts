// Goal: memory does not grow with the number of files, and unchanged trees are quick whatever their size.
// Method: 200,000 tiny files in one directory; the high-water mark of each real process, as the kernel keeps it.
import assert from 'node:assert/strict'
import type { ChildProcess } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { compareTrees } from '../../fixtures/tree-comparator.ts'
import { errnoOf } from '../../src/errors/vault-error.ts'
import { Cli } from '../support/cli.ts'
import { oldNode } from '../support/old-node.ts'

const FILES = 200_000
/** Measured: 374 to 388 MiB for the first backup, less for the rest. What V8 leaves uncollected differs from run to run. */
const MEMORY_MIB_MAX = 480
const SETTLING_MS = 2100

/** Reads the largest resident set of a process, or of one that it started, until it ends. */
class MemoryWatch {
  #largestKib = 0

  readonly onStart = (child: ChildProcess): void => {
    const timer = setInterval(() => this.#readAll(child.pid), 20)
    child.on('exit', () => clearInterval(timer))
  }

  get largestMib(): number {
    assert.ok(this.#largestKib > 0, 'the process was seen')
    return Math.round(this.#largestKib / 1024)
  }

  /** The launcher under the machine's own Node, and the program that it starts. */
  #readAll(pid: number | undefined): void {
    this.#read(pid)
    try {
      const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim()
      for (const child of children.split(' ')) if (child !== '') this.#read(Number(child))
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ESRCH') throw error // just ended
    }
  }

  #read(pid: number | undefined): void {
    try {
      const [, kib] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
      this.#largestKib = Math.max(this.#largestKib, Number(kib ?? 0))
    } catch (error) {
      if (errnoOf(error) !== 'ENOENT' && errnoOf(error) !== 'ESRCH') throw error // just ended
    }
  }
}

test('200,000 files in one directory', async (t) => {
  const cli = new Cli(t, 3 * 2 ** 30)
  // As on a machine as it comes: the launcher gives the program's Node its memory settings.
  cli.node = oldNode() ?? cli.node
  const source = cli.path('source')
  mkdirSync(source)
  for (let index = 0; index < FILES; index++) writeFileSync(`${source}/file number ${index}`, `content ${index}\n`)
  await sleep(SETTLING_MS)
  await cli.init()
  /** Runs `work`, holds it to the memory limit and returns its result with its duration. */
  const measured = async <T>(title: string, work: (watch: MemoryWatch) => Promise<T>): Promise<{ result: T; durationMs: number }> => {
    const watch = new MemoryWatch()
    const startMs = performance.now()
    const result = await work(watch)
    const durationMs = performance.now() - startMs
    t.diagnostic(`${title}: ${(durationMs / 1000).toFixed(1)} s, at most ${watch.largestMib} MiB`)
    assert.ok(watch.largestMib <= MEMORY_MIB_MAX, `${title}: ${watch.largestMib} MiB`)
    return { result, durationMs }
  }
  const first = await measured('first backup', ({ onStart }) => cli.backup([source], 0, { onStart }))
  assert.equal(first.result.filesNew, FILES)
  const second = await measured('unchanged backup', ({ onStart }) => cli.backup([source], 0, { onStart }))
  assert.deepEqual([second.result.filesUnmodified, second.result.dataBlobsAdded], [FILES, 0])
  // The directories above the source are in the tree with their mtime, and other tests work in them.
  assert.ok(second.result.bytesStored < 4096, `${second.result.bytesStored} bytes for nothing`)
  assert.ok(second.durationMs < first.durationMs, 'unchanged is quicker')
  // One change in a directory of 200,000 entries must not rewrite it.
  writeFileSync(`${source}/file number 77777`, 'another content\n')
  const third = await measured('one file changed', ({ onStart }) => cli.backup([source], 0, { onStart }))
  assert.deepEqual([third.result.filesChanged, third.result.dataBlobsAdded], [1, 1])
  assert.ok(third.result.bytesAdded < 2 ** 20, `${third.result.bytesAdded} bytes for one change`)
  await measured('check', ({ onStart }) => cli.check(['--read-data'], 0, { onStart }))
  await measured('restore', ({ onStart }) => cli.restore([`latest:${source}`, '-t', cli.path('back')], 0, { onStart }))
  assert.deepEqual(compareTrees(source, cli.path('back')), [])
  const again = await measured('restore over it', ({ onStart }) => cli.restore([`latest:${source}`, '-t', cli.path('back')], 0, { onStart }))
  assert.equal(again.result.bytesWritten, 0)
})
