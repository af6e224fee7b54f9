// A backend keeps named, immutable objects. This is the whole contract that the engine relies on; one suite
// (test/backend/contract.ts) holds every implementation and every decorator to it.
import type { ObjectName } from '../ids/ids.ts'

export interface ObjectInfo {
  readonly name: ObjectName
  readonly sizeBytes: number
  /**
   * The storage's own time of creation, ms since the epoch; never a client's clock. Resolution 1 s or finer. It may lie
   * before the moment the object became visible, by as long as its upload took.
   */
  readonly modifiedMs: number
}

export interface ByteRange {
  /** First byte; negative counts from the end, then `length` is `-offset` (`-100` with length 100: the last 100 bytes). */
  readonly offset: number
  /** At least 1: S3 cannot ask for nothing. */
  readonly length: number
}

/** A PUT that may only become visible while its writer's lease holds (rule 11 of the gc protocol). */
export interface Fence {
  /**
   * The store must refuse the request when it begins to arrive later than this after `check` was called, where it can
   * (S3: the signature expires, by the server's clock; whole seconds, at least 1000 ms).
   */
  readonly expiresAfterMs: number
  /**
   * Called immediately before the request is sent, after it was signed (directory: under the shared lock, before the
   * link). Throws `fence-expired`, which comes out of `put` untouched. No backend or decorator repeats a fenced put.
   */
  check(): void
}

export interface PutOptions {
  readonly fence?: Fence
  readonly signal?: AbortSignal
}

export interface ReadOptions {
  readonly signal?: AbortSignal
}

export interface GetOptions extends ReadOptions {
  /**
   * A whole object larger than this is refused with `vault-damaged` before it is read, whatever a listing said of it: who
   * writes into a storage must not be able to exhaust a reader's memory. Default, and upper bound: OBJECT_BYTES_MAX (range.ts).
   */
  readonly bytesMax?: number
}

export interface ListOptions extends ReadOptions {
  /** Only names strictly greater than this one. */
  readonly startAfter?: string
}

/** Request counters, by kind, since the backend was opened; decorators add to their inner backend's. */
export interface RequestCounts {
  put: number
  get: number
  list: number
  stat: number
  delete: number
  bytesUp: number
  bytesDown: number
}

/**
 * Guarantees, for every implementation:
 * - `put` creates, atomically and durably: after it returns, any later `get`, `stat` and `list` shows the whole object;
 *   before, none shows any of it. Nothing is ever overwritten. If the name is taken by the same bytes `put` succeeds
 *   (idempotent: a lost response may be retried); by other bytes it throws `object-exists`.
 * - `get` returns exactly the bytes asked for, or throws `object-missing`; a range beyond the end throws
 *   `vault-damaged`. A suffix range longer than the object returns the whole object.
 * - `list` yields every object whose name starts with `prefix` (a plain string prefix), in ascending byte order of names.
 *   It is not a snapshot: objects made or deleted meanwhile may or may not be seen.
 * - `delete` of a missing object succeeds.
 * - Errors are VaultError; `retry: 'later'` marks what a retry may mend. Messages hold no secrets.
 * - Every call may run concurrently with every other.
 */
export interface Backend {
  /** Where it is, for messages: a path or `s3://bucket/prefix`; without secrets. */
  readonly location: string
  /** True when reading costs a network round trip, so that metadata is worth caching locally. */
  readonly isRemote: boolean
  /** How many transfers it is worth to run at once. */
  readonly connectionsMax: number
  readonly counts: RequestCounts
  /** `bytes` must not change until it returns. */
  put(name: ObjectName, bytes: Uint8Array, options?: PutOptions): Promise<void>
  /** Whole objects of at most `bytesMax`. The bytes are the caller's own. */
  get(name: ObjectName, range?: ByteRange, options?: GetOptions): Promise<Uint8Array>
  /** Throws `object-missing`. */
  stat(name: ObjectName, options?: ReadOptions): Promise<ObjectInfo>
  list(prefix: string, options?: ListOptions): AsyncIterable<ObjectInfo>
  delete(name: ObjectName, options?: ReadOptions): Promise<void>
  /**
   * The storage's clock, ms since the epoch (S3: the Date header, whole seconds; directory: mtime of a probe file, so it
   * needs write access).
   */
  serverTimeMs(options?: ReadOptions): Promise<number>
  close(): Promise<void>
}

export const newRequestCounts = (): RequestCounts => ({ put: 0, get: 0, list: 0, stat: 0, delete: 0, bytesUp: 0, bytesDown: 0 })
