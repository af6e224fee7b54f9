// Flags that every command has.
import { boolean, integer, string } from '@oclif/core/flags'

const VAULT = 'vault'
const SETTINGS = 'settings'
const OUTPUT = 'output'

export const vaultFlags = {
  'repo': string({
    char: 'r', env: 'S3VAULT_REPO', helpValue: 'PLACE', helpGroup: VAULT,
    description: 'where the vault is: a directory, or s3://bucket/prefix (without it: a vault in the XDG data directory)',
  }),
  'password-file': string({
    helpValue: 'FILE', helpGroup: VAULT,
    description: 'file that holds the password, a generated secret or a recovery key; comes before S3VAULT_PASSWORD, ' +
      'S3VAULT_PASSWORD_FILE and S3VAULT_PASSWORD_COMMAND; without any of them it is asked for',
  }),
  's3-endpoint': string({
    env: 'S3VAULT_S3_ENDPOINT', helpValue: 'URL', helpGroup: VAULT,
    description: 'S3 server other than AWS, as http(s)://host[:port]',
  }),
  's3-timeout': integer({
    env: 'S3VAULT_S3_TIMEOUT', helpValue: 'SECONDS', helpGroup: VAULT, min: 1, max: 3600,
    description: 'give up a request on which nothing moves for this long, and make it again (without it: 60)',
  }),
  's3-region': string({ env: 'S3VAULT_S3_REGION', helpValue: 'NAME', helpGroup: VAULT, description: 'region of the bucket' }),
  'credentials': string({
    env: 'S3VAULT_CREDENTIALS', helpValue: 'SOURCE', helpGroup: VAULT,
    description: 'where the keys of the bucket are: profile:NAME of the AWS tools, file:PATH in their format, authinfo2:PATH ' +
      'of S3QL, or environment, which is also what counts without it: the AWS variables, profile or role of the machine',
  }),
  'authinfo2': string({
    helpValue: 'FILE', helpGroup: VAULT, exclusive: ['credentials'],
    description: 'the keys of the bucket are in this file of S3QL, and so may be its server or region',
  }),
  'cache-dir': string({
    env: 'S3VAULT_CACHE_DIR', helpValue: 'DIR', helpGroup: VAULT,
    description: 'folder for caches of all vaults (without it: s3vault in the XDG cache directory)',
  }),
  'limit-upload': string({
    env: 'S3VAULT_LIMIT_UPLOAD', helpValue: 'RATE', helpGroup: VAULT,
    description: 'send at most so many bytes a second, as 800K or 5M (powers of 1024)',
  }),
  'limit-download': string({
    env: 'S3VAULT_LIMIT_DOWNLOAD', helpValue: 'RATE', helpGroup: VAULT, description: 'fetch at most so many bytes a second',
  }),
  'connections': integer({
    env: 'S3VAULT_CONNECTIONS', helpValue: 'N', helpGroup: VAULT, min: 1, max: 256,
    description: 'transfers to or from a bucket at once, at most (without it: 16); as many of them run as make it faster',
  }),
}

export const settingsFlags = {
  config: string({
    env: 'S3VAULT_CONFIG', helpValue: 'FILE', helpGroup: SETTINGS,
    description: 'file of settings (without it: s3vault/config.toml in the XDG configuration directory)',
  }),
  profile: string({
    env: 'S3VAULT_PROFILE', helpValue: 'NAME', helpGroup: SETTINGS,
    description: 'which [profile.NAME] of that file counts (without it: the one named default, when there is one)',
  }),
}

export const outputFlags = {
  quiet: boolean({ char: 'q', helpGroup: OUTPUT, description: 'print warnings and errors only' }),
  json: boolean({ helpGroup: OUTPUT, description: 'print lines of JSON: progress, warnings, and a summary at the end' }),
}

/** For commands that reckon costs. */
export const pricesFlag = string({
  env: 'S3VAULT_PRICES', helpValue: 'FILE',
  description: 'price table to reckon costs with (without it: the built-in one, of the providers whose prices are published)',
})

/** A flag that is given once a value: `--tag a --tag b`; it never takes the arguments that follow. */
export const repeated = (options: { description: string; helpValue: string; char?: 'e' | 'i' }) =>
  string({ ...options, multiple: true, multipleNonGreedy: true })
