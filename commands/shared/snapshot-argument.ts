// SNAPSHOT or SNAPSHOT:PATH, as typed.
import { string } from '@oclif/core/args'
import { VaultError } from '../../src/errors/vault-error.ts'
import { argumentBytes } from './raw-arguments.ts'

export interface SnapshotArgument {
  /** An id prefix, `latest` or `latest~N`; the operation resolves it. */
  readonly snapshot: string
  /** Absolute path in the snapshot. */
  readonly path?: Uint8Array
}

export const snapshotArgument = string({
  required: true, ignoreStdin: true,
  description: 'an id or its first digits, latest, or latest~N (N before it); :PATH behind it takes one path of the snapshot',
})

/** Throws `usage`. The first colon divides: no snapshot's name has one, a path may. */
export function parseSnapshotArgument(text: string): SnapshotArgument {
  const colon = text.indexOf(':')
  const snapshot = colon < 0 ? text : text.slice(0, colon)
  if (!/^(latest(~\d{1,9})?|[0-9a-f]{1,64})$/i.test(snapshot)) {
    throw new VaultError('usage', `${JSON.stringify(snapshot.slice(0, 80))} names no snapshot`, {
      hint: 'give an id or its first digits, latest, or latest~N',
    })
  }
  if (colon < 0) return { snapshot }
  const path = text.slice(colon + 1)
  if (path === '') throw new VaultError('usage', 'the path behind the colon is empty')
  return { snapshot, path: argumentBytes(path.startsWith('/') ? path : `/${path}`) }
}
