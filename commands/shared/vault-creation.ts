// Making a vault from the command line: the secret is on disk before the vault exists, and the recovery key reaches the
// person exactly once, on the terminal or in a file for its owner only. It never goes into a pipe, a log or JSON.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { assert } from '../../src/errors/assert.ts'
import { VaultError } from '../../src/errors/vault-error.ts'
import type { InitResult } from '../../src/operations/init.ts'
import type { Output } from './output.ts'
import { NewSecretFile, readSecretFile } from './secret-file.ts'
import type { VaultChoice } from './vault-choice.ts'

export interface VaultCreation {
  readonly choice: VaultChoice
  readonly password: string
  /** --recovery-key-file */
  readonly recoveryKeyFile?: string | undefined
  readonly dataPackTargetBytes?: number | undefined
  readonly output: Output
  readonly signal: AbortSignal
}

export interface CreatedVault {
  readonly vault: string
  readonly location: string
  /** Absent when the key was shown on the terminal. */
  readonly recoveryKeyFile?: string
  readonly requests: InitResult['requests']
}

export async function createVault(creation: VaultCreation): Promise<CreatedVault> {
  const { choice, password, dataPackTargetBytes, signal } = creation
  using keyFile = reserveKeyFile(creation)
  const { init } = await import('../../src/operations/init.ts')
  const result = await init({
    ...choice.place, password, signal, ...(dataPackTargetBytes === undefined ? {} : { dataPackTargetBytes }),
  })
  const { vault, location, requests } = result
  if (keyFile === undefined) {
    showRecoveryKey(result.recoveryKey, creation.output)
    return { vault, location, requests }
  }
  keyFile.write(result.recoveryKey)
  if (creation.recoveryKeyFile === undefined) nameKeyFile(keyFile, choice, result)
  creation.output.important(`recovery key: written to ${keyFile.path}; keep a copy away from this machine`)
  return { vault, location, recoveryKeyFile: keyFile.path, requests }
}

/** Reserved before the vault is made: a key that can be written nowhere must not come into being. */
function reserveKeyFile({ recoveryKeyFile, output, choice }: VaultCreation): NewSecretFile | undefined {
  if (recoveryKeyFile !== undefined) return new NewSecretFile(recoveryKeyFile, 'recovery key file')
  if (output.format === 'text' && process.stdout.isTTY) return undefined
  return new NewSecretFile(temporaryPath(choice, 'recovery-key'), 'recovery key file')
}

const temporaryPath = ({ stateDirectory }: VaultChoice, kind: string): string =>
  join(stateDirectory, `.new-${kind}-${process.pid}-${Date.now()}`)

/** `default.recovery-key` for the default vault while that is free, else by the vault's id, which is unique. */
function nameKeyFile(file: NewSecretFile, { stateDirectory, secretFile }: VaultChoice, { vault }: InitResult): void {
  const isNamed = secretFile !== undefined && file.moveTo(join(stateDirectory, 'default.recovery-key'))
  if (!isNamed) file.moveTo(join(stateDirectory, `${vault}.recovery-key`))
}

function showRecoveryKey(recoveryKey: string, output: Output): void {
  const lines = [
    'recovery key, shown only now:', '', `    ${recoveryKey}`, '',
    'It opens the vault when the password or secret is lost. Write it down and keep it away from this machine.', '',
  ]
  for (const line of lines) output.print(line)
  output.flush() // before the first upload: it may take hours, and may be killed
}

/** The generated secret of the default vault, made when there is neither secret nor vault. */
export async function defaultVaultSecret(choice: VaultChoice): Promise<string> {
  const { secretFile, place } = choice
  assert(secretFile !== undefined, 'only the default vault has a secret of its own')
  if (!existsSync(secretFile)) {
    // A new secret would not open the vault that is there, and would be taken for the one that does.
    if (existsSync(join(place.repo, 'config'))) {
      throw new VaultError('password-missing', `the default vault exists, but its secret ${secretFile} is gone`, {
        hint: 'give the file of the recovery key to --password-file',
      })
    }
    const { generateSecret } = await import('../../src/operations/init.ts')
    using file = new NewSecretFile(temporaryPath(choice, 'secret'), 'secret file')
    file.write(generateSecret())
    // Another run may have been first: then its secret counts.
    if (!file.moveTo(secretFile)) file.remove()
  }
  return readSecretFile(secretFile, 'secret file').text
}
