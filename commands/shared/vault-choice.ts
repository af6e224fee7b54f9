// Which vault a command works on, and where this machine keeps what belongs to it.
import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { parseLocation, type BackendLocation } from '../../src/backend/location.ts'
import { requireEndpoint, requireRegion } from '../../src/backend/s3/address.ts'
import { VaultError } from '../../src/errors/vault-error.ts'
import type { S3Credentials, VaultPlace } from '../../src/operations/vault-access.ts'
import { readAuthinfo2 } from '../../src/settings/authinfo2.ts'
import { parseCredentialsSource, readAccessKeys, type CredentialsSource } from '../../src/settings/credentials.ts'
import type { FoundSetting, Settings } from '../../src/settings/settings.ts'
import { accessWarning } from './secret-file.ts'
import { transferLimits, type TransferFlags } from './transfer-limits.ts'

export interface VaultFlags extends TransferFlags {
  readonly 'repo'?: string | undefined
  readonly 'password-file'?: string | undefined
  readonly 's3-endpoint'?: string | undefined
  readonly 's3-region'?: string | undefined
  readonly 'credentials'?: string | undefined
  readonly 'authinfo2'?: string | undefined
  readonly 's3-timeout'?: number | undefined
  readonly 'cache-dir'?: string | undefined
}

export interface VaultChoice {
  readonly place: VaultPlace
  /** s3vault in the XDG data directory. */
  readonly stateDirectory: string
  /** Of the default vault, which nobody named. */
  readonly secretFile?: string
  /** True when the keys of the bucket come from where the AWS tools have them. */
  readonly usesAwsFiles: boolean
}

/** An XDG base directory; the specification says that a relative one is to be ignored. */
export function xdgDirectory(env: NodeJS.ProcessEnv, variable: string, fallback: string): string {
  const configured = env[variable]
  return configured !== undefined && isAbsolute(configured) ? configured : join(env['HOME'] || homedir(), fallback)
}

/** Throws `usage` on a place, server or source of credentials that makes no sense. */
export function chooseVault(flags: VaultFlags, env: NodeJS.ProcessEnv, settings?: Settings): VaultChoice {
  const stateDirectory = join(xdgDirectory(env, 'XDG_DATA_HOME', '.local/share'), 's3vault')
  const cacheDirectory = flags['cache-dir'] ?? join(xdgDirectory(env, 'XDG_CACHE_HOME', '.cache'), 's3vault')
  const common = { cacheDirectory, ...transferLimits(flags) }
  if (flags.repo !== undefined) {
    const place = { ...common, repo: flags.repo }
    const location = parseLocation(flags.repo)
    const source = location.kind === 's3' ? credentialsSource(flags, settings) : undefined
    const access = location.kind === 's3' ? bucketAccess(location, flags, source) : {}
    return { place: { ...place, ...access }, stateDirectory, usesAwsFiles: location.kind === 's3' && access.s3Credentials === undefined }
  }
  return {
    place: { ...common, repo: join(stateDirectory, 'default') },
    stateDirectory,
    secretFile: join(stateDirectory, 'default.secret'),
    usesAwsFiles: false,
  }
}

/** Throws `usage` when no server could have such a class. */
export function withStorageClass(
  choice: VaultChoice, storageClass: string | undefined, output: { warning(item: string, message: string): void },
): VaultChoice {
  if (storageClass === undefined) return choice
  if (!/^[A-Za-z0-9_-]{1,64}$/.test(storageClass)) {
    throw new VaultError('usage', '--storage-class is not the name of a storage class', { hint: 'for example STANDARD_IA' })
  }
  if (isBucket(choice.place.repo)) return { ...choice, place: { ...choice.place, storageClass } }
  output.warning(choice.place.repo, 'a directory has no storage classes: --storage-class has no effect')
  return choice
}

const isBucket = (repo: string): boolean => repo.toLowerCase().startsWith('s3:')

type BucketAccess = Pick<VaultPlace, 's3Endpoint' | 's3Region' | 's3Credentials' | 's3StallTimeoutMs'>
type Credentials = CredentialsSource | { readonly kind: 'keys'; readonly keys: S3Credentials }

