// The record that forget leaves of a snapshot: its bytes as they were, so that it can be brought back as long as its packs
// are there, and so that its absence is no alarm.
import type { RandomSource } from '../async/random.ts'
import { openEnvelope, sealEnvelope } from '../crypto/envelope.ts'
import type { Keyring } from '../crypto/keyring.ts'
import { VaultError } from '../errors/vault-error.ts'
import { objectName, type ObjectName, type SnapshotId } from '../ids/ids.ts'
import { nameTime, openSnapshot, parseSnapshotName, type StoredSnapshot } from './snapshot.ts'

export const FORGOTTEN_PREFIX = 'forgotten/'

export interface ForgottenSnapshot {
  /** Name of the record. */
  readonly record: ObjectName
  /** Server time of the forgetting: `20261127T063237Z`. */
  readonly forgottenAt: string
  readonly snapshot: StoredSnapshot
  /** The snapshot's object as it was. */
  readonly bytes: Uint8Array
}

export function parseForgottenName(name: string): { forgottenAt: string; id: string } | undefined {
  const match = /^forgotten\/(\d{8}T\d{6}Z)-([0-9a-f]{64})$/.exec(name)
  return match?.[1] === undefined || match[2] === undefined ? undefined : { forgottenAt: match[1], id: match[2] }
}

export function sealForgotten(
  keys: Keyring, random: RandomSource, snapshot: { readonly id: SnapshotId; readonly name: ObjectName }, bytes: Uint8Array,
  serverTimeMs: number,
): { name: ObjectName; bytes: Uint8Array } {
  const name = objectName(`${FORGOTTEN_PREFIX}${nameTime(serverTimeMs)}-${snapshot.id}`)
  const plain = new TextEncoder().encode(JSON.stringify({ name: snapshot.name, object: Buffer.from(bytes).toString('base64') }))
  return { name, bytes: sealEnvelope(keys, random, 'forgotten', name, plain) }
}

/** Throws `vault-damaged` or `vault-newer`. */
export function openForgotten(keys: Keyring, record: ObjectName, bytes: Uint8Array): ForgottenSnapshot {
  const parsed = parseForgottenName(record)
  const damaged = (cause?: unknown): VaultError => new VaultError('vault-damaged', `${record}: not a record of forget`, { cause })
  if (!parsed) throw damaged()
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder().decode(openEnvelope(keys, 'forgotten', record, bytes, record)))
  } catch (error) {
    if (error instanceof VaultError) throw error
    throw damaged(error)
  }
  if (typeof value !== 'object' || value === null || !('name' in value) || !('object' in value)) throw damaged()
  const { name, object } = value
  if (typeof name !== 'string' || typeof object !== 'string' || parseSnapshotName(name)?.id !== parsed.id) throw damaged()
  const original = new Uint8Array(Buffer.from(object, 'base64'))
  return { record, forgottenAt: parsed.forgottenAt, snapshot: openSnapshot(keys, objectName(name), original), bytes: original }
}
