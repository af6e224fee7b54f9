import { SystemRandom } from '../async/random.ts'
import { systemKdf } from '../crypto/kdf.ts'
import { VaultError } from '../errors/vault-error.ts'
import { PACK_TARGET_BYTES_MAX, PACK_TARGET_BYTES_MIN } from '../limits/limits.ts'
import type { StorageRecord } from '../probe/capabilities.ts'
import { initVault, newSecret } from '../repository/init.ts'
import { openVaultBackend, storageKnowledge, type Counted, type VaultPlace } from './vault-access.ts'

export interface InitRequest extends VaultPlace {
  readonly password: string
  /** 1 to 256 MiB; default 32 MiB. */
  readonly dataPackTargetBytes?: number
  readonly signal?: AbortSignal
}

export interface InitResult extends Counted {
  readonly vault: string
  readonly location: string
  /** To be shown once on a terminal or written to a 0600 file. */
  readonly recoveryKey: string
  /** What the bucket was found to be; recorded in the vault. */
  readonly storage?: StorageRecord
}

/** Text of a new secret of 256 random bits, for a key file; its slot needs no password hashing. */
export function generateSecret(): string {
  return newSecret()
}

/** Makes a vault, after a short probe of its bucket. Throws `vault-exists`, `usage`, and what the storage throws. */
export async function init(request: InitRequest): Promise<InitResult> {
  const { dataPackTargetBytes } = request
  if (request.password === '') throw new VaultError('usage', 'an empty password protects nothing')
  if (dataPackTargetBytes !== undefined &&
      !(dataPackTargetBytes >= PACK_TARGET_BYTES_MIN && dataPackTargetBytes <= PACK_TARGET_BYTES_MAX)) {
    throw new VaultError('usage', 'the pack size must be from 1 to 256 MiB')
  }
  const knowledge = storageKnowledge(request, request.signal)
  const backend = await openVaultBackend(request, 'create', knowledge)
  try {
    const made = await initVault({
      backend, password: request.password, kdf: systemKdf, random: new SystemRandom(), now: new Date(),
      storage: () => knowledge.probeForNewVault(),
      ...(dataPackTargetBytes === undefined ? {} : { dataPackTargetBytes }),
    })
    const { vault, storage } = made.config
    return {
      vault, location: backend.location, recoveryKey: made.recoveryKey, requests: { ...backend.counts },
      ...(storage === undefined ? {} : { storage }),
    }
  } finally {
    await backend.close()
  }
}
