// Making a vault: key slots first, config last. Without config there is no vault, so an interrupted init can be repeated.
import { randomBytes } from 'node:crypto'
import type { RandomSource } from '../async/random.ts'
import type { Backend } from '../backend/backend.ts'
import { DEFAULT_CHUNKER_PARAMETERS, type ChunkerParameters } from '../chunker/parameters.ts'
import type { Kdf } from '../crypto/kdf.ts'
import { makeSlot } from '../crypto/key-slot.ts'
import { Keyring } from '../crypto/keyring.ts'
import { formatSecret } from '../crypto/secret-text.ts'
import { KEY_BYTES } from '../crypto/subkeys.ts'
import { VaultError } from '../errors/vault-error.ts'
import { toHex, vaultId } from '../ids/ids.ts'
import { DATA_PACK_TARGET_BYTES_DEFAULT } from '../limits/limits.ts'
import type { StorageRecord } from '../probe/capabilities.ts'
import { PROBE_PREFIX } from '../probe/probe-names.ts'
import { KEY_PREFIX, slotName, type UnlockedVault } from './unlock.ts'
import { CONFIG_NAME, encodeConfig, FORMAT_VERSION, type VaultConfig } from './vault-config.ts'

export interface InitOptions {
  readonly backend: Backend
  /** A passphrase, or a generated secret (then its slot needs no password hashing). */
  readonly password: string
  readonly kdf: Kdf
  readonly random: RandomSource
  readonly now: Date
  readonly chunker?: ChunkerParameters
  readonly dataPackTargetBytes?: number
  /** Probes the storage. Called once the place is known to be free, before anything is stored. */
  readonly storage?: () => Promise<StorageRecord | undefined>
}

export interface NewVault extends UnlockedVault {
  /** Text of the recovery key. To be shown once or written to a 0600 file; never logged. */
  readonly recoveryKey: string
}

/** A generated secret as text. */
export const newSecret = (): string => formatSecret('secret', randomBytes(KEY_BYTES))

async function refuseOccupied(backend: Backend): Promise<void> {
  for await (const { name } of backend.list('')) {
    if (name.startsWith(KEY_PREFIX) || name.startsWith(PROBE_PREFIX)) continue
    const isVault = name === CONFIG_NAME
    throw new VaultError(
      'vault-exists',
      isVault ? `${backend.location}: there is a vault already` : `${backend.location}: not empty (${name})`,
      { hint: isVault ? 'back up into it without --init' : 'give another directory, bucket or prefix' },
    )
  }
}

/** Creates a vault. Throws `vault-exists` when the place is not empty but for remains of an interrupted init or of probes. */
export async function initVault(options: InitOptions): Promise<NewVault> {
  const { backend, kdf, random, now } = options
  await refuseOccupied(backend)
  const storage = await options.storage?.()
  const master = random.bytes(KEY_BYTES)
  const vault = vaultId(toHex(random.bytes(16)))
  const keys = new Keyring({ vault, masters: [{ epoch: 1, master }] })
  const recoveryKey = formatSecret('recovery', random.bytes(KEY_BYTES))
  for (const password of [options.password, recoveryKey]) {
    const slot = await makeSlot({ vault, master, epoch: 1, password, created: now, kdf, random })
    await backend.put(slotName(slot), slot)
  }
  const config: VaultConfig = {
    format: 's3vault', version: FORMAT_VERSION, vault, created: now.toISOString(),
    chunker: options.chunker ?? DEFAULT_CHUNKER_PARAMETERS,
    dataPackTargetBytes: options.dataPackTargetBytes ?? DATA_PACK_TARGET_BYTES_DEFAULT,
    ...(storage === undefined ? {} : { storage }),
  }
  await backend.put(CONFIG_NAME, encodeConfig(keys, config))
  return { config, keys, recoveryKey }
}
