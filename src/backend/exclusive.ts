// An ability that only some backends have: keeping fenced puts out while prune deletes (gc protocol, rule 11).
// S3 has none: there the expiry of the signature does what the lock does in a directory.
import type { Backend } from './backend.ts'

interface ExclusiveLocking {
  withExclusiveLock<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T>
}

const hasExclusiveLock = (backend: object): backend is ExclusiveLocking => 'withExclusiveLock' in backend

/** Runs `work` under the exclusive lock of `backend` or of what it decorates; without one, just runs it. */
export async function exclusively<T>(backend: Backend, work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  let current: Backend | (Backend & { readonly inner: Backend }) = backend
  while ('inner' in current) current = current.inner
  return hasExclusiveLock(current) ? await current.withExclusiveLock(work, signal) : await work()
}
