// The snapshots of a vault: listing, and finding one by what a person types.
import { Semaphore } from '../async/semaphore.ts'
import type { Backend } from '../backend/backend.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { isVaultError, VaultError } from '../errors/vault-error.ts'
import type { ObjectName } from '../ids/ids.ts'
import { SMALL_OBJECT_BYTES_MAX } from '../limits/limits.ts'
import { openSnapshot, parseSnapshotName, SNAPSHOT_PREFIX, type StoredSnapshot } from '../snapshot/snapshot.ts'

export interface SnapshotListing {
  /** Oldest first, by server time. */
  readonly snapshots: readonly StoredSnapshot[]
  readonly damaged: readonly { readonly name: ObjectName; readonly error: VaultError }[]
}

/** Names count server time in seconds; within one the client's clock decides, or `latest` would be left to chance. */
const order = ({ name, id, time }: StoredSnapshot): string => `${name.slice(0, -id.length)} ${time} ${id}`

/** Reads all snapshots; damaged ones, and those of a newer program, are reported beside the sound ones. */
export async function listSnapshots(backend: Backend, keys: Keyring, signal?: AbortSignal): Promise<SnapshotListing> {
  const options = signal ? { signal } : {}
  const names: ObjectName[] = []
  for await (const { name } of backend.list(SNAPSHOT_PREFIX, options)) {
    if (parseSnapshotName(name)) names.push(name)
  }
  const slots = new Semaphore(Math.max(backend.connectionsMax, 4))
  const snapshots: StoredSnapshot[] = []
  const damaged: { name: ObjectName; error: VaultError }[] = []
  const read = async (name: ObjectName): Promise<void> => {
    try {
      snapshots.push(openSnapshot(keys, name, await backend.get(name, undefined, { ...options, bytesMax: SMALL_OBJECT_BYTES_MAX })))
    } catch (error) {
      if (isVaultError(error, 'object-missing')) return // forgotten since the listing
      if (!isVaultError(error, 'vault-damaged', 'vault-newer')) throw error
      damaged.push({ name, error })
    }
  }
  await Promise.all(names.map((name) => slots.with(() => read(name))))
  snapshots.sort((a, b) => (order(a) < order(b) ? -1 : 1))
  return { snapshots, damaged }
}

const ID_PREFIX_MIN = 4

/**
 * Finds what `latest`, `latest~2` or an id prefix of at least 4 digits names. Throws `snapshot-missing`, or `usage` when
 * a prefix fits several.
 */
export function findSnapshot(snapshots: readonly StoredSnapshot[], text: string): StoredSnapshot {
  const latest = /^latest(?:~(\d{1,6}))?$/.exec(text)
  if (latest) {
    const back = Number(latest[1] ?? 0)
    const found = snapshots[snapshots.length - 1 - back]
    if (found) return found
    throw new VaultError('snapshot-missing', `no snapshot ${text}: the vault has ${snapshots.length}`, {
      hint: 's3vault snapshots lists them',
    })
  }
  const prefix = text.toLowerCase()
  const isPrefix = /^[0-9a-f]+$/.test(prefix) && prefix.length >= ID_PREFIX_MIN
  const found = isPrefix ? snapshots.filter(({ id }) => id.startsWith(prefix)) : []
  const [first] = found
  if (found.length > 1) throw new VaultError('usage', `${text} fits ${found.length} snapshots`, { hint: 'give more digits' })
  if (first) return first
  throw new VaultError('snapshot-missing', `no snapshot ${JSON.stringify(text.slice(0, 80))}`, {
    hint: 'give latest, latest~N, or at least 4 digits of an id; s3vault snapshots lists them',
  })
}
