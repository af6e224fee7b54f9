// Sessions, pins, gc marks and damage records: sealed JSON. What they say is for writers and prune; a check only sees that they can be read.
import { Semaphore } from '../async/semaphore.ts'
import { openEnvelope, type EnvelopeKind } from '../crypto/envelope.ts'
import { describeError, isVaultError, VaultError } from '../errors/vault-error.ts'
import { packId, type ObjectName, type PackId } from '../ids/ids.ts'
import { openDamage } from '../session/damage.ts'
import { parseGcName } from '../session/marks.ts'
import type { CheckRun } from './check-run.ts'

const KINDS: Record<string, EnvelopeKind> = { sessions: 'session', pins: 'pin', gc: 'gc', damage: 'damage' }

const MEANING: Partial<Record<EnvelopeKind, string>> = {
  session: 'prune cannot tell whether a writer is at work and may stop there',
  pin: 'what it protects is not known any more: do not prune until the mount or backup that wrote it has finished',
  damage: 'which packs are lost is not known any more: backup --force looks for all of them',
  gc: 'which packs prune has marked is not known any more: prune and backups stop there',
}

function decode(run: CheckRun, kind: EnvelopeKind, name: ObjectName, bytes: Uint8Array): object {
  const plain = openEnvelope(run.keys, kind, name, bytes, name)
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder().decode(plain))
  } catch (cause) {
    throw new VaultError('vault-damaged', `${name}: not JSON`, { cause })
  }
  if (typeof value !== 'object' || value === null) throw new VaultError('vault-damaged', `${name}: not an object`)
  return value
}

/** What protocol objects say of packs. */
export interface PackNotes {
  /** Prune has decided to delete them. */
  readonly dead: Set<PackId>
  /** Recorded as lost. */
  readonly lost: Set<PackId>
}

function deadPacks(name: ObjectName, value: object): PackId[] {
  if (parseGcName(name)?.stage !== 'dead') return []
  if (!('packs' in value) || !Array.isArray(value.packs)) throw new VaultError('vault-damaged', `${name}: no list of packs`)
  return value.packs.map((id) => packId(String(id)))
}

/** Reads them all; adds what they say of packs to `notes`. */
export async function checkProtocolObjects(run: CheckRun, names: readonly ObjectName[], notes: PackNotes): Promise<void> {
  const read = async (name: ObjectName): Promise<void> => {
    const kind = KINDS[name.slice(0, name.indexOf('/'))] ?? 'session'
    try {
      const bytes = await run.backend.get(name, undefined, run.smallObject)
      if (kind === 'damage') {
        for (const id of openDamage(run.keys, name, bytes).packs) notes.lost.add(id)
      } else {
        for (const id of deadPacks(name, decode(run, kind, name, bytes))) notes.dead.add(id)
      }
    } catch (error) {
      if (isVaultError(error, 'object-missing')) return // removed since the listing
      if (!isVaultError(error, 'vault-damaged', 'vault-newer')) throw error
      run.log.add({
        severity: 'error', kind: 'protocol-object-damaged', object: name,
        message: `${describeError(error)}; ${MEANING[kind] ?? 'what it says is lost'}`,
        hint: 'no backed-up data is lost by this; delete the object when no backup, mount or prune is running',
      })
    }
    run.advance(1, 0)
  }
  const slots = new Semaphore(Math.max(run.backend.connectionsMax, 4))
  await Promise.all(names.map((name) => slots.with(() => read(name))))
}
