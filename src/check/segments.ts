// Reads every index segment: what the vault claims to hold and where.
import { Semaphore } from '../async/semaphore.ts'
import type { ObjectInfo } from '../backend/backend.ts'
import { describeError, isVaultError, VaultError } from '../errors/vault-error.ts'
import type { SegmentId } from '../ids/ids.ts'
import {
  openSegment, parseSegmentName, segmentName, SEGMENT_PREFIX, type IndexedPack, type Segment,
} from '../index/segment.ts'
import { VaultIndex, type PackRecord } from '../index/vault-index.ts'
import { SEGMENT_BYTES_MAX } from '../limits/limits.ts'
import { packName } from '../pack/layout.ts'
import type { CheckRun } from './check-run.ts'
import { counted } from './finding-log.ts'

/** About what a blob takes in a segment: id, type, codec and varints. */
const ENTRY_BYTES_TYPICAL = 44

export interface ReadSegments {
  readonly index: VaultIndex
  /** Sound segments. */
  readonly segments: ReadonlySet<SegmentId>
  /** Numbers of the open findings of damaged segments: what is in no other segment is missing because of them. */
  readonly damaged: readonly number[]
  /** Reads the segments that have come since; returns how many are sound. */
  update(): Promise<number>
}

interface ListedSegment {
  readonly id: SegmentId
  readonly info: ObjectInfo
}

function addToIndex(run: CheckRun, index: VaultIndex, id: SegmentId, segment: Segment): void {
  for (const pack of segment.packs) {
    const packNumber = index.numberOf(pack.id)
    const known = packNumber === undefined ? undefined : index.packs[packNumber]
    const isSame = known?.kind === pack.kind && known.sizeBytes === pack.sizeBytes && known.blobCount === pack.entries.length
    if (known && !isSame) {
      run.log.add({
        severity: 'error', kind: 'segments-contradict', object: segmentName(id),
        message: `${segmentName(id).slice(0, 22)} describes ${packName(pack.kind, pack.id)} otherwise than another segment`,
      })
    }
    index.addPack(pack, id)
  }
}

async function listSegments(run: CheckRun): Promise<ListedSegment[]> {
  const listed: ListedSegment[] = []
  for await (const info of run.backend.list(SEGMENT_PREFIX, run.readOptions)) {
    const id = parseSegmentName(info.name)
    if (id) listed.push({ id, info })
  }
  return listed
}

/** Reads all segments. Damaged ones become open findings. */
export async function readSegments(run: CheckRun): Promise<ReadSegments> {
  const listed = await listSegments(run)
  const totalBytes = listed.reduce((sum, { info }) => sum + info.sizeBytes, 0)
  run.expect(listed.length, totalBytes)
  const index = new VaultIndex(totalBytes / ENTRY_BYTES_TYPICAL)
  const sound = new Set<SegmentId>()
  const superseded = new Set<SegmentId>()
  const damaged: number[] = []
  const known = new Set<SegmentId>()
  const read = async ({ id, info }: ListedSegment): Promise<void> => {
    if (known.has(id)) return
    known.add(id)
    try {
      const segment = openSegment(run.keys, id, await run.backend.get(info.name, undefined, { ...run.readOptions, bytesMax: SEGMENT_BYTES_MAX }))
      sound.add(id)
      for (const other of segment.supersedes) superseded.add(other)
      addToIndex(run, index, id, segment)
    } catch (error) {
      if (isVaultError(error, 'object-missing')) return // merged by prune since the listing
      if (!isVaultError(error, 'vault-damaged', 'vault-newer')) throw error
      damaged.push(run.log.addOpen({
        kind: 'segment-damaged', object: info.name, message: `${info.name.slice(0, 22)}: ${describeError(error)}`,
        hint: 'the packs it named are all there: the index can be rebuilt from them',
      }))
    }
    run.advance(1, info.sizeBytes)
  }
  const slots = new Semaphore(run.backend.connectionsMax)
  const readAll = async (segments: readonly ListedSegment[]): Promise<number> => {
    const soundBefore = sound.size
    await Promise.all(segments.map((segment) => slots.with(() => read(segment))))
    return sound.size - soundBefore
  }
  await readAll(listed)
  noteSuperseded(run, [...superseded].filter((id) => sound.has(id)))
  return { index, segments: sound, damaged, update: async () => readAll(await listSegments(run)) }
}

function noteSuperseded(run: CheckRun, ids: readonly SegmentId[]): void {
  const [first] = ids
  if (first === undefined) return
  run.log.add({
    severity: 'note', kind: 'segment-superseded', object: segmentName(first),
    message: `${counted(ids.length, 'index segment')} superseded by later ones: prune removes them`,
  })
}

/** What the index says of a pack, blob by blob, from a segment that names it. Throws `vault-damaged` when none opens. */
export async function readIndexedPack(run: CheckRun, pack: PackRecord): Promise<IndexedPack> {
  for (const id of pack.segments) {
    try {
      const bytes = await run.backend.get(segmentName(id), undefined, { ...run.readOptions, bytesMax: SEGMENT_BYTES_MAX })
      const segment = openSegment(run.keys, id, bytes)
      const found = segment.packs.find((other) => other.id === pack.id)
      if (found) return found
    } catch (error) {
      if (!isVaultError(error, 'vault-damaged', 'object-missing')) throw error
    }
  }
  throw new VaultError('vault-damaged', `pack ${pack.id.slice(0, 16)}: the segments that named it are gone`)
}
