// Worker of blob-table.test.ts: claims and looks up ids while others do the same and the main thread places them.
import { createHash } from 'node:crypto'
import { parentPort, workerData } from 'node:worker_threads'
import { BlobTable } from '../../src/index/blob-table.ts'

export interface TableWork {
  readonly shared: SharedArrayBuffer
  readonly first: number
  readonly count: number
}

export const idOf = (number: number): Uint8Array => createHash('sha256').update(`blob ${number}`).digest()

if (parentPort) {
  const { shared, first, count } = workerData as TableWork
  const table = new BlobTable({ shared })
  let lost = 0
  for (let number = first; number < first + count; number++) {
    const id = idOf(number)
    if (table.find(id, () => true) === undefined) table.claim(id)
    if (table.find(id, () => true) === undefined) lost++
    const earlier = idOf(first + Math.floor((number - first) / 2))
    if (table.find(earlier, () => true) === undefined) lost++
    if (number % 64 === 0) parentPort.postMessage({ claimed: number })
  }
  parentPort.postMessage({ lost })
}
