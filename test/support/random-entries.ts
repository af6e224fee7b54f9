// Random directory entries of every kind, for tests of the tree format.
import { blobId, type BlobId } from '../../src/ids/ids.ts'
import type { Attributes, Content, Entry, Inode, Xattr } from '../../src/tree/entry.ts'
import type { SeededRandom } from './seeded-random.ts'

const randomId = (random: SeededRandom): BlobId => blobId(random.bytes(32))

export function randomName(random: SeededRandom): Uint8Array {
  for (;;) {
    const length = random.below(20) === 0 ? 1 + random.below(4096) : 1 + random.below(24)
    const name = random.bytes(length).map((byte) => (byte === 0 || byte === 0x2f ? 0x61 : byte))
    if (!(name[0] === 0x2e && (name.length === 1 || (name.length === 2 && name[1] === 0x2e)))) return name
  }
}

function randomXattrs(random: SeededRandom): Attributes['xattrs'] {
  const choice = random.below(8)
  if (choice === 0) return { blob: randomId(random) }
  if (choice > 2) return []
  const names = Array.from({ length: choice }, (_, place) => Buffer.from(`user.${place}${random.below(100)}`))
  return names.map((name): Xattr => ({ name: Uint8Array.from(name), value: random.bytes(random.below(300)) }))
}

function randomContent(random: SeededRandom): { size: number; content: Content } {
  if (random.below(6) === 0) return { size: random.below(2 ** 31) * 1024, content: { list: randomId(random) } }
  const items = Array.from({ length: random.below(5) }, () =>
    random.below(4) === 0
      ? { length: 1 + random.below(2 ** 31) }
      : { length: 1 + random.below(8 * 2 ** 20), id: randomId(random) })
  return { size: items.reduce((sum, { length }) => sum + length, 0), content: { items } }
}

export function randomInode(random: SeededRandom, isLinkable = false): Inode {
  const common: Attributes = {
    mode: random.below(0o10000), uid: random.below(2 ** 31) * 2, gid: random.below(100_000),
    user: ['', 'root', 'zoë', '\ufeffx'][random.below(4)] ?? '', group: ['', 'staff'][random.below(2)] ?? '',
    mtimeSeconds: random.below(2 ** 31) * (random.below(10) === 0 ? -1024 : 1), mtimeNanos: random.below(1_000_000_000),
    xattrs: randomXattrs(random),
  }
  switch (random.below(isLinkable ? 4 : 6)) {
    case 0:
    case 1:
      return { ...common, kind: 'file', isSparse: random.below(2) === 0, ...randomContent(random) }
    case 2:
      return { ...common, kind: 'symlink', target: random.bytes(random.below(100)) }
    case 3:
      return random.below(2) === 0
        ? { ...common, kind: random.below(2) === 0 ? 'fifo' : 'socket' }
        : { ...common, kind: random.below(2) === 0 ? 'char' : 'block', major: random.below(4096), minor: random.below(2 ** 20) }
    default:
      return {
        ...common, kind: 'directory', tree: randomId(random),
        summary: { bytes: random.below(2 ** 31) * 4096, entries: random.below(2 ** 31), hasLinks: random.below(2) === 0 },
      }
  }
}

export function randomEntry(random: SeededRandom, name: Uint8Array): Entry {
  const isLocked = random.below(10) === 0
  const number = Buffer.from(random.bytes(8)).readBigUInt64LE()
  if (random.below(8) === 0) {
    const kind = (['file', 'symlink', 'fifo', 'char'] as const)[random.below(4)] ?? 'file'
    return { name, isLocked, linkKind: kind, link: number, linkSize: random.below(2 ** 31) }
  }
  return { name, isLocked, inode: randomInode(random), ...(random.below(5) === 0 ? { number } : {}) }
}

/** Entries with distinct names in ascending order. */
export function randomEntries(random: SeededRandom, count: number): Entry[] {
  const names = new Map<string, Uint8Array>()
  while (names.size < count) {
    const name = randomName(random)
    names.set(Buffer.from(name).toString('hex'), name)
  }
  return [...names.values()].sort(Buffer.compare).map((name) => randomEntry(random, name))
}
