// Where the password of a vault comes from. In this order: --password-file, the secret file of the default vault,
// S3VAULT_PASSWORD, S3VAULT_PASSWORD_FILE, S3VAULT_PASSWORD_COMMAND, the file of settings, a question on the terminal.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { VaultError } from '../../src/errors/vault-error.ts'
import type { Settings } from '../../src/settings/settings.ts'
import { HiddenPrompt, openTerminal, type PromptTerminal } from './hidden-prompt.ts'
import { readSecretFile } from './secret-file.ts'

export interface PasswordSources {
  /** --password-file */
  readonly passwordFile?: string | undefined
  /** Of the default vault; used when it exists. */
  readonly secretFile?: string | undefined
  readonly env: NodeJS.ProcessEnv
  /** Of the file of settings. */
  readonly configured?: ConfiguredPassword | undefined
  readonly warn: (item: string, message: string) => void
  readonly signal?: AbortSignal
  /** Where to ask; the terminal of this process when absent. */
  readonly openTerminal?: () => (PromptTerminal & Disposable) | undefined
}

export interface ConfiguredPassword {
  readonly kind: 'password' | 'password-file' | 'password-command'
  readonly value: string
  /** File, line and key, for messages. */
  readonly title: string
}

export interface FoundPassword {
  readonly password: string
  readonly origin: 'file' | 'environment' | 'command' | 'settings' | 'terminal'
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
  if (command) return fromCommand(command, 'S3VAULT_PASSWORD_COMMAND', sources)
  if (sources.configured !== undefined) return fromSettings(sources.configured, sources)
  return { password: await askPassword(sources, purpose), origin: 'terminal' }
}

function fromFile(path: string, title: string, { warn }: PasswordSources): FoundPassword {
  const { text, warning } = readSecretFile(path, title)
  if (warning !== undefined) warn(path, warning)
  return { password: text, origin: 'file' }
}

/** The one that the file of settings names. Throws `usage` when it names several. */
export function configuredPassword(settings: Settings): ConfiguredPassword | undefined {
  const found = settings.findOneOf(['password', 'password-file', 'password-command'])
  if (found === undefined) return undefined
  const { key, setting } = found
  const kind = key as ConfiguredPassword['kind']
  return { kind, value: String(setting.value), title: `${kind} of ${setting.file}:${setting.line()}` }
}

function fromSettings({ kind, value, title }: ConfiguredPassword, sources: PasswordSources): FoundPassword | Promise<FoundPassword> {
  if (kind === 'password-file') return fromFile(value, title, sources)
  return kind === 'password-command' ? fromCommand(value, title, sources) : { password: value, origin: 'settings' }
}

async function fromCommand(command: string, title: string, { signal }: PasswordSources): Promise<FoundPassword> {
  return { password: await runPasswordCommand(command, title, signal), origin: 'command' }
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
      hint: 'use --password-file, S3VAULT_PASSWORD_FILE, S3VAULT_PASSWORD_COMMAND, S3VAULT_PASSWORD or the file of settings',
    })
  }
  return await ask(new HiddenPrompt(terminal)) // awaited here: the terminal is closed at the end of this scope
}

/** What a shell command prints, without its last line break. The command may use the terminal. */
async function runPasswordCommand(command: string, title: string, signal: AbortSignal | undefined): Promise<string> {
  const child = spawn('/bin/sh', ['-c', command], { stdio: ['inherit', 'pipe', 'inherit'], ...(signal ? { signal } : {}) })
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  const pieces: Buffer[] = []
  child.stdout.on('data', (piece: Buffer) => pieces.push(piece))
  child.on('error', (error) => reject(signal?.aborted ? signal.reason : error))
  child.on('close', (code, killedBy) => {
    if (code === 0) resolve(Buffer.concat(pieces).toString('utf8').replace(/\r?\n$/, ''))
    else reject(new VaultError('password-missing', `${title} failed with ${killedBy ?? `exit code ${code}`}`))
  })
  const password = await promise
  if (password === '') throw new VaultError('password-missing', `${title} printed no password`)
  return password
}
