// Opening a vault for an operation: backend by its place, password, local cache.
import type { Backend, RequestCounts } from '../backend/backend.ts'
import { parseLocation } from '../backend/location.ts'
import { openBackend } from '../backend/open.ts'
import { CachedBackend } from '../cache/cached-backend.ts'
import { OpenedSlots } from '../cache/opened-slots.ts'
import { localState, type LocalState } from '../cache/local-state.ts'
import { systemKdf } from '../crypto/kdf.ts'
import { Repository } from '../repository/repository.ts'
import { unlock } from '../repository/unlock.ts'

/** What transfers may take of the line. None given: whatever the line gives. */
export interface TransferLimits {
  readonly upBytesPerSecond?: number
  readonly downBytesPerSecond?: number
  /** Transfers at once, at most. Without effect on a directory. */
  readonly connectionsMax?: number
}

/** Where a vault is and how to reach it. S3 credentials come from the SDK's own chain. */
export interface VaultPlace extends TransferLimits {
  /** A directory, or `s3://bucket/prefix`. */
  readonly repo: string
  /** For S3 servers other than AWS: `http(s)://host[:port]`. */
  readonly s3Endpoint?: string
  readonly s3Region?: string
  /** Folder for caches and local state of all vaults. */
  readonly cacheDirectory: string
  /** Hears what is worth knowing and no failure: that storage did not answer and is asked again. */
  readonly onNotice?: (message: string) => void
}

export interface VaultAccess extends VaultPlace {
  /** A passphrase, a generated secret or a recovery key. */
  readonly password: string
  readonly signal?: AbortSignal
}

/** Shorter waits are everyday life on a network. */
const NOTICED_DELAY_MS = 3000

export function openVaultBackend(place: VaultPlace, intent: 'open' | 'create'): Promise<Backend> {
  const { connectionsMax, upBytesPerSecond, downBytesPerSecond } = place
  return openBackend(parseLocation(place.repo), {
    intent,
    ...(upBytesPerSecond === undefined ? {} : { upBytesPerSecond }),
    ...(downBytesPerSecond === undefined ? {} : { downBytesPerSecond }),
    onRetry: ({ error, delayMs }) => {
      if (delayMs >= NOTICED_DELAY_MS) place.onNotice?.(`${error.message}; trying again in ${Math.round(delayMs / 1000)} s`)
    },
    s3: {
      ...(place.s3Endpoint === undefined ? {} : { endpoint: place.s3Endpoint }),
      ...(place.s3Region === undefined ? {} : { region: place.s3Region }),
      ...(connectionsMax === undefined ? {} : { connectionsMax }),
    },
  })
}

export interface OpenedVault {
  readonly repository: Repository
  /** The storage itself, without the local cache. */
  readonly storage: Backend
  readonly local: LocalState
}

/** What an operation asked of the storage, from opening the vault to the end; also what was repeated. */
export interface Counted {
  readonly requests: Readonly<RequestCounts>
}

/** Opens a vault, lets `work` use it, and closes it. Throws what opening throws (`unlock`), and what `work` throws. */
export async function withVault<T extends object>(access: VaultAccess, work: (vault: OpenedVault) => Promise<T>): Promise<T & Counted> {
  const backend = await openVaultBackend(access, 'open')
  try {
    const unlocked = await unlock(backend, access.password, systemKdf, {
      memory: new OpenedSlots(access.cacheDirectory), ...(access.signal ? { signal: access.signal } : {}),
    })
    const local = localState(access.cacheDirectory, unlocked.config.vault)
    const cached = backend.isRemote ? new CachedBackend(backend, local.objectDirectory) : backend
    const result = await work({ repository: new Repository(cached, unlocked, access.signal), storage: backend, local })
    return { ...result, requests: { ...backend.counts } }
  } finally {
    await backend.close()
  }
}
