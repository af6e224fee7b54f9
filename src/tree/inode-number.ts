// Inode numbers: a keyed hash of the parent's number and the name, so that they are the same on every host, after a
// loss of the cache and across commits, without being stored.
import { createHmac } from 'node:crypto'

export const ROOT_INODE = 1n
const RESERVED_BELOW = 16n

/** Number of `name` in the directory numbered `parent`. Collisions have odds of n^2 / 2^64: below 1e-7 at a million. */
export function childInode(key: Uint8Array, parent: bigint, name: Uint8Array): bigint {
  const head = Buffer.alloc(8)
  head.writeBigUInt64LE(parent)
  const number = createHmac('sha256', key).update(head).update(name).digest().readBigUInt64LE(0)
  return number < RESERVED_BELOW ? number + RESERVED_BELOW : number
}
