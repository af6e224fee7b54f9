// What a person gives as the address of an S3 server, checked before anything is sent or a password is asked for.
import { VaultError } from '../../errors/vault-error.ts'

/** Throws `usage`. The text is not repeated: it may hold a password. */
export function requireEndpoint(endpoint: string): void {
  const url = URL.canParse(endpoint) ? new URL(endpoint) : undefined
  const isPlain = url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.password === ''
  if (!isPlain) {
    throw new VaultError('usage', 'the S3 endpoint is not a plain http:// or https:// address', {
      hint: 'for example https://s3.example.com',
    })
  }
  if (url.pathname !== '/' || /[?#]/.test(endpoint)) {
    throw new VaultError('usage', 'the S3 endpoint has more than a scheme, a host and a port', {
      hint: 'bucket and prefix belong into the place of the vault, as s3://bucket/prefix',
    })
  }
}

/** A region becomes a part of a host name. Throws `usage`. */
export function requireRegion(region: string): void {
  if (/^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(region)) return
  throw new VaultError('usage', 'the region of the bucket is malformed', { hint: 'it looks like eu-central-1' })
}
