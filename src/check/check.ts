// Checks a vault: is everything there that its snapshots need, and is it what was written?
//
// Without reading data: every small object is opened, every index segment decoded, every indexed pack must be listed with
// its size, and the trees of all snapshots are walked, so that each blob they name has a place in a pack that is there.
// With `readData`, packs are read whole and every blob in them is opened, decompressed and hashed.
// Damage is a finding, never an exception: a check goes on to the end. It throws when the storage cannot be reached, when
// it is interrupted, and for bugs. It knows nothing of terminals or exit codes, and changes nothing in the vault.
//
// Order of the listings: snapshots, segments, packs, against the order in which writers store them, so that a backup
// under way is never mistaken for damage.
import type { PackId } from '../ids/ids.ts'
import type { VaultIndex } from '../index/vault-index.ts'
import { BlobReader } from '../repository/blob-reader.ts'
import { linksOf, treeOf, type StoredSnapshot } from '../snapshot/snapshot.ts'
import { BlobFaults } from './blob-faults.ts'
import { CheckRun } from './check-run.ts'
import { DamageTrace } from './damage-trace.ts'
import { DataCheck } from './data-check.ts'
import { FaultRecorder } from './fault-recording.ts'
import { takeInventory, type Inventory } from './inventory.ts'
import { checkKeySlots } from './key-slots.ts'
import { LinkOutline } from './link-outline.ts'
import type { CheckOptions, CheckReport } from './options.ts'
import { comparePacks, noteUnindexed, unindexedPacks, type UnindexedPack } from './pack-presence.ts'
import { checkForgotten } from './forgotten.ts'
import { selectPacks } from './pack-selection.ts'
import { checkProtocolObjects, type PackNotes } from './protocol-objects.ts'
import { PruneWatch } from './prune-watch.ts'
import { readSegments, type ReadSegments } from './segments.ts'
import { checkChains, readSnapshots, type ReadSnapshots } from './snapshots.ts'
import { TreeWalk } from './tree-walk.ts'
import { searchUnindexed } from './unindexed-packs.ts'

interface Objects {
  readonly inventory: Inventory
  readonly keySlots: number
  readonly notes: PackNotes
}

async function checkObjects(run: CheckRun, snapshots: ReadSnapshots): Promise<Objects> {
  const inventory = await takeInventory(run)
  run.expect(inventory.objects + inventory.slots.length + inventory.protocol.length + inventory.forgotten.length, 0)
  const keySlots = await checkKeySlots(run, inventory.slots)
  const notes: PackNotes = { dead: new Set(), lost: new Set() }
  await checkProtocolObjects(run, inventory.protocol, notes)
  checkChains(run, snapshots, await checkForgotten(run, inventory.forgotten), run.options.expected ?? [])
  return { inventory, keySlots, notes }
}

interface Walked {
  readonly metadataBlobsRead: number
  readonly lostLinks: ReadonlyMap<StoredSnapshot, number>
}

/** The newest snapshot first: its packs are the ones written last, and most of the others' trees are in it. */
async function walkTrees(
  run: CheckRun, snapshots: readonly StoredSnapshot[], recorder: FaultRecorder, faults: BlobFaults,
): Promise<Walked> {
  const outline = new LinkOutline()
  const walk = new TreeWalk({ run, recorder, faults, outline })
  for (const snapshot of snapshots.toReversed()) {
    await walk.walk('tree', treeOf(snapshot))
    const links = linksOf(snapshot)
    if (links) await walk.walk('links', links)
  }
  const lostLinks = new Map<StoredSnapshot, number>()
  for (const snapshot of snapshots) {
    const finding = outline.compare(run, snapshot)
    if (finding !== undefined) lostLinks.set(snapshot, finding)
  }
  return { metadataBlobsRead: walk.visitedCount, lostLinks }
}

