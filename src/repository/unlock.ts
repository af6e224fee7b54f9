// From a password to the keys of a vault.
import { createHash } from 'node:crypto'
import type { Backend } from '../backend/backend.ts'
import { Keyring } from '../crypto/keyring.ts'
import type { Kdf } from '../crypto/kdf.ts'
import { openSlot, parseSlot, SLOT_BYTES_MAX, type KeySlot } from '../crypto/key-slot.ts'
import { isVaultError, VaultError } from '../errors/vault-error.ts'
import { objectName, type ObjectName, type VaultId } from '../ids/ids.ts'
import { CONFIG_BYTES_MAX, CONFIG_NAME, parseConfig, verifyConfig, type VaultConfig } from './vault-config.ts'

export const KEY_PREFIX = 'keys/'

/** A slot's name is the SHA-256 of its bytes: nothing but its own password could tell otherwise that it was damaged. */
export const slotName = (slot: Uint8Array): ObjectName =>
  objectName(`${KEY_PREFIX}${createHash('sha256').update(slot).digest('hex')}`)

export interface UnlockedVault {
  readonly config: VaultConfig
  readonly keys: Keyring
}

async function readConfig(backend: Backend, signal: AbortSignal | undefined): Promise<Uint8Array> {
  const options = signal ? { signal } : {}
  try {
    return await backend.get(CONFIG_NAME, undefined, { ...options, bytesMax: CONFIG_BYTES_MAX })
  } catch (error) {
    if (!isVaultError(error, 'object-missing', 'vault-missing')) throw error
    // Key slots tell a vault; what a listing of all starts with may be anything.
    for await (const _slot of backend.list(KEY_PREFIX, options)) {
      throw new VaultError('vault-incomplete', `${backend.location}: the vault is half made or has lost its config object`, {
        hint: 'if init was interrupted, run init again; otherwise restore the object "config" from a copy', cause: error,
      })
    }
    for await (const _other of backend.list('', options)) {
      throw new VaultError('vault-missing', `${backend.location}: there is no vault (other things are there)`, {
        hint: 'check the place given with --repo', cause: error,
      })
    }
    throw new VaultError('vault-missing', `${backend.location}: there is no vault`, {
      hint: 'check the place given with --repo, or make one with: s3vault init',
      cause: error,
    })
  }
}

export interface SlotReading {
  readonly name: ObjectName
  readonly slot?: KeySlot
  /** Why the slot cannot be read. */
  readonly problem?: VaultError
}

/** All key slots; a damaged one is reported, not thrown: others may open. Slots of another vault are remains of an init. */
export async function readSlots(backend: Backend, vault: VaultId): Promise<SlotReading[]> {
  const readings: SlotReading[] = []
  for await (const { name } of backend.list(KEY_PREFIX)) {
    try {
      const bytes = await backend.get(name, undefined, { bytesMax: SLOT_BYTES_MAX })
      const slot = parseSlot(bytes, vault, name)
      // A changed slot may still open, when what was changed is for people only; if not, the person must hear of it.
      const isSound = slotName(bytes) === name
      readings.push({ name, slot, ...(isSound ? {} : { problem: new VaultError('vault-damaged', `${name}: was changed`) }) })
    } catch (error) {
      if (!isVaultError(error, 'vault-damaged', 'vault-newer', 'object-missing')) throw error
      readings.push({ name, problem: error })
    }
  }
  return readings
}

/** Opens the vault with `password`. Throws `vault-missing`, `vault-incomplete`, `vault-damaged`, `vault-newer`, `password-wrong`. */
export async function unlock(
  backend: Backend, password: string, kdf: Kdf, signal?: AbortSignal,
): Promise<UnlockedVault> {
  const unverified = parseConfig(await readConfig(backend, signal), backend.location)
  const readings = await readSlots(backend, unverified.vault)
  for (const { slot } of readings) {
    const unlocked = slot && (await openSlot(slot, password, kdf))
    if (!unlocked) continue
    if (unlocked.epoch !== 1) {
      throw new VaultError('vault-newer', `${backend.location}: its keys were rotated`, { hint: 'use a newer s3vault' })
    }
    const keys = new Keyring({ vault: unverified.vault, masters: [{ epoch: 1, master: unlocked.master }] })
    return { keys, config: verifyConfig(keys, unverified, backend.location) }
  }
  const damaged = readings.filter((reading) => reading.problem)
  if (readings.length === 0 || damaged.length === readings.length) {
    throw new VaultError('vault-damaged', `${backend.location}: no readable key slot is left`, {
      hint: damaged[0]
        ? `damaged: ${damaged.map((reading) => reading.name).join(', ')}; or the object "config" was changed and names another vault`
        : 'all objects under keys/ are gone',
    })
  }
  throw new VaultError('password-wrong', `${backend.location}: wrong password`, {
    hint: damaged.length > 0
      ? `or its key slot is damaged: ${damaged.map((reading) => reading.name).join(', ')}; the recovery key opens the vault too`
      : 'the recovery key opens the vault too',
  })
}
