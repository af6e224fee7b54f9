// Opening a vault for an operation: backend by its place, password, local cache.
import type { Backend, RequestCounts } from '../backend/backend.ts'
import { parseLocation } from '../backend/location.ts'
import { openBackend } from '../backend/open.ts'
import type { RetryEvent } from '../backend/retry.ts'
import type { S3Connection } from '../backend/s3/client.ts'
import { CachedBackend } from '../cache/cached-backend.ts'
import { OpenedSlots } from '../cache/opened-slots.ts'
import { localState, type LocalState } from '../cache/local-state.ts'
import { RunLog } from '../cache/run-log.ts'
import { StorageMemory } from '../cache/storage-memory.ts'
import { systemKdf } from '../crypto/kdf.ts'
import type { ObjectName } from '../ids/ids.ts'
import { parsePackName } from '../pack/layout.ts'
import { Repository } from '../repository/repository.ts'
import { unlock } from '../repository/unlock.ts'
import { StorageKnowledge } from './storage-knowledge.ts'

/** What transfers may take of the line. None given: whatever the line gives. */
export interface TransferLimits {
  readonly upBytesPerSecond?: number
  readonly downBytesPerSecond?: number
  /** Transfers at once, at most. Without effect on a directory. */
  readonly connectionsMax?: number
}

/** Keys of a bucket, or the profile of the AWS tools that has them. */
export type S3Credentials =
  | { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string }
  | { readonly profile: string }

/** Where a vault is and how to reach it. */
export interface VaultPlace extends TransferLimits {
  /** A directory, or `s3://bucket/prefix`. */
  readonly repo: string
  /** For S3 servers other than AWS: `http(s)://host[:port]`. */
  readonly s3Endpoint?: string
  readonly s3Region?: string
  /** S3: class of the data packs that are stored; everything else stays in the bucket's default. */
  readonly storageClass?: string
  /** The name under which this machine's log of requests has the run. */
  readonly command?: string
  /** Default: the SDK's own chain. */
  readonly s3Credentials?: S3Credentials
  /** A request to S3 on which next to nothing moves for this long is given up and made again. Default 60 000 ms. */
  readonly s3StallTimeoutMs?: number
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

export const storageKnowledge = (place: VaultPlace, signal?: AbortSignal): StorageKnowledge =>
  new StorageKnowledge({ repo: place.repo, connection: connectionOf(place), signal })

function retryNotice({ error, attempt, delayMs }: RetryEvent): string {
  const state = error.isOverload ? 'storage asks for fewer requests' : 'storage unreachable'
  return `${state}, trying again in ${Math.round(delayMs / 1000)} s (attempt ${attempt}): ${error.message}`
}

export function openVaultBackend(place: VaultPlace, intent: 'open' | 'create', knowledge: StorageKnowledge): Promise<Backend> {
  const { connectionsMax, upBytesPerSecond, downBytesPerSecond } = place
  let isTold = false
  return openBackend(parseLocation(place.repo), {
    intent,
    ...(upBytesPerSecond === undefined ? {} : { upBytesPerSecond }),
    ...(downBytesPerSecond === undefined ? {} : { downBytesPerSecond }),
    onRetry: (event) => {
      if (event.delayMs < NOTICED_DELAY_MS) return
      isTold = true
      place.onNotice?.(retryNotice(event))
    },
    onAnswer: () => {
      if (isTold) place.onNotice?.('storage answers again')
      isTold = false
    },
    ...(place.retryBudgetMs === undefined ? {} : { retryBudgetMs: place.retryBudgetMs }),
    s3: {
      ...connectionOf(place), conditionalPut: knowledge.honoursConditions,
      ...(place.storageClass === undefined ? {} : { storageClassFor: dataPackClass(place.storageClass) }),
      ...(connectionsMax === undefined ? {} : { connectionsMax }),
    },
  })
}

const dataPackClass = (storageClass: string) => (name: ObjectName): string | undefined =>
  parsePackName(name)?.kind === 'data' ? storageClass : undefined

/** How to reach a bucket's server. */
export function connectionOf({ s3Endpoint, s3Region, s3Credentials, s3StallTimeoutMs }: VaultPlace): S3Connection {
  const credentials = s3Credentials === undefined ? {} : 'profile' in s3Credentials ? s3Credentials : { credentials: s3Credentials }
  return {
    ...(s3Endpoint === undefined ? {} : { endpoint: s3Endpoint }),
    ...(s3Region === undefined ? {} : { region: s3Region }),
    ...(s3StallTimeoutMs === undefined ? {} : { stallTimeoutMs: s3StallTimeoutMs }),
    ...credentials,
  }
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
  const knowledge = storageKnowledge(access, access.signal)
  const backend = await openVaultBackend(access, 'open', knowledge)
  try {
    const unlocked = await unlock(backend, access.password, systemKdf, {
      memory: new OpenedSlots(access.cacheDirectory), ...(access.signal ? { signal: access.signal } : {}),
    })
    const local = localState(access.cacheDirectory, unlocked.config.vault)
    knowledge.vaultOpened({ recorded: unlocked.config.storage, memory: new StorageMemory(local.directory) })
    const cached = backend.isRemote ? new CachedBackend(backend, local.objectDirectory) : backend
    try {
      const result = await work({ repository: new Repository(cached, unlocked, access.signal), storage: backend, local })
      return { ...result, requests: { ...backend.counts } }
    } finally {
      logRun(access, backend, local) // what failed is billed too
    }
  } finally {
    await backend.close()
  }
}

function logRun({ command = '' }: VaultAccess, { billing, counts }: Backend, { directory }: LocalState): void {
  if (billing === undefined) return
  const putsByClass = Object.fromEntries(billing.putsByClass)
  new RunLog(directory).add({ time: new Date().toISOString(), command, ...counts, putsByClass })
}
