// Key slots: is there still a way in for everyone who has one?
import { parseSlot, type KeySlot } from '../crypto/key-slot.ts'
import { describeError, isVaultError } from '../errors/vault-error.ts'
import type { ObjectName } from '../ids/ids.ts'
import { slotName } from '../repository/unlock.ts'
import type { CheckRun } from './check-run.ts'

const OPENS: Record<string, string> = {
  passphrase: 'a passphrase', random: 'a generated secret', recovery: 'the recovery key', recipient: 'a recipient key',
}
/** Two random vault ids agree in 2 of 32 digits; one that was damaged in a place or two agrees in nearly all. */
const SAME_DIGITS_MAX = 16

/** The id of another vault, when the slot is whole but was made for that one. */
function otherVault(bytes: Uint8Array, vault: string): string | undefined {
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined // not JSON: no sound slot of any vault
  }
  const named = typeof value === 'object' && value !== null && 'vault' in value ? value.vault : undefined
  if (typeof named !== 'string' || !/^[0-9a-f]{32}$/.test(named)) return undefined
  const same = Array.from(named).filter((digit, place) => digit === vault[place]).length
  return same <= SAME_DIGITS_MAX ? named : undefined
}

/** The parsed slot, or why it is of no use. */
function readSlot(run: CheckRun, name: ObjectName, bytes: Uint8Array): KeySlot | undefined {
  const { log, keys } = run
  const foreign = otherVault(bytes, keys.vault)
  if (foreign !== undefined) {
    log.add({
      severity: 'note', kind: 'slot-foreign', object: name,
      message: `${name.slice(0, 21)} is a slot of another vault (${foreign.slice(0, 8)}): remains of an interrupted init`,
    })
    return undefined
  }
  let slot: KeySlot | undefined
  let problem = 'its bytes are not those that were written'
  try {
    slot = parseSlot(bytes, keys.vault, name)
    if (slotName(bytes) === name) return slot
  } catch (error) {
    if (!isVaultError(error)) throw error
    problem = describeError(error)
  }
  reportDamaged(run, name, problem, slot)
  return undefined
}

function reportDamaged({ log }: CheckRun, name: ObjectName, problem: string, slot?: KeySlot): void {
  const opens = slot
    ? `${OPENS[slot.kind] ?? 'a key of an unknown kind'}, set up ${JSON.stringify(slot.created)},`
    : 'a passphrase, secret or recovery key (which one cannot be read any more)'
  log.add({
    severity: 'error', kind: 'slot-damaged', object: name,
    message: `key slot ${name.slice(0, 21)} is damaged (${problem}): ${opens} may no longer open the vault`,
    hint: 'make a new slot while another password still opens the vault, then delete this one',
  })
}

/** Reports damaged slots, and the lack of a recovery slot. Returns how many sound slots there are. */
export async function checkKeySlots(run: CheckRun, names: readonly ObjectName[]): Promise<number> {
  const sound: KeySlot[] = []
  for (const name of names) {
    try {
      const slot = readSlot(run, name, await run.backend.get(name, undefined, run.smallObject))
      if (slot) sound.push(slot)
    } catch (error) {
      if (!isVaultError(error, 'object-missing', 'vault-damaged')) throw error
      if (error.code === 'vault-damaged') reportDamaged(run, name, describeError(error))
      // else revoked since the listing
    }
    run.advance(1, 0)
  }
  if (!sound.some(({ kind }) => kind === 'recovery')) {
    run.log.add({
      severity: 'note', kind: 'recovery-slot-missing', object: 'keys/',
      message: 'the vault has no sound recovery slot: if the password is lost, so is everything',
      hint: 'make a recovery key and keep it in a safe place',
    })
  }
  return sound.length
}