/** Reads the selected packs; of all, also those that prune has moved blobs into meanwhile. */
async function readPacks(run: CheckRun, index: VaultIndex, data: DataCheck, missing: ReadonlySet<PackId>): Promise<void> {
  const { readData, random } = run.options
  if (!readData) return
  let known = index.packs.length
  await data.check(selectPacks(index.packs, readData, random), missing)
  while (readData.by === 'all' && known < index.packs.length) {
    const come = index.packs.slice(known)
    known += come.length
    await data.check(come, missing)
  }
}

interface Traced {
  readonly snapshots: readonly StoredSnapshot[]
  readonly unindexed: readonly UnindexedPack[]
  readonly faults: BlobFaults
  readonly reader: BlobReader
  readonly walked: Walked
}

async function traceDamage(run: CheckRun, { snapshots, unindexed, faults, reader, walked }: Traced): Promise<void> {
  const unneeded = await searchUnindexed(run, unindexed, faults)
  noteUnindexed(run, unneeded, faults.missing.size === 0 && faults.damagedSegments.length === 0)
  if (run.log.open.length === 0 && !faults.isAnythingHurt && !faults.isReviewDue) return
  const trace = new DamageTrace({ run, loader: reader, faults, lostLinks: (snapshot) => walked.lostLinks.get(snapshot) })
  await trace.trace(snapshots)
  run.log.close((finding) => trace.hurtsOf(finding))
}

function reportOf(
  run: CheckRun, parts: Objects & { segments: ReadSegments; snapshots: ReadSnapshots; walked: Walked; data: DataCheck },
): Omit<CheckReport, 'bytesRead' | 'durationMs'> {
  const { index, segments } = parts.segments
  return {
    errors: run.log.errors, notes: run.log.notes, findings: run.log.findings, durationsMs: run.durationsMs,
    counts: {
      objects: parts.inventory.objects, keySlots: parts.keySlots, snapshots: parts.snapshots.listed.size,
      segments: segments.size, packs: index.packs.length,
      packBytes: index.packs.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0), blobs: index.table.count,
      metadataBlobsRead: parts.walked.metadataBlobsRead, ...parts.data.counts,
    },
  }
}

/** Checks the vault. Throws `storage-unreachable`, `storage-denied`, `interrupted` and the like, never for damage. */
export async function check(options: CheckOptions): Promise<CheckReport> {
  const run = new CheckRun(options)
  const startMs = options.clock.nowMs()
  const bytesBefore = options.backend.counts.bytesDown
  const snapshots = await run.phase('objects', () => readSnapshots(run))
  const segments = await run.phase('index', () => readSegments(run))
  const objects = await run.phase('objects', () => checkObjects(run, snapshots))
  const { index } = segments
  const watch = new PruneWatch(run, { segments, ...objects })
  await run.phase('objects', () => watch.settle())
  const faults = new BlobFaults(index, run.log, segments.damaged)
  watch.attach(faults)
  const missing = comparePacks(run, index, objects.inventory, faults, objects.notes)
  const comparedCount = index.packs.length
  const reader = new BlobReader(options.backend, options.keys, index, watch)
  const recorder = new FaultRecorder(reader, faults)
  const walked = await run.phase('trees', () => walkTrees(run, snapshots.snapshots, recorder, faults))
  const data = new DataCheck({ run, index, faults, renewal: watch })
  await run.phase('packs', () => readPacks(run, index, data, missing))
  if (index.packs.length > comparedCount) {
    await run.phase('objects', () => watch.settle())
    comparePacks(run, index, objects.inventory, faults, objects.notes, comparedCount)
  }
  await run.phase('damage', () => traceDamage(run, {
    snapshots: snapshots.snapshots, unindexed: unindexedPacks(objects.inventory, index), faults, reader, walked,
  }))
  return {
    ...reportOf(run, { ...objects, segments, snapshots, walked, data }),
    bytesRead: options.backend.counts.bytesDown - bytesBefore,
    durationMs: options.clock.nowMs() - startMs,
  }
}
