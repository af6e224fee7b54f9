// The canonical form of a request that both sides sign.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-header-based-auth.html
import { createHash, createHmac } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

export interface SignedParts {
  readonly method: string
  /** As it came, percent-encoded, without the query. */
  readonly path: string
  /** Decoded pairs in the order they came, without the signature. */
  readonly query: readonly (readonly [string, string])[]
  readonly headers: IncomingHttpHeaders
  readonly signedHeaders: readonly string[]
  readonly payloadHash: string
}

/** RFC 3986 unreserved characters stay, all else is %XX of UTF-8. */
export const uriEncode = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)

const byCodeUnit = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

export function canonicalRequest(parts: SignedParts): string {
  const path = parts.path.split('/').map((segment) => uriEncode(decodeURIComponent(segment))).join('/')
  const query = parts.query
    .map(([name, value]) => [uriEncode(name), uriEncode(value)] as const)
    .sort(([nameA, valueA], [nameB, valueB]) => byCodeUnit(nameA, nameB) || byCodeUnit(valueA, valueB))
    .map(([name, value]) => `${name}=${value}`)
    .join('&')
  const headers = parts.signedHeaders
    .map((name) => `${name}:${[parts.headers[name] ?? ''].flat().join(',').trim().replace(/ +/g, ' ')}\n`)
    .join('')
  return [parts.method, path, query, headers, parts.signedHeaders.join(';'), parts.payloadHash].join('\n')
}

export const sha256Hex = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex')
const hmac = (key: string | Uint8Array, data: string): Buffer => createHmac('sha256', key).update(data).digest()

export interface SigningScope {
  /** YYYYMMDD */
  readonly date: string
  readonly region: string
  readonly service: string
}

export function signatureOf(secretAccessKey: string, amzDate: string, scope: SigningScope, canonical: string): string {
  const scopeText = `${scope.date}/${scope.region}/${scope.service}/aws4_request`
  const stringToSign = ['AWS4-HMAC-SHA256', amzDate, scopeText, sha256Hex(canonical)].join('\n')
  const key = hmac(hmac(hmac(hmac(`AWS4${secretAccessKey}`, scope.date), scope.region), scope.service), 'aws4_request')
  return createHmac('sha256', key).update(stringToSign).digest('hex')
}
