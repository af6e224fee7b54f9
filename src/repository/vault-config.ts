// The config object: what a vault is, write-once. A line of JSON, and a line with its HMAC-SHA-256 under the config key
// in hex. The vault id must be read before a key can be found; everything else counts only after the MAC is verified.
import { createHmac, timingSafeEqual } from 'node:crypto'
import { parseChunkerParameters, type ChunkerParameters } from '../chunker/parameters.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { VaultError } from '../errors/vault-error.ts'
import { objectName, vaultId, type VaultId } from '../ids/ids.ts'
import { PACK_TARGET_BYTES_MAX, PACK_TARGET_BYTES_MIN } from '../limits/limits.ts'
import { parseStorageRecord, type StorageRecord } from '../probe/capabilities.ts'

export const CONFIG_NAME = objectName('config')
export const FORMAT_VERSION = 1
export const CONFIG_BYTES_MAX = 65536

export interface VaultConfig {
  readonly format: 's3vault'
  readonly version: number
  readonly vault: VaultId
  readonly created: string
  readonly chunker: ChunkerParameters
  /** A data pack is closed when the next blob would exceed this. */
  readonly dataPackTargetBytes: number
  /** What the bucket was found to be when the vault was made; absent in a directory, and in vaults older than this field. */
  readonly storage?: StorageRecord
}

const macOf = (keys: Keyring, line: string): Buffer => createHmac('sha256', keys.configKey()).update(line).digest()

export function encodeConfig(keys: Keyring, config: VaultConfig): Uint8Array {
  const line = JSON.stringify(config)
  return new TextEncoder().encode(`${line}\n${macOf(keys, line).toString('hex')}\n`)
}

/** A config whose MAC is not checked yet: only its vault id may be used, to find the keys. */
export interface UnverifiedConfig {
  readonly vault: VaultId
  readonly line: string
  readonly mac: string
}

/** First step. Throws `vault-newer` for a later format, `vault-damaged` for what is no config. */
export function parseConfig(bytes: Uint8Array, location: string): UnverifiedConfig {
  const damaged = new VaultError('vault-damaged', `${location}: the config object is damaged`, {
    hint: 'restore the object "config" from a copy or from an older version in the bucket; nothing can be opened without it',
  })
  const [line, mac] = bytes.length <= CONFIG_BYTES_MAX ? new TextDecoder().decode(bytes).split('\n') : []
  let value: unknown
  try {
    value = JSON.parse(line ?? '')
  } catch {
    throw damaged
  }
  if (typeof value !== 'object' || value === null || !('format' in value) || value.format !== 's3vault') throw damaged
  if ('version' in value && typeof value.version === 'number' && value.version > FORMAT_VERSION) {
    throw new VaultError('vault-newer', `${location}: vault format ${value.version}, this program knows ${FORMAT_VERSION}`, {
      hint: 'use a newer s3vault',
    })
  }
  if (!('vault' in value) || typeof value.vault !== 'string' || !/^[0-9a-f]{32}$/.test(value.vault) || !line || !/^[0-9a-f]{64}$/.test(mac ?? '')) throw damaged
  return { vault: vaultId(value.vault), line, mac: mac ?? '' }
}

/** Second step, with the keys in hand. */
export function verifyConfig(keys: Keyring, config: UnverifiedConfig, location: string): VaultConfig {
  if (!timingSafeEqual(macOf(keys, config.line), Buffer.from(config.mac, 'hex'))) {
    throw new VaultError('vault-damaged', `${location}: the config object was changed since it was written`, {
      hint: 'restore the object "config" from a copy or from an older version in the bucket',
    })
  }
  const value = JSON.parse(config.line) as VaultConfig // authentic: written by a program that knew the key
  const target = value.dataPackTargetBytes
  if (!Number.isInteger(target) || target < PACK_TARGET_BYTES_MIN || target > PACK_TARGET_BYTES_MAX) {
    throw new VaultError('vault-damaged', `${location}: pack size ${target} out of bounds`)
  }
  const { storage: recorded, ...rest } = value
  const storage = parseStorageRecord(recorded)
  return {
    ...rest, chunker: parseChunkerParameters(value.chunker, 'vault-damaged'), ...(storage === undefined ? {} : { storage }),
  }
}

/** The field of a config whose MAC is not checked: for display only. */
export function unverifiedStorage({ line }: UnverifiedConfig): StorageRecord | undefined {
  const value = JSON.parse(line) as { readonly storage?: unknown }
  return parseStorageRecord(value.storage)
}
