// Which blobs cannot be read, and because of what: packs that are missing or damaged, single blobs in packs, and blobs
// that no pack of the index holds. A blob is lost only when none of its places is sound.
import type { BlobType } from '../crypto/keyring.ts'
import { toHex, type BlobId } from '../ids/ids.ts'
import type { BlobPlace } from '../index/blob-table.ts'
import type { VaultIndex } from '../index/vault-index.ts'
import { packName } from '../pack/layout.ts'
import { IdSet } from '../ids/id-set.ts'
import type { FindingLog, OpenFinding } from './finding-log.ts'

const NONE: readonly number[] = []

export class BlobFaults {
  readonly #index: VaultIndex
  readonly #log: FindingLog
  /** Findings of damaged segments: any of them may have named a blob that has no place. */
  readonly damagedSegments: readonly number[]
  /** Packs lost as a whole -> their finding. */
  readonly #packs = new Map<number, number>()
  /** Packs that prune has deleted: their places count as absent. */
  readonly #deleted = new Set<number>()
  /** Packs with a finding of their own, whole or in part. */
  readonly #packFindings = new Map<number, number>()
  /** Hex id -> pack number -> finding. */
  readonly #blobs = new Map<string, Map<number, number>>()
  /** Blobs needed that are in no pack of the index. */
  readonly missing = new IdSet()
  readonly #missingTypes = new Map<BlobType, number>()
  /** Missing blobs -> the finding that explains them, once it is known. */
  readonly #explained = new Map<string, number>()
  #unexplained: number | undefined
  /** True when something that a snapshot needs is lost. */
  isAnythingHurt = false
  /** True when blobs were found in packs that prune has deleted since. */
  isReviewDue = false

  constructor(index: VaultIndex, log: FindingLog, damagedSegments: readonly number[]) {
    this.#index = index
    this.#log = log
    this.damagedSegments = damagedSegments
  }

  readonly #isSoundPack = (packNumber: number): boolean => !this.#packs.has(packNumber) && !this.#deleted.has(packNumber)

  /** All places but those in deleted packs. */
  places(id: BlobId): BlobPlace[] {
    return this.#index.table.places(id, (packNumber) => !this.#deleted.has(packNumber))
  }

  /** The open finding of a pack; made with `finding` when it has none, else `finding.message` is added to it. */
  packFinding(packNumber: number, finding: Pick<OpenFinding, 'kind' | 'message' | 'hint'>): number {
    const known = this.#packFindings.get(packNumber)
    if (known === undefined) {
      const pack = this.#index.packs[packNumber]
      const object = pack ? packName(pack.kind, pack.id) : `pack ${packNumber}`
      const number = this.#log.addOpen({ ...finding, object, message: `${object}: ${finding.message}` })
      this.#packFindings.set(packNumber, number)
      return number
    }
    const open = this.#log.open[known]
    if (open && !open.message.includes(finding.message)) open.message = `${open.message}; ${finding.message}`
    return known
  }

  hasPackFinding(packNumber: number): boolean {
    return this.#packFindings.has(packNumber)
  }

  /** Nothing in this pack counts any more. */
  losePack(packNumber: number, finding: number): void {
    this.#packs.set(packNumber, finding)
  }

  /** Prune has deleted the pack: what was needed of it lies elsewhere, so this is no fault in itself. */
  disregardPack(packNumber: number): void {
    this.#deleted.add(packNumber)
  }

  isDisregarded(packNumber: number): boolean {
    return this.#deleted.has(packNumber)
  }

  /** The same while trees are walked or later: what was found in it must be looked for once more, by tracing. */
  disregardLate(packNumber: number): void {
    this.#deleted.add(packNumber)
    this.isReviewDue = true
  }

  /** The pack was read after all: from now on only its bad blobs count as lost. */
  admitPack(packNumber: number): void {
    this.#packs.delete(packNumber)
  }

  /** This copy of a blob is unreadable. */
  loseBlob(packNumber: number, id: BlobId, finding: number): void {
    const hex = toHex(id)
    const places = this.#blobs.get(hex) ?? new Map<number, number>()
    if (places.has(packNumber)) return
    this.#blobs.set(hex, places.set(packNumber, finding))
    const open = this.#log.open[finding]
    if (open) open.blobs++
  }

  /** A snapshot needs this blob: is it to be had? Remembers those that are not. */
  need(type: BlobType, id: BlobId): boolean {
    if (this.#blobs.size === 0) {
      const found = this.#index.table.find(id, this.#isSoundPack)
      if (found !== undefined && found >= 0) return true
    }
    const places = this.places(id)
    if (places.length === 0) {
      if (this.missing.add(id)) this.#missingTypes.set(type, (this.#missingTypes.get(type) ?? 0) + 1)
    } else {
      const bad = this.#blobs.get(toHex(id))
      if (places.some(({ packNumber }) => this.#isSoundPack(packNumber) && !bad?.has(packNumber))) return true
    }
    this.isAnythingHurt = true
    return false
  }

  /** A missing blob was found in a pack that is in no segment. */
  explainMissing(id: BlobId, finding: number): void {
    this.#explained.set(toHex(id), finding)
    const open = this.#log.open[finding]
    if (open) open.blobs++
  }

  /** The findings that cost the vault this blob; none when it can be read. */
  of(id: BlobId): readonly number[] {
    const places = this.places(id)
    if (places.length === 0) return this.#ofMissing(id)
    const bad = this.#blobs.get(toHex(id))
    const findings: number[] = []
    for (const { packNumber } of places) {
      const finding = this.#packs.get(packNumber) ?? bad?.get(packNumber)
      if (finding === undefined) return NONE
      findings.push(finding)
    }
    return findings
  }

  #ofMissing(id: BlobId): readonly number[] {
    // Not yet asked for in vain: it was in a pack then that prune has deleted since.
    if (!this.missing.has(id) && !this.isReviewDue) return NONE
    if (this.missing.add(id)) this.isAnythingHurt = true
    const explained = this.#explained.get(toHex(id))
    if (explained !== undefined) return [explained]
    if (this.damagedSegments.length > 0) return this.damagedSegments
    const types = Array.from(this.#missingTypes, ([type, count]) => `${count} ${type}; `).join('')
    this.#unexplained ??= this.#log.addOpen({
      kind: 'blobs-missing', object: `blob ${toHex(id).slice(0, 16)}`,
      message: `blobs that snapshots need are in no pack of the vault (${types}the first is ${toHex(id).slice(0, 16)})`,
      hint: this.#deleted.size > 0
        ? 'a prune is deleting packs: check again when it has finished'
        : 'a pack and the index segment that named it are gone; a versioned bucket may still have them',
    })
    return [this.#unexplained]
  }
}
