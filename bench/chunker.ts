// node dist/bench/chunker.js: MB/s of the WASM scan, of reading and scanning a file, and of the reference.
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Chunker, READ_BYTES } from '../src/chunker/chunker.ts'
import { referenceChunkBytes } from '../src/chunker/fastcdc-reference.ts'
import { keyedGear } from '../src/chunker/gear.ts'
import { DEFAULT_CHUNKER_PARAMETERS } from '../src/chunker/parameters.ts'

const MIB = 1024 * 1024
const SMALL_FILES = 100_000
const gear = keyedGear(new Uint8Array(32))
const chunker = new Chunker(DEFAULT_CHUNKER_PARAMETERS, gear)
const stream = new Uint32Array((128 * MIB) / 4)
stream.forEach((_, index) => (stream[index] = Math.random() * 2 ** 32))
const bytes = new Uint8Array(stream.buffer)

/** Best of seven runs, in seconds. */
function bestSeconds(run: () => void): number {
  let best = Infinity
  for (let round = 0; round < 7; round++) {
    const start = performance.now()
    run()
    best = Math.min(best, (performance.now() - start) / 1000)
  }
  return best
}

function drain(): number {
  let chunks = 0
  while (chunker.next() !== undefined) chunks++
  return chunks
}

/** The scan alone: the buffer keeps the bytes of the first run, and only their arrival is announced. */
function scanOnly(totalBytes: number): void {
  chunker.begin()
  for (let leftBytes = totalBytes; leftBytes > 0; ) {
    const countBytes = Math.min(chunker.makeRoom(), leftBytes, READ_BYTES)
    chunker.filled(countBytes)
    leftBytes -= countBytes
    drain()
  }
  chunker.end()
  drain()
}

function readAndScan(fd: number, readBytes: number): void {
  chunker.begin()
  for (let position = 0, countBytes = 1; countBytes > 0; position += countBytes) {
    const roomBytes = chunker.makeRoom()
    countBytes = readSync(fd, chunker.buffer, chunker.fillOffset, Math.min(roomBytes, readBytes), position)
    if (countBytes > 0) chunker.filled(countBytes)
    else chunker.end()
    drain()
  }
}

function smallStreams(): void {
  for (let file = 0; file < SMALL_FILES; file++) {
    chunker.begin()
    chunker.makeRoom()
    chunker.filled(4096)
    chunker.end()
    drain()
  }
}

const report = (title: string, totalBytes: number, seconds: number): void =>
  console.log(`${title.padEnd(44)} ${(totalBytes / 1e6 / seconds).toFixed(0).padStart(6)} MB/s`)

chunker.buffer.set(bytes.subarray(0, chunker.buffer.length))
report('WASM scan, 256 KiB / 1 MiB / 8 MiB', bytes.length, bestSeconds(() => scanOnly(bytes.length)))

const folder = mkdtempSync(join(tmpdir(), 's3vault-bench-'))
writeFileSync(join(folder, 'file'), bytes)
const fd = openSync(join(folder, 'file'), 'r')
for (const readBytes of [MIB / 4, MIB, 4 * MIB, 16 * MIB]) {
  const seconds = bestSeconds(() => readAndScan(fd, readBytes))
  report(`file in the page cache, reads of ${readBytes / 1024} KiB`, bytes.length, seconds)
}
closeSync(fd)
rmSync(folder, { recursive: true })

const smallSeconds = bestSeconds(smallStreams)
const smallMicroseconds = ((smallSeconds / SMALL_FILES) * 1e6).toFixed(2)
console.log(`${'a stream of 4 KiB, without its read'.padEnd(44)} ${smallMicroseconds.padStart(6)} µs`)
const part = bytes.subarray(0, 8 * MIB)
report('reference', part.length, bestSeconds(() => referenceChunkBytes(part, DEFAULT_CHUNKER_PARAMETERS, gear)))
