// The paths of a backup as one tree from the root directory down: real subtrees, and above them directories that hold
// nothing but the way there.
import { VaultError } from '../errors/vault-error.ts'
import { pathText } from '../snapshot/path-text.ts'

const SLASH = 0x2f

export interface RootNode {
  readonly name: Uint8Array
  readonly path: Uint8Array
  /** True: archived whole. False: only `children`. */
  isSource: boolean
  readonly children: RootNode[]
}

function components(path: Uint8Array): Uint8Array[] {
  const parts: Uint8Array[] = []
  let start = 0
  for (let i = 0; i <= path.length; i++) {
    if (i < path.length && path[i] !== SLASH) continue
    if (i > start) parts.push(path.subarray(start, i))
    start = i + 1
  }
  return parts
}

/** Arranges absolute paths; one below another is part of that. Throws `usage` on a path that is not absolute and plain. */
export function arrangeRoots(paths: readonly Uint8Array[]): RootNode {
  const root: RootNode = { name: new Uint8Array(0), path: Uint8Array.of(SLASH), isSource: false, children: [] }
  for (const path of paths) {
    const parts = components(path)
    const isPlain = path[0] === SLASH && parts.every((part) => !['.', '..'].includes(Buffer.from(part).toString('latin1')))
    if (!isPlain) throw new VaultError('usage', `${pathText(path)}: not an absolute path`)
    let node = root
    for (const [depth, name] of parts.entries()) {
      if (node.isSource) break
      let child = node.children.find((candidate) => Buffer.compare(candidate.name, name) === 0)
      if (!child) {
        const joined = Buffer.concat(parts.slice(0, depth + 1).flatMap((part) => [Uint8Array.of(SLASH), part]))
        child = { name, path: joined, isSource: false, children: [] }
        node.children.push(child)
      }
      node = child
    }
    node.isSource = true
    node.children.length = 0
  }
  sortChildren(root)
  return root
}

function sortChildren(node: RootNode): void {
  node.children.sort((a, b) => Buffer.compare(a.name, b.name))
  for (const child of node.children) sortChildren(child)
}
