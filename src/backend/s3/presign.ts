// Signature version 4 in the query of a URL. The server refuses such a request once it has expired, which it does not
// for one signed in the header (there the tolerance is 15 minutes).
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
// By hand, because the SDK's presigner is a package of its own for what are forty lines.
import { createHash, createHmac } from 'node:crypto'

export interface PresignKeys {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

export interface PresignRequest {
  readonly method: string
  /** Percent-encoded as it goes over the wire. */
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  /** All are signed; names in lower case, `host` among them. */
  readonly headers: Readonly<Record<string, string>>
  readonly region: string
  /** When the signature becomes valid, ms since the epoch; cut to a second. */
  readonly signedAtMs: number
  /** 1 to 604800. */
  readonly expiresSeconds: number
}

/** The query with its signature, values not yet encoded. The body is not signed: sign a checksum header of it. */
export function presignedQuery(request: PresignRequest, keys: PresignKeys): Record<string, string> {
  const amzDate = new Date(request.signedAtMs).toISOString().replace(/\.\d+/, '').replace(/[-:]/g, '')
  const date = amzDate.slice(0, 8)
  const scope = `${date}/${request.region}/s3/aws4_request`
  const names = Object.keys(request.headers).sort()
  const query: Record<string, string> = {
    ...request.query,
    'X-Amz-Algorithm': 'AWS4-HMAC-SHA256',
    'X-Amz-Credential': `${keys.accessKeyId}/${scope}`,
    'X-Amz-Date': amzDate,
    'X-Amz-Expires': String(request.expiresSeconds),
    'X-Amz-SignedHeaders': names.join(';'),
    ...(keys.sessionToken === undefined ? {} : { 'X-Amz-Security-Token': keys.sessionToken }),
  }
  const canonicalHeaders = names.map((name) => `${name}:${(request.headers[name] ?? '').trim().replace(/ +/g, ' ')}\n`).join('')
  const { method, path } = request
  const canonical = [method, path, canonicalQuery(query), canonicalHeaders, names.join(';'), 'UNSIGNED-PAYLOAD'].join('\n')
  const digest = createHash('sha256').update(canonical).digest('hex')
  const stringToSign = ['AWS4-HMAC-SHA256', amzDate, scope, digest].join('\n')
  const signingKey = [date, request.region, 's3', 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${keys.secretAccessKey}`)
  return { ...query, 'X-Amz-Signature': hmac(signingKey, stringToSign).toString('hex') }
}

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()

/** RFC 3986: all but the unreserved characters as %XX. */
const encode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)

const canonicalQuery = (query: Readonly<Record<string, string>>): string =>
  Object.entries(query).map(([name, value]) => `${encode(name)}=${encode(value)}`).sort().join('&')