/** By the flags, else by the file of settings. Undefined: the SDK's own chain. */
function credentialsSource(flags: VaultFlags, settings: Settings | undefined): Credentials | undefined {
  if (flags.authinfo2 !== undefined) return { kind: 'authinfo2', path: flags.authinfo2 }
  if (flags.credentials !== undefined) return parseCredentialsSource(flags.credentials, '--credentials')
  const found = settings?.findOneOf(['credentials', 'authinfo2', 'access-key-id'])
  if (settings === undefined || found === undefined) return undefined
  const { key, setting } = found
  const text = String(setting.value)
  if (key === 'authinfo2') return { kind: 'authinfo2', path: text }
  if (key === 'credentials') return parseCredentialsSource(text, `${setting.file}:${setting.line()}: credentials`)
  return { kind: 'keys', keys: keysOf(settings, setting) }
}

function keysOf(settings: Settings, accessKeyId: FoundSetting): S3Credentials {
  const text = (key: string): string | undefined => settings.find(key)?.value.toString()
  const [secretAccessKey, sessionToken] = [text('secret-access-key'), text('session-token')]
  if (secretAccessKey === undefined) {
    throw new VaultError('usage', `${accessKeyId.file}:${accessKeyId.line()}: access-key-id: secret-access-key is missing`)
  }
  return { accessKeyId: String(accessKeyId.value), secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) }
}

function bucketAccess(
  location: BackendLocation & { readonly kind: 's3' }, flags: VaultFlags, source: Credentials | undefined,
): BucketAccess {
  const { 's3-endpoint': endpoint, 's3-region': region, 's3-timeout': timeoutSeconds } = flags
  if (endpoint !== undefined) requireEndpoint(endpoint)
  if (region !== undefined) requireRegion(region)
  const access = {
    ...(endpoint === undefined ? {} : { s3Endpoint: endpoint }),
    ...(region === undefined ? {} : { s3Region: region }),
    ...(timeoutSeconds === undefined ? {} : { s3StallTimeoutMs: timeoutSeconds * 1000 }),
  }
  switch (source?.kind) {
    case 'keys': return { ...access, s3Credentials: source.keys }
    case 'profile': return { ...access, s3Credentials: { profile: source.name } }
    case 'file': return { ...access, s3Credentials: readAccessKeys(source.path) }
    case 'authinfo2': {
      const found = readAuthinfo2(source.path, { ...location, endpoint, region })
      return {
        ...access, s3Credentials: found.keys,
        ...(found.endpoint === undefined ? {} : { s3Endpoint: found.endpoint }),
        ...(found.region === undefined ? {} : { s3Region: found.region }),
      }
    }
    default: return access
  }
}

/** Throws `vault-missing` when there is no vault as far as one can tell at a glance: asking for its password would make no sense. */
export function requireVault({ place, secretFile }: VaultChoice): void {
  if (secretFile !== undefined) {
    if (existsSync(secretFile) || existsSync(place.repo)) return
    throw new VaultError('vault-missing', `there is no default vault yet (${place.repo})`, {
      hint: 's3vault backup --init PATH makes it; -r or S3VAULT_REPO names another vault',
    })
  }
  // Key slots without a config are a vault too, a half-made one: opening it says so.
  if (parseLocation(place.repo).kind === 's3' || ['config', 'keys'].some((name) => existsSync(join(place.repo, name)))) return
  const problem = existsSync(place.repo) ? `${place.repo}: there is no vault` : `no directory at ${place.repo}`
  throw new VaultError('vault-missing', problem, {
    hint: `check the place, or make a vault there: s3vault init -r ${place.repo}`,
  })
}

/** Warns when others can read the S3 credentials that are about to be used. */
export function warnOfOpenCredentials(
  { usesAwsFiles }: VaultChoice, env: NodeJS.ProcessEnv, warn: (item: string, message: string) => void,
): void {
  if (!usesAwsFiles) return
  const path = env['AWS_SHARED_CREDENTIALS_FILE'] || join(env['HOME'] || homedir(), '.aws', 'credentials')
  const warning = accessWarning(path)
  if (warning !== undefined) warn(path, warning)
}
