// The key slot that opened a vault the last time on this machine, by its name: opening the vault then costs one request
// instead of a listing and a request a slot. Nothing secret: the name is the hash of an object that all who see the vault
// can read, and a slot itself is never cached, so that a revoked one stops to open anything.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { errnoOf } from '../errors/vault-error.ts'
import { objectName, type ObjectName, type VaultId } from '../ids/ids.ts'

const SLOT_NAME = /^keys\/[0-9a-f]{64}$/

/** Best effort in both directions, as all local state. */
export class OpenedSlots {
  readonly #cacheDirectory: string

  constructor(cacheDirectory: string) {
    this.#cacheDirectory = cacheDirectory
  }

  recall(vault: VaultId): ObjectName | undefined {
    try {
      const name = readFileSync(this.#path(vault), 'utf8')
      return SLOT_NAME.test(name) ? objectName(name) : undefined
    } catch (error) {
      if (errnoOf(error) === undefined) throw error
      return undefined
    }
  }

  remember(vault: VaultId, slot: ObjectName): void {
    try {
      mkdirSync(join(this.#cacheDirectory, vault), { recursive: true, mode: 0o700 })
      writeFileSync(this.#path(vault), slot, { mode: 0o600 })
    } catch (error) {
      if (errnoOf(error) === undefined) throw error
    }
  }

  #path(vault: VaultId): string {
    return join(this.#cacheDirectory, vault, 'opened-slot')
  }
}
