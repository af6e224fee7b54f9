// From findings to what they cost: which snapshots and which files. Runs only when there is damage. Each node is looked
// at once for the findings below it; then only what is hurt is walked again, with paths.
import { createHash } from 'node:crypto'
import { ByteReader } from '../bytes/reader.ts'
import { isVaultError } from '../errors/vault-error.ts'
import { toHex, type BlobId } from '../ids/ids.ts'
import { NODE_LEVELS_MAX } from '../limits/limits.ts'
import { pathText } from '../snapshot/path-text.ts'
import { linksOf, treeOf, type StoredSnapshot } from '../snapshot/snapshot.ts'
import { decodeList } from '../tree/content-list.ts'
import { readEntry, readLinkRecord, readSummary } from '../tree/entry-codec.ts'
import type { Entry, Inode } from '../tree/entry.ts'
import { readNode, type BlobLoader, type Node } from '../tree/node.ts'
import type { BlobFaults } from './blob-faults.ts'
import type { CheckRun } from './check-run.ts'
import type { Hurts } from './finding.ts'
import { IdSet } from '../ids/id-set.ts'

type Findings = ReadonlySet<number>
const NONE: Findings = new Set()
const PATHS_MAX_DEFAULT = 10
const SLASH = Buffer.from('/')

function union(a: Findings, b: Iterable<number>): Findings {
  const both = new Set(a)
  for (const finding of b) both.add(finding)
  return both.size === a.size ? a : both
}

/** What the link table of a snapshot costs the names that refer to it. */
interface LinkFaults {
  /** For the memo: names in one tree may be hurt through one table and not through another. */
  readonly key: string
  readonly known: ReadonlySet<bigint>
  readonly ofLink: ReadonlyMap<bigint, Findings>
  /** Findings for a link that has no record among the readable ones. */
  readonly ofOthers: Findings
}

interface Cost {
  readonly snapshots: string[]
  readonly paths: string[]
  more: number
}

export interface TraceParts {
  readonly run: CheckRun
  readonly loader: BlobLoader
  readonly faults: BlobFaults
  /** Finding of names without link record in this snapshot, if any. */
  readonly lostLinks: (snapshot: StoredSnapshot) => number | undefined
}

export class DamageTrace {
  readonly #parts: TraceParts
  /** Hurt nodes and lists -> findings below; keyed by hex id and link table. */
  readonly #hurt = new Map<string, Findings>()
  readonly #sound = new IdSet()
  readonly #pathsSeen = new IdSet()
  readonly #costs = new Map<number, Cost>()

  constructor(parts: TraceParts) {
    this.#parts = parts
  }

  /** Traces through the snapshots, the newest first: its paths are the ones listed. */
  async trace(snapshots: readonly StoredSnapshot[]): Promise<void> {
    this.#parts.run.expect(snapshots.length, 0)
    for (const snapshot of snapshots.toReversed()) {
      const links = await this.#linkFaults(snapshot)
      const findings = await this.#below(treeOf(snapshot), links)
      for (const finding of findings) this.#costOf(finding).snapshots.unshift(snapshot.id)
      if (findings.size > 0) await this.#listPaths(treeOf(snapshot), links, Buffer.alloc(0))
      this.#parts.run.advance(1, 0)
    }
  }

  hurtsOf(finding: number): Hurts | undefined {
    return this.#costs.get(finding)
  }

