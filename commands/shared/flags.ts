// Flags that every command has.
import { boolean, integer, string } from '@oclif/core/flags'

const VAULT = 'vault'
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
    description: 'S3 server other than AWS, as http(s)://host[:port]; credentials come from the AWS environment or profile',
  }),
  's3-timeout': integer({
    env: 'S3VAULT_S3_TIMEOUT', helpValue: 'SECONDS', helpGroup: VAULT, min: 1, max: 3600,
    description: 'give up a request on which nothing moves for this long, and make it again (without it: 60)',
  }),
  's3-region': string({ env: 'S3VAULT_S3_REGION', helpValue: 'NAME', helpGroup: VAULT, description: 'region of the bucket' }),
  'cache-dir': string({
    env: 'S3VAULT_CACHE_DIR', helpValue: 'DIR', helpGroup: VAULT,
    description: 'folder for caches of all vaults (without it: s3vault in the XDG cache directory)',
  }),
}

export const outputFlags = {
  quiet: boolean({ char: 'q', helpGroup: OUTPUT, description: 'print warnings and errors only' }),
  json: boolean({ helpGroup: OUTPUT, description: 'print lines of JSON: progress, warnings, and a summary at the end' }),
}

/** A flag that is given once a value: `--tag a --tag b`; it never takes the arguments that follow. */
export const repeated = (options: { description: string; helpValue: string; char?: 'e' | 'i' }) =>
  string({ ...options, multiple: true, multipleNonGreedy: true })
