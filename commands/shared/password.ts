// Where the password of a vault comes from. In this order: --password-file, the secret file of the default vault,
// S3VAULT_PASSWORD, S3VAULT_PASSWORD_FILE, S3VAULT_PASSWORD_COMMAND, a question on the terminal.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { VaultError } from '../../src/errors/vault-error.ts'
import { HiddenPrompt, openTerminal, type PromptTerminal } from './hidden-prompt.ts'
import { readSecretFile } from './secret-file.ts'

export interface PasswordSources {
  /** --password-file */
  readonly passwordFile?: string | undefined
  /** Of the default vault; used when it exists. */
  readonly secretFile?: string | undefined
  readonly env: NodeJS.ProcessEnv
  readonly warn: (item: string, message: string) => void
  readonly signal?: AbortSignal
  /** Where to ask; the terminal of this process when absent. */
  readonly openTerminal?: () => (PromptTerminal & Disposable) | undefined
}

export interface FoundPassword {
  readonly password: string
  readonly origin: 'file' | 'environment' | 'command' | 'terminal'
}

/** `create`: a question is asked twice, as a typing error would lock the vault. Throws `password-missing`. */
export async function findPassword(sources: PasswordSources, purpose: 'open' | 'create'): Promise<FoundPassword> {
  const { passwordFile, secretFile, env } = sources
  if (passwordFile !== undefined) return fromFile(passwordFile, '--password-file', sources)
  if (secretFile !== undefined && existsSync(secretFile)) return fromFile(secretFile, 'secret file', sources)
  const fromEnv = env['S3VAULT_PASSWORD']
  if (fromEnv) {
    // Programs that are started from here need not know it.
    delete env['S3VAULT_PASSWORD']
    return { password: fromEnv, origin: 'environment' }
  }
  const envFile = env['S3VAULT_PASSWORD_FILE']
  if (envFile) return fromFile(envFile, 'S3VAULT_PASSWORD_FILE', sources)
  const command = env['S3VAULT_PASSWORD_COMMAND']
  if (command) return { password: await runPasswordCommand(command, sources.signal), origin: 'command' }
  return { password: await askPassword(sources, purpose), origin: 'terminal' }
}

function fromFile(path: string, title: string, { warn }: PasswordSources): FoundPassword {
  const { text, warning } = readSecretFile(path, title)
  if (warning !== undefined) warn(path, warning)
  return { password: text, origin: 'file' }
}

/** Asks for a password that was typed once already, before a vault is made with it. */
export async function confirmPassword(sources: PasswordSources, password: string): Promise<void> {
  const repeated = await withPrompt(sources, (prompt) => prompt.ask('repeat the password for the new vault: ', sources.signal))
  requireEqual(password, repeated)
}

async function askPassword(sources: PasswordSources, purpose: 'open' | 'create'): Promise<string> {
  return withPrompt(sources, async (prompt) => {
    const isNew = purpose === 'create'
    const password = await prompt.ask(isNew ? 'password for the new vault: ' : 'password of the vault: ', sources.signal)
    if (password === '') throw new VaultError('password-missing', 'an empty password is not accepted')
    if (isNew) requireEqual(password, await prompt.ask('repeat it: ', sources.signal))
    return password
  })
}

function requireEqual(password: string, repeated: string): void {
  if (password !== repeated) throw new VaultError('password-missing', 'the two passwords are not the same; nothing was made')
}

async function withPrompt(sources: PasswordSources, ask: (prompt: HiddenPrompt) => Promise<string>): Promise<string> {
  using terminal = (sources.openTerminal ?? openTerminal)()
  if (terminal === undefined) {
    throw new VaultError('password-missing', 'no password given, and no terminal to ask on', {
      hint: 'use --password-file, S3VAULT_PASSWORD_FILE, S3VAULT_PASSWORD_COMMAND or S3VAULT_PASSWORD',
    })
  }
  return await ask(new HiddenPrompt(terminal)) // awaited here: the terminal is closed at the end of this scope
}

/** What a shell command prints, without its last line break. The command may use the terminal. */
async function runPasswordCommand(command: string, signal: AbortSignal | undefined): Promise<string> {
  const child = spawn('/bin/sh', ['-c', command], { stdio: ['inherit', 'pipe', 'inherit'], ...(signal ? { signal } : {}) })
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const pieces: Buffer[] = []
  child.stdout.on('data', (piece: Buffer) => pieces.push(piece))
  child.on('error', (error) => reject(signal?.aborted ? signal.reason : error))
  child.on('close', (code, killedBy) => {
    if (code === 0) resolve(Buffer.concat(pieces).toString('utf8').replace(/\r?\n$/, ''))
    else reject(new VaultError('password-missing', `S3VAULT_PASSWORD_COMMAND failed with ${killedBy ?? `exit code ${code}`}`))
  })
  const password = await promise
  if (password === '') throw new VaultError('password-missing', 'S3VAULT_PASSWORD_COMMAND printed no password')
  return password
}
