// Reads packs whole and has them verified in worker threads. The main thread only fetches; what is in memory at once is
// bounded in bytes.
import { Semaphore } from '../async/semaphore.ts'
import { TaskGroup } from '../async/task-group.ts'
import { describeError, isVaultError } from '../errors/vault-error.ts'
import { InlinePool, type TaskPool } from '../executor/task-pool.ts'
import { ThreadPool } from '../executor/thread-pool.ts'
import type { PackId } from '../ids/ids.ts'
import type { PackRecord, VaultIndex } from '../index/vault-index.ts'
import type { IndexRenewal } from '../repository/index-renewal.ts'
import { readWholePack } from '../repository/whole-pack.ts'
import type { BlobFaults } from './blob-faults.ts'
import type { CheckRun } from './check-run.ts'
import { packVerifier, type PackToVerify, type PackVerdict, type VerifierInit } from './pack-verifier.ts'
import { readIndexedPack } from './segments.ts'

const IN_FLIGHT_BYTES_DEFAULT = 128 * 1024 * 1024

export interface DataCounts {
  packsRead: number
  packBytesRead: number
  blobsVerified: number
  plainBytesVerified: number
}

export interface DataCheckParts {
  readonly run: CheckRun
  readonly index: VaultIndex
  readonly faults: BlobFaults
  readonly renewal: IndexRenewal
}

export class DataCheck {
  readonly counts: DataCounts = { packsRead: 0, packBytesRead: 0, blobsVerified: 0, plainBytesVerified: 0 }
  readonly #run: CheckRun
  readonly #index: VaultIndex
  readonly #faults: BlobFaults
  readonly #renewal: IndexRenewal
  readonly #inFlight: Semaphore

  constructor({ run, index, faults, renewal }: DataCheckParts) {
    this.#run = run
    this.#index = index
    this.#faults = faults
    this.#renewal = renewal
    this.#inFlight = new Semaphore(run.options.inFlightBytesMax ?? IN_FLIGHT_BYTES_DEFAULT)
  }

  /** Verifies the packs; `missing` ones are known to be gone. */
  async check(packs: readonly PackRecord[], missing: ReadonlySet<PackId>): Promise<void> {
    const present = packs.filter(({ id }) => !missing.has(id))
    this.#run.expect(present.length, present.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0))
    const init: VerifierInit = { material: this.#run.keys.material, table: this.#index.table.shared }
    const { threads } = this.#run.options
    const pool: TaskPool<PackToVerify, PackVerdict> = threads > 0
      ? new ThreadPool({ module: new URL('./verifier-thread.js', import.meta.url), threads, init: () => ({ data: init }) })
      : new InlinePool(packVerifier(init))
    try {
      const fetches = new TaskGroup(Math.max(this.#run.backend.connectionsMax, pool.parallelism + 1))
      for (const pack of present) {
        await fetches.add(() => this.#inFlight.with(() => this.#checkPack(pool, pack), pack.sizeBytes))
      }
      await fetches.finish()
    } finally {
      await pool.close()
    }
  }

  /** Undefined when it is lost, which is a finding, or was deleted by prune, which is none. */
  async #fetch(packNumber: number, pack: PackRecord): Promise<Uint8Array<ArrayBuffer> | undefined> {
    const { version } = this.#renewal
    try {
      const bytes = await readWholePack(this.#run.backend, pack, this.#run.readOptions)
      this.counts.packsRead++
      this.counts.packBytesRead += bytes.length
      return owned(bytes)
    } catch (error) {
      if (!isVaultError(error, 'object-missing', 'vault-damaged')) throw error
      if (error.code === 'object-missing') await this.#renewal.renew([pack], version)
      if (this.#faults.isDisregarded(packNumber)) return undefined
      const kind = error.code === 'object-missing' ? 'pack-missing' : 'pack-size'
      this.#faults.losePack(packNumber, this.#faults.packFinding(packNumber, { kind, message: describeError(error) }))
      return undefined
    }
  }

  async #checkPack(pool: TaskPool<PackToVerify, PackVerdict>, pack: PackRecord): Promise<void> {
    const packNumber = this.#index.numberOf(pack.id)
    if (packNumber === undefined) return
    const bytes = await this.#fetch(packNumber, pack)
    if (bytes) {
      const task: PackToVerify = {
        id: pack.id, kind: pack.kind, packNumber, blobCount: pack.blobCount, keys: pack.keys, bytes,
      }
      const first = await pool.run(task, [bytes.buffer])
      const verdict = first.unverified ? await this.#verifyByIndex(pool, pack, { ...task, bytes: first.unverified }) : first
      if (verdict) this.#judge(packNumber, verdict)
    }
    this.#run.advance(1, pack.sizeBytes)
  }

  /** The pack's own directory is of no use: which of its blobs are sound is asked with the index's. */
  async #verifyByIndex(
    pool: TaskPool<PackToVerify, PackVerdict>, pack: PackRecord, task: PackToVerify,
  ): Promise<PackVerdict | undefined> {
    try {
      const { entries } = await readIndexedPack(this.#run, pack)
      const copies = entries.map((entry) => ({ ...entry, id: new Uint8Array(entry.id) as typeof entry.id }))
      return await pool.run({ ...task, entries: copies }, [task.bytes.buffer])
    } catch (error) {
      if (!isVaultError(error, 'vault-damaged')) throw error
      const finding = this.#faults.packFinding(task.packNumber, { kind: 'pack-hash', message: describeError(error) })
      this.#faults.losePack(task.packNumber, finding)
      return undefined
    }
  }

  #judge(packNumber: number, verdict: PackVerdict): void {
    this.counts.blobsVerified += verdict.blobsVerified
    this.counts.plainBytesVerified += verdict.plainBytes
    this.#faults.admitPack(packNumber)
    const sound = verdict.badBlobs.length === 0 ? 'all its blobs can be read' : 'blobs in it cannot be read'
    if (!verdict.hashMatches) {
      this.#faults.packFinding(packNumber, { kind: 'pack-hash', message: 'its bytes do not hash to its name' })
    }
    if (verdict.directoryProblem !== undefined) {
      this.#faults.packFinding(packNumber, { kind: 'pack-directory', message: `its directory: ${verdict.directoryProblem}` })
    }
    if (verdict.badBlobs.length > 0 || this.#faults.hasPackFinding(packNumber)) {
      const finding = this.#faults.packFinding(packNumber, { kind: 'pack-blobs', message: sound })
      for (const { id } of verdict.badBlobs) this.#faults.loseBlob(packNumber, id, finding)
    }
  }
}

/** The bytes in a buffer of their own, which can be given to a thread; a copy only when they are part of a larger one. */
function owned(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = bytes
  const isOwn = buffer instanceof ArrayBuffer && bytes.byteOffset === 0 && bytes.byteLength === buffer.byteLength
  return isOwn ? new Uint8Array(buffer) : new Uint8Array(bytes)
}
