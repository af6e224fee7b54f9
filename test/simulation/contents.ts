// What simulated machines have on their disks: one small file a letter. A snapshot is tagged with its letters, so that what it
// must restore to is known from itself.
import { createHash } from 'node:crypto'
import { MemorySource, memoryDirectory, type MemoryNode } from '../support/memory-source.ts'

const bytesOf = (letter: string): Buffer =>
  Buffer.concat(Array.from({ length: 6 }, (_, part) => createHash('sha256').update(`${letter} ${part}`).digest()))

const files = new Map<string, MemoryNode & { type: 'file' }>()

/** The same inode for a letter always, as if the machines shared their disk. */
function fileOf(letter: string): MemoryNode & { type: 'file' } {
  const file = files.get(letter) ?? {
    type: 'file' as const, bytes: bytesOf(letter), ino: BigInt(letter.charCodeAt(0)), mtimeNs: 1_000_000_000n, nlink: 1,
  }
  files.set(letter, file)
  return file
}

const folderOf = (letter: string): string => (letter < 'd' ? 'early' : 'late')

export function fill(source: MemorySource, letters: string): void {
  source.root.children.clear()
  for (const letter of letters) {
    const name = folderOf(letter)
    const folder = source.root.children.get(name) ?? memoryDirectory()
    source.root.children.set(name, folder)
    if (folder.type === 'directory') folder.children.set(letter, fileOf(letter))
  }
}

export const newSource = (): MemorySource => new MemorySource(memoryDirectory())

/** Path -> bytes, as `readSnapshotFiles` gives them. */
export const expectedFiles = (letters: string): Map<string, Buffer> =>
  new Map([...letters].map((letter) => [`/${folderOf(letter)}/${letter}`, bytesOf(letter)]))
