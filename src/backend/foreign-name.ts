import { isVaultError } from '../errors/vault-error.ts'
import type { ObjectName } from '../ids/ids.ts'
import { objectName } from '../ids/ids.ts'

/** The name of an object found in the storage, or undefined for what was put there by someone else. */
export function nameOrForeign(text: string): ObjectName | undefined {
  try {
    return objectName(text)
  } catch (error) {
    if (isVaultError(error, 'usage')) return undefined
    throw error
  }
}
