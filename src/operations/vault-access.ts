// Opening a vault for an operation: backend by its place, password, local cache.
import type { Backend, RequestCounts } from '../backend/backend.ts'
import { parseLocation } from '../backend/location.ts'
import { openBackend } from '../backend/open.ts'
import type { RetryEvent } from '../backend/retry.ts'
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
  /** A request to S3 on which next to nothing moves for this long is given up and made again. Default 60 000 ms. */
  readonly s3StallTimeoutMs?: number
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

function retryNotice({ error, attempt, delayMs }: RetryEvent): string {
  const state = error.isOverload ? 'storage asks for fewer requests' : 'storage unreachable'
  return `${state}, trying again in ${Math.round(delayMs / 1000)} s (attempt ${attempt}): ${error.message}`
}

export function openVaultBackend(place: VaultPlace, intent: 'open' | 'create'): Promise<Backend> {
  let isTold = false
  return openBackend(parseLocation(place.repo), {
    intent,
    onRetry: (event) => {
      if (event.delayMs < NOTICED_DELAY_MS) return
      isTold = true
      place.onNotice?.(retryNotice(event))
    },
    onAnswer: () => {
      if (isTold) place.onNotice?.('storage answers again')
      isTold = false
    },
    s3: {
      ...(place.s3Endpoint === undefined ? {} : { endpoint: place.s3Endpoint }),
      ...(place.s3Region === undefined ? {} : { region: place.s3Region }),
      ...(place.s3StallTimeoutMs === undefined ? {} : { stallTimeoutMs: place.s3StallTimeoutMs }),
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
    const unlocked = await unlock(backend, access.password, systemKdf, access.signal)
    const local = localState(access.cacheDirectory, unlocked.config.vault)
    const cached = backend.isRemote ? new CachedBackend(backend, local.objectDirectory) : backend
    const result = await work({ repository: new Repository(cached, unlocked, access.signal), storage: backend, local })
    return { ...result, requests: { ...backend.counts } }
  } finally {
    await backend.close()
  }
}