  #costOf(finding: number): Cost {
    const known = this.#costs.get(finding)
    if (known) return known
    const cost: Cost = { snapshots: [], paths: [], more: 0 }
    this.#costs.set(finding, cost)
    return cost
  }

  async #node(type: 'tree' | 'links', id: BlobId): Promise<Node | undefined> {
    try {
      return readNode(type, id, await this.#parts.loader.load(type, id))
    } catch (error) {
      if (!isVaultError(error, 'vault-damaged', 'vault-newer', 'object-missing')) throw error
      return undefined // known from the walk: BlobFaults says why
    }
  }

  #entries(node: Node): Entry[] {
    const entries: Entry[] = []
    try {
      for (let i = 0; i < node.count; i++) entries.push(readEntry(node.elements))
    } catch (error) {
      if (!isVaultError(error, 'vault-damaged', 'vault-newer')) throw error // malformed, known from the walk
    }
    return entries
  }

  /** Findings that hurt anything in the directory node `id` or below. */
  async #below(id: BlobId, links: LinkFaults | undefined): Promise<Findings> {
    const memo = toHex(id) + (links?.key ?? '')
    const known = this.#hurt.get(memo)
    if (known) return known
    if (!links && this.#sound.has(id)) return NONE
    let findings = union(NONE, this.#parts.faults.of(id))
    const node = await this.#node('tree', id)
    for (const child of node?.children ?? []) {
      const { hasLinks } = readSummary(new ByteReader(child.total, 'summary'))
      findings = union(findings, await this.#below(child.id, hasLinks ? links : undefined))
    }
    if (node?.level === 0) {
      for (const entry of this.#entries(node)) {
        findings = union(union(findings, await this.#ofEntry(entry, links)), await this.#ofChildren(entry, links))
      }
    }
    this.#parts.run.advance(0, 0)
    if (findings.size > 0) this.#hurt.set(memo, findings)
    else if (!links) this.#sound.add(id)
    else this.#hurt.set(memo, NONE)
    return findings
  }

  #ofChildren(entry: Entry, links: LinkFaults | undefined): Promise<Findings> | Findings {
    if (!('inode' in entry) || entry.inode.kind !== 'directory') return NONE
    return this.#below(entry.inode.tree, entry.inode.summary.hasLinks ? links : undefined)
  }

  /** Findings that hurt this one name: content, attributes; not what is below a directory. */
  async #ofEntry(entry: Entry, links: LinkFaults | undefined): Promise<Findings> {
    if ('inode' in entry) return this.#ofInode(entry.inode)
    if (!links) return NONE
    return links.ofLink.get(entry.link) ?? (links.known.has(entry.link) ? NONE : links.ofOthers)
  }

  async #ofInode(inode: Inode): Promise<Findings> {
    let findings = NONE
    if ('blob' in inode.xattrs) findings = union(findings, this.#parts.faults.of(inode.xattrs.blob))
    if (inode.kind !== 'file') return findings
    if ('list' in inode.content) return union(findings, await this.#ofList(inode.content.list, NODE_LEVELS_MAX))
    for (const { id } of inode.content.items) if (id) findings = union(findings, this.#parts.faults.of(id))
    return findings
  }

  async #ofList(id: BlobId, levelMax: number): Promise<Findings> {
    const known = this.#hurt.get(toHex(id))
    if (known) return known
    if (this.#sound.has(id)) return NONE
    let findings = union(NONE, this.#parts.faults.of(id))
    try {
      const { level, items } = decodeList(id, await this.#parts.loader.load('content', id), levelMax)
      for (const item of items) {
        if (!item.id) continue
        findings = union(findings, level === 0 ? this.#parts.faults.of(item.id) : await this.#ofList(item.id, level - 1))
      }
    } catch (error) {
      if (!isVaultError(error, 'vault-damaged', 'vault-newer', 'object-missing')) throw error // known from the walk
    }
    if (findings.size > 0) this.#hurt.set(toHex(id), findings)
    else this.#sound.add(id)
    return findings
  }

  /** Undefined when the snapshot's link table hurts no name. */
  async #linkFaults(snapshot: StoredSnapshot): Promise<LinkFaults | undefined> {
    const root = linksOf(snapshot)
    const lost = this.#parts.lostLinks(snapshot)
    const known = new Set<bigint>()
    const ofLink = new Map<bigint, Findings>()
    let ofOthers: Findings = lost === undefined ? NONE : new Set([lost])
    const pending = root ? [root] : []
    for (let id = pending.pop(); id; id = pending.pop()) {
      const own = this.#parts.faults.of(id)
      ofOthers = union(ofOthers, own)
      const node = await this.#node('links', id)
      for (const child of node?.children ?? []) pending.push(child.id)
      if (node?.level === 0 && own.length === 0) await this.#readRecords(node, known, ofLink)
    }
    if (ofLink.size === 0 && ofOthers.size === 0) return undefined
    return { key: ` ${snapshot.links ?? ''} ${lost ?? ''}`, known, ofLink, ofOthers }
  }

  async #readRecords(node: Node, known: Set<bigint>, ofLink: Map<bigint, Findings>): Promise<void> {
    for (let i = 0; i < node.count; i++) {
      const record = readLinkRecord(node.elements)
      known.add(record.link)
      const findings = await this.#ofInode(record.inode)
      if (findings.size > 0) ofLink.set(record.link, findings)
    }
  }

  /** Adds the hurt paths of a directory, given as bytes without the slash at its end. */
  async #listPaths(id: BlobId, links: LinkFaults | undefined, directory: Uint8Array): Promise<void> {
    if (!this.#isNewPath(directory, toHex(id) + (links?.key ?? ''))) return
    const lost = this.#parts.faults.of(id)
    if (lost.length > 0) this.#addPath(new Set(lost), Buffer.concat([directory, SLASH]))
    const node = await this.#node('tree', id)
    for (const child of node?.children ?? []) {
      const { hasLinks } = readSummary(new ByteReader(child.total, 'summary'))
      const childLinks = hasLinks ? links : undefined
      if ((await this.#below(child.id, childLinks)).size > 0) await this.#listPaths(child.id, childLinks, directory)
    }
    if (node?.level !== 0) return
    for (const entry of this.#entries(node)) {
      const path = Buffer.concat([directory, SLASH, entry.name])
      this.#addPath(await this.#ofEntry(entry, links), path)
      if (!('inode' in entry) || entry.inode.kind !== 'directory') continue
      const childLinks = entry.inode.summary.hasLinks ? links : undefined
      const below = await this.#below(entry.inode.tree, childLinks)
      if (below.size > 0) await this.#listPaths(entry.inode.tree, childLinks, path)
    }
  }

  #isNewPath(path: Uint8Array, salt: string): boolean {
    return this.#pathsSeen.add(createHash('sha256').update(salt).update('\0').update(path).digest())
  }

  #addPath(findings: Findings, path: Uint8Array): void {
    const pathsMax = this.#parts.run.options.pathsMax ?? PATHS_MAX_DEFAULT
    for (const finding of findings) {
      if (!this.#isNewPath(path, `finding ${finding}`)) continue
      const cost = this.#costOf(finding)
      if (cost.paths.length < pathsMax) cost.paths.push(pathText(path))
      else cost.more++
    }
  }
}
