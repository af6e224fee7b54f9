// Opening a vault for an operation: backend by its place, password, local cache.
import type { Backend } from '../backend/backend.ts'
import { parseLocation } from '../backend/location.ts'
import { openBackend } from '../backend/open.ts'
import { CachedBackend } from '../cache/cached-backend.ts'
import { localState, type LocalState } from '../cache/local-state.ts'
import { systemKdf } from '../crypto/kdf.ts'
import { Repository } from '../repository/repository.ts'
import { unlock } from '../repository/unlock.ts'

/** Where a vault is and how to reach it. S3 credentials come from the SDK's own chain. */
export interface VaultPlace {
  /** A directory, or `s3://bucket/prefix`. */
  readonly repo: string
  /** For S3 servers other than AWS: `http(s)://host[:port]`. */
  readonly s3Endpoint?: string
  readonly s3Region?: string
  /** Folder for caches and local state of all vaults. */
  readonly cacheDirectory: string
  /** Hears what is worth knowing and no failure: that storage did not answer and is asked again. */
  readonly onNotice?: (message: string) => void
  /** How long a request to storage is repeated. Default 15 minutes. */
  readonly retryBudgetMs?: number
}

export interface VaultAccess extends VaultPlace {
  /** A passphrase, a generated secret or a recovery key. */
  readonly password: string
  readonly signal?: AbortSignal
}

/** Shorter waits are everyday life on a network. */
const NOTICED_DELAY_MS = 3000

export function openVaultBackend(place: VaultPlace, intent: 'open' | 'create'): Promise<Backend> {
  return openBackend(parseLocation(place.repo), {
    intent,
    onRetry: ({ error, delayMs }) => {
      if (delayMs >= NOTICED_DELAY_MS) place.onNotice?.(`${error.message}; trying again in ${Math.round(delayMs / 1000)} s`)
    },
    ...(place.retryBudgetMs === undefined ? {} : { retryBudgetMs: place.retryBudgetMs }),
    s3: {
      ...(place.s3Endpoint === undefined ? {} : { endpoint: place.s3Endpoint }),
      ...(place.s3Region === undefined ? {} : { region: place.s3Region }),
    },
  })
}

export interface OpenedVault {
  readonly repository: Repository
  /** The storage itself, without the local cache. */
  readonly storage: Backend
  readonly local: LocalState
}

/** Opens a vault, lets `work` use it, and closes it. Throws what opening throws (`unlock`), and what `work` throws. */
export async function withVault<T>(access: VaultAccess, work: (vault: OpenedVault) => Promise<T>): Promise<T> {
  const backend = await openVaultBackend(access, 'open')
  try {
    const unlocked = await unlock(backend, access.password, systemKdf, access.signal)
    const local = localState(access.cacheDirectory, unlocked.config.vault)
    const cached = backend.isRemote ? new CachedBackend(backend, local.objectDirectory) : backend
    return await work({ repository: new Repository(cached, unlocked, access.signal), storage: backend, local })
  } finally {
    await backend.close()
  }
}
