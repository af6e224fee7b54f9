// A key slot: one way to unlock a master key. JSON of a few hundred bytes at keys/<id>, write-once.
import { timingSafeEqual } from 'node:crypto'
import type { RandomSource } from '../async/random.ts'
import { VaultError } from '../errors/vault-error.ts'
import { toHex, type VaultId } from '../ids/ids.ts'
import { openLong, sealLong, XSEAL_OVERHEAD_BYTES } from './aead.ts'
import { ARGON2_DEFAULT, checkArgon2, type Argon2Parameters, type Kdf } from './kdf.ts'
import { parseSecret } from './secret-text.ts'
import { deriveKey, KEY_BYTES } from './subkeys.ts'

const SLOT_VERSION = 1
export const SLOT_BYTES_MAX = 65536
const SALT_BYTES = 16

/**
 * passphrase: argon2id of what a person typed. random, recovery: HKDF only, 256 random bits need no password hashing.
 * recipient is reserved for public keys; a reader that cannot use a kind passes over it.
 */
export type SlotKind = 'passphrase' | 'random' | 'recovery' | 'recipient'

export interface KeySlot {
  readonly version: number
  readonly vault: VaultId
  readonly kind: SlotKind
  /** Which master key it holds; rotation makes the next. */
  readonly epoch: number
  readonly created: string
  readonly argon2?: Argon2Parameters
  readonly salt: string
  /** HKDF of the slot's key under its own label: shows the key is right before anything is decrypted with it. */
  readonly commitment: string
  readonly wrapped: string
}

export interface UnlockedMaster {
  readonly master: Uint8Array
  readonly epoch: number
}

const aadOf = (vault: VaultId, kind: SlotKind, epoch: number, salt: string): Uint8Array =>
  new TextEncoder().encode(`s3vault/1 slot ${vault} ${kind} ${epoch} ${salt}`)

async function slotKey(
  kdf: Kdf, kind: SlotKind, password: string, salt: Uint8Array, argon2: Argon2Parameters,
): Promise<Uint8Array> {
  const generated = parseSecret(password)
  const secret = generated
    ? Uint8Array.from([...generated.secret, ...salt])
    : await kdf.argon2id(password, salt, argon2)
  return deriveKey(secret, `slot ${kind}`)
}

/** The kind of slot that `password` opens: a generated secret says so itself. */
export function slotKindOf(password: string): SlotKind {
  const generated = parseSecret(password)
  if (!generated) return 'passphrase'
  return generated.kind === 'secret' ? 'random' : 'recovery'
}

export interface NewSlot {
  readonly vault: VaultId
  readonly master: Uint8Array
  readonly epoch: number
  readonly password: string
  readonly created: Date
  readonly kdf: Kdf
  readonly random: RandomSource
}

/** Makes the bytes of a slot that opens with `password`. */
export async function makeSlot(options: NewSlot): Promise<Uint8Array> {
  const { vault, master, epoch, password, kdf, random } = options
  const kind = slotKindOf(password)
  const saltBytes = random.bytes(SALT_BYTES)
  const salt = toHex(saltBytes)
  const key = await slotKey(kdf, kind, password, saltBytes, ARGON2_DEFAULT)
  const slot: KeySlot = {
    version: SLOT_VERSION, vault, kind, epoch, created: options.created.toISOString(),
    ...(kind === 'passphrase' ? { argon2: ARGON2_DEFAULT } : {}),
    salt,
    commitment: toHex(deriveKey(key, 'slot commitment')),
    wrapped: toHex(sealLong(deriveKey(key, 'slot wrap'), random, aadOf(vault, kind, epoch, salt), master)),
  }
  return new TextEncoder().encode(`${JSON.stringify(slot)}\n`)
}

const isHex = (value: unknown, bytes: number): value is string =>
  typeof value === 'string' && value.length === bytes * 2 && /^[0-9a-f]*$/.test(value)

function isSlot(value: unknown, vault: VaultId): value is KeySlot {
  if (typeof value !== 'object' || value === null) return false
  const slot = value as Partial<Record<keyof KeySlot, unknown>>
  return (
    slot.vault === vault && typeof slot.kind === 'string' && typeof slot.created === 'string' &&
    Number.isInteger(slot.epoch) && (slot.epoch as number) >= 1 && (slot.epoch as number) <= 0xffffffff &&
    isHex(slot.salt, SALT_BYTES) && isHex(slot.commitment, KEY_BYTES) &&
    isHex(slot.wrapped, KEY_BYTES + XSEAL_OVERHEAD_BYTES)
  )
}

/** Reads a slot from storage. Throws `vault-damaged` or `vault-newer`. */
export function parseSlot(bytes: Uint8Array, vault: VaultId, name: string): KeySlot {
  let value: unknown
  try {
    value = bytes.length <= SLOT_BYTES_MAX ? JSON.parse(new TextDecoder().decode(bytes)) : undefined
  } catch {
    value = undefined // not JSON: reported below with the name
  }
  const version = typeof value === 'object' && value !== null && 'version' in value ? value.version : undefined
  if (typeof version === 'number' && version > SLOT_VERSION) {
    throw new VaultError('vault-newer', `${name}: key slot version ${version}`, { hint: 'use a newer s3vault' })
  }
  if (!isSlot(value, vault)) throw new VaultError('vault-damaged', `${name}: not a key slot of this vault`)
  if (value.kind === 'passphrase') checkArgon2(value.argon2 ?? { memoryKiB: 0, passes: 0, lanes: 0 })
  return value
}

/** The master key, when `password` opens this slot; undefined when it does not. */
export async function openSlot(slot: KeySlot, password: string, kdf: Kdf): Promise<UnlockedMaster | undefined> {
  if (slot.kind !== slotKindOf(password)) return undefined
  const salt = Buffer.from(slot.salt, 'hex')
  const key = await slotKey(kdf, slot.kind, password, salt, slot.argon2 ?? ARGON2_DEFAULT)
  if (!timingSafeEqual(deriveKey(key, 'slot commitment'), Buffer.from(slot.commitment, 'hex'))) return undefined
  const aad = aadOf(slot.vault, slot.kind, slot.epoch, slot.salt)
  const master = openLong(deriveKey(key, 'slot wrap'), aad, Buffer.from(slot.wrapped, 'hex'))
  if (!master) throw new VaultError('vault-damaged', 'key slot: the password fits but the wrapped key is damaged')
  return { master: new Uint8Array(master), epoch: slot.epoch }
}
