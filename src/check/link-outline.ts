// Hard links: each name refers to a record in the link table of its snapshot. Trees and tables are shared by snapshots in
// any combination, so the walk leaves an outline (which links stand in which node), and each combination is compared in
// memory. Only nodes with links below them are in it.
import { counted } from '../errors/counted.ts'
import { linksOf, treeOf, type StoredSnapshot } from '../snapshot/snapshot.ts'
import { blobId, toHex, type BlobId } from '../ids/ids.ts'
import type { CheckRun } from './check-run.ts'

interface TreeOutline {
  readonly links: readonly bigint[]
  /** Hex ids of child nodes and directories with links below. */
  readonly children: readonly string[]
}

export interface LinkCount {
  readonly link: bigint
  readonly nlink: number
}

type TableOutline = { readonly records: readonly LinkCount[] } | { readonly children: readonly BlobId[] }

interface TableReading {
  readonly nlinks: ReadonlyMap<bigint, number>
  /** False when a node of the table was lost. */
  readonly isWhole: boolean
}

export class LinkOutline {
  readonly #trees = new Map<string, TreeOutline>()
  readonly #tables = new Map<string, TableOutline>()
  /** Tree and table -> the finding of names without a record. */
  readonly #compared = new Map<string, number | undefined>()

  addTreeNode(id: BlobId, links: readonly bigint[], children: readonly BlobId[]): void {
    if (links.length > 0 || children.length > 0) this.#trees.set(toHex(id), { links, children: children.map(toHex) })
  }

  addTableNode(id: BlobId, node: TableOutline): void {
    const copyOf = (child: BlobId): BlobId => blobId(new Uint8Array(child)) // a view would keep its node in memory
    this.#tables.set(toHex(id), 'records' in node ? node : { children: node.children.map(copyOf) })
  }

  #readTable(root: BlobId): TableReading {
    const nlinks = new Map<bigint, number>()
    let isWhole = true
    const pending: BlobId[] = [root]
    for (let id = pending.pop(); id; id = pending.pop()) {
      const node = this.#tables.get(toHex(id))
      if (!node) isWhole = false
      else if ('children' in node) pending.push(...node.children)
      else for (const { link, nlink } of node.records) nlinks.set(link, nlink)
    }
    return { nlinks, isWhole }
  }

  /** How many names each link has in the tree. */
  #countNames(root: BlobId): Map<bigint, number> {
    const names = new Map<bigint, number>()
    const pending = [toHex(root)]
    for (let id = pending.pop(); id !== undefined; id = pending.pop()) {
      const node = this.#trees.get(id)
      if (!node) continue
      for (const link of node.links) names.set(link, (names.get(link) ?? 0) + 1)
      for (const child of node.children) pending.push(child)
    }
    return names
  }

  /** Compares the names of a snapshot with its link table. Returns the open finding of names without a record, if any. */
  compare(run: CheckRun, snapshot: StoredSnapshot): number | undefined {
    const pair = `${snapshot.tree} ${snapshot.links ?? ''}`
    if (!this.#compared.has(pair)) this.#compared.set(pair, this.#comparePair(run, snapshot))
    return this.#compared.get(pair)
  }

  #comparePair(run: CheckRun, snapshot: StoredSnapshot): number | undefined {
    const names = this.#countNames(treeOf(snapshot))
    if (names.size === 0) return undefined
    const root = linksOf(snapshot)
    const noTable: TableReading = { nlinks: new Map(), isWhole: true }
    const { nlinks, isWhole } = root ? this.#readTable(root) : noTable
    const title = `snapshot ${snapshot.id.slice(0, 8)}`
    const more = [...names].filter(([link, count]) => count > (nlinks.get(link) ?? count)).length
    if (more > 0) {
      run.log.add({
        severity: 'note', kind: 'link-count', object: snapshot.name,
        message: `${title}: ${counted(more, 'hard-linked file')} with more names than links: names changed during the backup`,
      })
    }
    const lost = isWhole ? [...names.keys()].filter((link) => !nlinks.has(link)).length : 0
    if (lost === 0) return undefined
    return run.log.addOpen({
      kind: 'link-missing', object: snapshot.name,
      message: `${title}: ${counted(lost, 'hard-linked file')} without a record in its link table`,
    })
  }
}
