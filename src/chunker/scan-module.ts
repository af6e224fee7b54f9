// The compiled scan (assembly/fastcdc.ts): loading it, and the addresses in the memory that it shares with the Chunker.
import { readFileSync } from 'node:fs'
import { assert } from '../errors/assert.ts'
import { GEAR_ENTRIES, type GearTable } from './gear.ts'
import { masksOf } from './masks.ts'
import type { ChunkerParameters } from './parameters.ts'

const PAGE_BYTES = 65536
const GEAR_ADDRESS = 2048 // as in assembly/fastcdc.ts
const GEAR_SHIFTED_ADDRESS = 4096
/** The first page holds the tables, the stream follows. */
const STREAM_ADDRESS = PAGE_BYTES

let compiled: WebAssembly.Module | undefined

/** The module, compiled once in a thread; it can be given to the Chunkers of other threads through workerData. */
export function scanModule(): WebAssembly.Module {
  compiled ??= new WebAssembly.Module(readFileSync(new URL('fastcdc.wasm', import.meta.url)))
  return compiled
}

export interface Scanner {
  /** Where the stream lies; its length is a multiple of 64 KiB. */
  readonly stream: Uint8Array<ArrayBuffer>
  /** `scan` of assembly/fastcdc.ts, with `chunkOffset` counted from the start of `stream`. */
  scan(chunkOffset: number, fromBytes: number, endBytes: number): number
}

/** An instance of the module with its own memory, ready to scan; `streamBytes` is rounded up to 64 KiB. */
export function createScanner(
  module: WebAssembly.Module,
  parameters: ChunkerParameters,
  gear: GearTable,
  streamBytes: number,
): Scanner {
  assert(gear.length === GEAR_ENTRIES, `gear table of ${gear.length} entries`)
  const pages = 1 + Math.ceil(streamBytes / PAGE_BYTES)
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages })
  const { configure, scan } = new WebAssembly.Instance(module, { env: { memory } }).exports
  assert(typeof configure === 'function' && typeof scan === 'function', 'fastcdc.wasm exports configure and scan')

  const tables = new DataView(memory.buffer, 0, PAGE_BYTES)
  gear.forEach((value, index) => {
    tables.setBigUint64(GEAR_ADDRESS + index * 8, value, true)
    tables.setBigUint64(GEAR_SHIFTED_ADDRESS + index * 8, BigInt.asUintN(64, value << 1n), true)
  })
  const masks = masksOf(parameters.avgBytes, parameters.normalization)
  configure(parameters.minBytes, parameters.avgBytes, masks.small, masks.large)
  return {
    stream: new Uint8Array(memory.buffer, STREAM_ADDRESS),
    scan: (chunkOffset, fromBytes, endBytes) => scan(STREAM_ADDRESS + chunkOffset, fromBytes, endBytes) as number,
  }
}
