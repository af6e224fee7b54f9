import { SystemRandom } from '../async/random.ts'
import { systemKdf } from '../crypto/kdf.ts'
import { VaultError } from '../errors/vault-error.ts'
import { PACK_TARGET_BYTES_MAX, PACK_TARGET_BYTES_MIN } from '../limits/limits.ts'
import { initVault, newSecret } from '../repository/init.ts'
import { openVaultBackend, type Counted, type VaultPlace } from './vault-access.ts'

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
}

/** Text of a new secret of 256 random bits, for a key file; its slot needs no password hashing. */
export function generateSecret(): string {
  return newSecret()
}

/** Makes a vault. Throws `vault-exists`, `usage`, and what the storage throws. */
export async function init(request: InitRequest): Promise<InitResult> {
  const { dataPackTargetBytes } = request
  if (request.password === '') throw new VaultError('usage', 'an empty password protects nothing')
  if (dataPackTargetBytes !== undefined &&
      !(dataPackTargetBytes >= PACK_TARGET_BYTES_MIN && dataPackTargetBytes <= PACK_TARGET_BYTES_MAX)) {
    throw new VaultError('usage', 'the pack size must be from 1 to 256 MiB')
  }
  const backend = await openVaultBackend(request, 'create')
  try {
    const made = await initVault({
      backend, password: request.password, kdf: systemKdf, random: new SystemRandom(), now: new Date(),
      ...(dataPackTargetBytes === undefined ? {} : { dataPackTargetBytes }),
    })
    return { vault: made.config.vault, location: backend.location, recoveryKey: made.recoveryKey, requests: { ...backend.counts } }
  } finally {
    await backend.close()
  }
}
