// Which vault a command works on, and where this machine keeps what belongs to it.
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { VaultError } from '../../src/errors/vault-error.ts'
import type { VaultPlace } from '../../src/operations/vault-access.ts'
import { accessWarning } from './secret-file.ts'

export interface VaultFlags {
  readonly 'repo'?: string | undefined
  readonly 'password-file'?: string | undefined
  readonly 's3-endpoint'?: string | undefined
  readonly 's3-region'?: string | undefined
  readonly 's3-timeout'?: number | undefined
  readonly 'cache-dir'?: string | undefined
}

export interface VaultChoice {
  readonly place: VaultPlace
  /** s3vault in the XDG data directory. */
  readonly stateDirectory: string
  /** Of the default vault, which nobody named. */
  readonly secretFile?: string
}

/** An XDG base directory; the specification says that a relative one is to be ignored. */
function xdgDirectory(env: NodeJS.ProcessEnv, variable: string, fallback: string): string {
  const configured = env[variable]
  return configured !== undefined && isAbsolute(configured) ? configured : join(env['HOME'] || homedir(), fallback)
}

export function chooseVault(flags: VaultFlags, env: NodeJS.ProcessEnv): VaultChoice {
  const stateDirectory = join(xdgDirectory(env, 'XDG_DATA_HOME', '.local/share'), 's3vault')
  const cacheDirectory = flags['cache-dir'] ?? join(xdgDirectory(env, 'XDG_CACHE_HOME', '.cache'), 's3vault')
  const { 's3-endpoint': s3Endpoint, 's3-region': s3Region, 's3-timeout': s3TimeoutSeconds } = flags
  const place = {
    cacheDirectory,
    ...(s3Endpoint === undefined ? {} : { s3Endpoint }),
    ...(s3Region === undefined ? {} : { s3Region }),
    ...(s3TimeoutSeconds === undefined ? {} : { s3StallTimeoutMs: s3TimeoutSeconds * 1000 }),
  }
  if (flags.repo !== undefined) return { place: { ...place, repo: flags.repo }, stateDirectory }
  return {
    place: { ...place, repo: join(stateDirectory, 'default') },
    stateDirectory,
    secretFile: join(stateDirectory, 'default.secret'),
  }
}

/** Throws `vault-missing` when the default vault was never made: asking for its password would make no sense. */
export function requireDefaultVault({ place, secretFile }: VaultChoice): void {
  if (secretFile === undefined || existsSync(secretFile) || existsSync(place.repo)) return
  throw new VaultError('vault-missing', `there is no default vault yet (${place.repo})`, {
    hint: 's3vault backup --init PATH makes it; -r or S3VAULT_REPO names another vault',
  })
}

/** Warns when others can read the S3 credentials that are about to be used. */
export function warnOfOpenCredentials(
  { place }: VaultChoice, env: NodeJS.ProcessEnv, warn: (item: string, message: string) => void,
): void {
  if (!place.repo.toLowerCase().startsWith('s3:')) return
  const path = env['AWS_SHARED_CREDENTIALS_FILE'] || join(env['HOME'] || homedir(), '.aws', 'credentials')
  const warning = accessWarning(path)
  if (warning !== undefined) warn(path, warning)
}
