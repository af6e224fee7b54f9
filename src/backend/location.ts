// What the person types after -r: a directory's path, or s3://bucket/prefix.
import { VaultError } from '../errors/vault-error.ts'
import { nameOrForeign } from './foreign-name.ts'

export type BackendLocation =
  | { readonly kind: 'directory'; readonly path: string }
  | {
      readonly kind: 's3'
      readonly bucket: string
      /** Without slashes at its ends; '' for the bucket's root. */
      readonly prefix: string
    }

// https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html; older buckets also have capitals and '_'.
const BUCKET_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{1,61}[A-Za-z0-9]$/

/** Throws `usage`. Nothing of a malformed S3 location is repeated in the message: people put keys into such addresses. */
export function parseLocation(text: string): BackendLocation {
  if (text === '') {
    throw new VaultError('usage', 'the vault location is empty', { hint: 'give a directory or s3://bucket/prefix' })
  }
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//.exec(text)?.[1]?.toLowerCase()
  if (scheme === 's3') return parseS3(text.slice('s3://'.length))
  if (scheme !== undefined || /^s3:/i.test(text)) {
    throw new VaultError('usage', `vault locations of the kind ${scheme ?? 's3'}: are not known`, {
      hint: 'give a directory or s3://bucket/prefix; the address of the S3 server is an option of its own',
    })
  }
  if (text.includes('\0')) throw new VaultError('usage', 'the path of the vault holds a NUL character')
  return { kind: 'directory', path: text }
}

function parseS3(rest: string): BackendLocation {
  const [bucket = '', ...segments] = rest.split('/')
  const prefix = segments.join('/').replace(/^\/+|\/+$/g, '')
  if (!BUCKET_NAME.test(bucket)) {
    throw new VaultError('usage', 'the bucket name in the s3:// location is malformed', {
      hint: 'it looks like s3://bucket/prefix',
    })
  }
  if (prefix !== '' && (nameOrForeign(prefix) === undefined || prefix.length > 256)) {
    throw new VaultError('usage', 'the prefix in the s3:// location is malformed', {
      hint: 'use letters, digits, . _ - and / in at most 256 characters',
    })
  }
  return { kind: 's3', bucket, prefix }
}

export function formatLocation(location: BackendLocation): string {
  if (location.kind === 'directory') return location.path
  return `s3://${location.bucket}${location.prefix === '' ? '' : `/${location.prefix}`}`
}
