// What a decorator does around single calls, done around those of the optional capabilities too.
import type { Archive, Billing } from './backend.ts'

export type Wrap = <T>(call: () => Promise<T>, signal: AbortSignal | undefined) => Promise<T>

export function wrappedArchive(archive: Archive | undefined, wrap: Wrap): Archive | undefined {
  return archive && {
    state: (name, options) => wrap(() => archive.state(name, options), options?.signal),
    bringBack: (name, request, options) => wrap(() => archive.bringBack(name, request, options), options?.signal),
  }
}

export function wrappedBilling(billing: Billing | undefined, wrap: Wrap): Billing | undefined {
  return billing && {
    putsByClass: billing.putsByClass,
    place: () => billing.place(),
    noncurrentVersions: (options) => wrap(() => billing.noncurrentVersions(options), options?.signal),
    unfinishedUploads: (options) => wrap(() => billing.unfinishedUploads(options), options?.signal),
  }
}
