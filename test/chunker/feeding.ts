// Ways to put a stream through a Chunker.
import type { Chunker } from '../../src/chunker/chunker.ts'

/** Feeds `stream` in pieces of `pieceBytes()` and gives each chunk's own view to `take`. */
export function feed(
  chunker: Chunker,
  stream: Uint8Array,
  pieceBytes: () => number,
  take: (chunk: Uint8Array) => void,
): void {
  chunker.begin()
  for (let offset = 0, more = true; more; ) {
    const countBytes = Math.min(pieceBytes(), chunker.makeRoom(), stream.length - offset)
    chunker.buffer.set(stream.subarray(offset, offset + countBytes), chunker.fillOffset)
    chunker.filled(countBytes)
    offset += countBytes
    if (offset === stream.length) {
      chunker.end()
      more = false
    }
    for (let chunk = chunker.next(); chunk; chunk = chunker.next()) take(chunk)
  }
}

/** Lengths of all chunks of `stream`, fed in pieces as large as fit. */
export function chunkBytesOf(chunker: Chunker, stream: Uint8Array): number[] {
  const lengths: number[] = []
  feed(chunker, stream, () => Number.MAX_SAFE_INTEGER, (chunk) => lengths.push(chunk.length))
  return lengths
}
