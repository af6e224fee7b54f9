// The errors that every backend gives alike.
import type { Clock } from '../async/clock.ts'
import { VaultError } from '../errors/vault-error.ts'

export const objectMissing = (where: string, cause?: unknown): VaultError =>
  new VaultError('object-missing', `${where} does not exist`, cause === undefined ? {} : { cause })

export const objectExists = (where: string): VaultError =>
  new VaultError('object-exists', `${where} exists already with other content`, {
    hint: 'run s3vault check: two writers used one name, or the object was changed from outside',
  })

export const interrupted = (signal: AbortSignal): VaultError =>
  new VaultError('interrupted', 'interrupted', { cause: signal.reason })

/** Throws `interrupted` once the signal has fired. */
export function throwIfInterrupted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw interrupted(signal)
}

/** Sleeps; throws `interrupted` when the signal fires meanwhile. */
export async function sleepUnlessInterrupted(clock: Clock, delayMs: number, signal: AbortSignal | undefined): Promise<void> {
  try {
    await clock.sleep(delayMs, signal)
  } catch (error) {
    throwIfInterrupted(signal)
    throw error
  }
}
