import { VaultError, isVaultError } from '../errors/vault-error.ts'
import type { BlobId } from '../ids/ids.ts'
import { NODE_LEVELS_MAX } from '../limits/limits.ts'
import { isSoundName, readEntry } from '../tree/entry-codec.ts'
import type { Entry } from '../tree/entry.ts'
import { readNode, type BlobLoader, type Node } from '../tree/node.ts'

/** Some entries in order, or a gap: a node that cannot be read, and with it an unknown number of entries. */
export type DirectoryPiece = { readonly entries: readonly Entry[] } | { readonly damage: VaultError }

/**
 * A directory's entries, leaf by leaf, around what is damaged: unlike readDirectoryTree, which stops there. Entries out of
 * order count as damage of their leaf.
 */
export async function* directoryPieces(loader: BlobLoader, tree: BlobId): AsyncGenerator<DirectoryPiece> {
  let last: Uint8Array | undefined
  for await (const piece of pieces(loader, tree, NODE_LEVELS_MAX)) {
    if ('damage' in piece) {
      yield piece
      continue
    }
    const { entries, damage } = entriesOf(piece, last)
    last = entries.at(-1)?.name ?? last
    if (entries.length > 0) yield { entries }
    if (damage) yield { damage }
  }
}

async function* pieces(
  loader: BlobLoader, id: BlobId, levelMax: number,
): AsyncGenerator<Node | { readonly damage: VaultError }> {
  let node: Node
  try {
    node = readNode('tree', id, await loader.load('tree', id))
    if (node.level > levelMax) node.elements.fail('node level does not descend')
  } catch (error) {
    if (!isVaultError(error, 'vault-damaged', 'object-missing')) throw error
    yield { damage: error }
    return
  }
  if (node.level === 0) {
    yield node
    return
  }
  for (const child of node.children) yield* pieces(loader, child.id, node.level - 1)
}

function entriesOf(node: Node, after: Uint8Array | undefined): { entries: Entry[]; damage?: VaultError } {
  const entries: Entry[] = []
  let last = after
  try {
    for (let i = 0; i < node.count; i++) {
      const entry = readEntry(node.elements)
      // The reader checks names too; here they become paths, so nothing rests on that alone.
      if (!isSoundName(entry.name)) node.elements.fail('a file name that cannot be')
      if (last && Buffer.compare(last, entry.name) >= 0) node.elements.fail('names not ascending')
      last = entry.name
      entries.push(entry)
    }
    node.elements.end()
    return { entries }
  } catch (error) {
    if (!isVaultError(error, 'vault-damaged')) throw error
    return { entries, damage: error }
  }
}
