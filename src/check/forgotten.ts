// Records of forget. Only a sealed one counts: an empty object of that name would hide that a snapshot was deleted.
import { Semaphore } from '../async/semaphore.ts'
import { untilSound } from '../backend/rereading.ts'
import { describeError, isVaultError } from '../errors/vault-error.ts'
import type { ObjectName } from '../ids/ids.ts'
import { openForgotten } from '../snapshot/forgotten-record.ts'
import type { CheckRun } from './check-run.ts'

/** Reads them all; returns the sound ones. */
export async function checkForgotten(run: CheckRun, names: readonly ObjectName[]): Promise<ObjectName[]> {
  const sound: ObjectName[] = []
  const read = async (name: ObjectName): Promise<void> => {
    try {
      await untilSound(run.backend, async () => openForgotten(run.keys, name, await run.backend.get(name, undefined, run.smallObject)))
      sound.push(name)
    } catch (error) {
      if (isVaultError(error, 'object-missing')) return // removed since the listing
      if (!isVaultError(error, 'vault-damaged', 'vault-newer')) throw error
      run.log.add({
        severity: 'error', kind: 'protocol-object-damaged', object: name,
        message: `${describeError(error)}; whether its snapshot was forgotten or deleted by somebody else is not known`,
        hint: 'a sound copy of it, if there is one, brings that snapshot back by undelete',
      })
    }
    run.advance(1, 0)
  }
  const slots = new Semaphore(Math.max(run.backend.connectionsMax, 4))
  await Promise.all(names.map((name) => slots.with(() => read(name))))
  return sound
}
