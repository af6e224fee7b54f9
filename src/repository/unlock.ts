// From a password to the keys of a vault.
import { createHash } from 'node:crypto'
import type { Backend } from '../backend/backend.ts'
import { Keyring } from '../crypto/keyring.ts'
import type { Kdf } from '../crypto/kdf.ts'
import { openSlot, parseSlot, SLOT_BYTES_MAX, type KeySlot, type UnlockedMaster } from '../crypto/key-slot.ts'
import { isVaultError, VaultError } from '../errors/vault-error.ts'
import { objectName, type ObjectName, type VaultId } from '../ids/ids.ts'
import { PROBE_PREFIX } from '../probe/probe-names.ts'
import { CONFIG_BYTES_MAX, CONFIG_NAME, parseConfig, verifyConfig, type VaultConfig } from './vault-config.ts'

export const KEY_PREFIX = 'keys/'
const CONFIG_REREADS_MAX = 2

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
    for await (const { name } of backend.list('', options)) {
      if (name.startsWith(PROBE_PREFIX)) continue
      throw new VaultError('vault-missing', `${backend.location}: there is no vault (other things are there)`, {
        hint: 'check the place that was given', cause: error,
      })
    }
    throw new VaultError('vault-missing', `${backend.location}: there is no vault`, {
      hint: `check the place, or make a vault there: s3vault init -r ${backend.location}`,
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

/** Which slot opened the vault the last time on this machine: it is read first, and most often alone. */
export interface SlotMemory {
  recall(vault: VaultId): ObjectName | undefined
  remember(vault: VaultId, slot: ObjectName): void
}

/** The remembered slot and its master key, when the password still opens it; a revoked one is gone. */
async function recalledSlot(
  backend: Backend, vault: VaultId, memory: SlotMemory | undefined, opens: (slot: KeySlot) => ReturnType<typeof openSlot>,
): ReturnType<typeof openSlot> {
  const name = memory?.recall(vault)
  if (name === undefined) return undefined
  try {
    return await opens(parseSlot(await backend.get(name), vault, name))
  } catch (error) {
    if (!isVaultError(error, 'vault-damaged', 'vault-newer', 'object-missing')) throw error
    return undefined // the listing of all slots tells what is wrong
  }
}

/** Opens the vault with `password`. Throws `vault-missing`, `vault-incomplete`, `vault-damaged`, `vault-newer`, `password-wrong`. */
export async function unlock(
  backend: Backend, password: string, kdf: Kdf, { signal, memory }: { signal?: AbortSignal; memory?: SlotMemory } = {},
): Promise<UnlockedVault> {
  let config = await readConfig(backend, signal)
  for (let rereadsLeft = CONFIG_REREADS_MAX; ; rereadsLeft--) {
    try {
      return await unlockWith(config, backend, password, kdf, memory)
    } catch (error) {
      if (!backend.isRemote || rereadsLeft === 0 || !isVaultError(error, 'vault-damaged', 'vault-newer', 'password-wrong')) throw error
      // Nothing vouches for the config before the keys are known: it is believed when it came twice alike.
      const again = await readConfig(backend, signal)
      if (Buffer.compare(again, config) === 0) throw error
      config = again
    }
  }
}

async function unlockWith(
  config: Uint8Array, backend: Backend, password: string, kdf: Kdf, memory: SlotMemory | undefined,
): Promise<UnlockedVault> {
  const unverified = parseConfig(config, backend.location)
  const opened = (await recalledSlot(backend, unverified.vault, memory, (slot) => openSlot(slot, password, kdf))) ??
    (await anySlot(backend, unverified.vault, password, kdf, memory))
  if (opened.epoch !== 1) {
    throw new VaultError('vault-newer', `${backend.location}: its keys were rotated`, { hint: 'use a newer s3vault' })
  }
  const keys = new Keyring({ vault: unverified.vault, masters: [{ epoch: 1, master: opened.master }] })
  return { keys, config: verifyConfig(keys, unverified, backend.location) }
}

/** The master key from whichever slot `password` opens. */
async function anySlot(
  backend: Backend, vault: VaultId, password: string, kdf: Kdf, memory: SlotMemory | undefined,
): Promise<UnlockedMaster> {
  const readings = await readSlots(backend, vault)
  for (const { name, slot } of readings) {
    const unlocked = slot && (await openSlot(slot, password, kdf))
    if (!unlocked) continue
    memory?.remember(vault, name)
    return unlocked
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
