// SigV4 as a server checks it, in the Authorization header or in the query (presigned URL).
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
import { timingSafeEqual } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { canonicalRequest, signatureOf } from './canonical-request.ts'
import type { ServerBehaviour } from './exchange.ts'
import { S3Error } from './s3-error.ts'

const SKEW_MS_MAX = 15 * 60 * 1000
const PRESIGN_SECONDS_MAX = 7 * 24 * 3600

export interface UnverifiedRequest {
  readonly method: string
  readonly path: string
  readonly query: readonly (readonly [string, string])[]
  readonly headers: IncomingHttpHeaders
}

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** When set, requests must carry it as x-amz-security-token. */
  readonly sessionToken?: string
}

interface Claim {
  readonly credential: string
  readonly signedHeaders: readonly string[]
  readonly signature: string
  readonly amzDate: string
  readonly payloadHash: string
  readonly token: string | undefined
  /** Seconds; of a presigned request. */
  readonly expiresSeconds?: number
}

export interface Authenticated {
  /** That the client signed: `UNSIGNED-PAYLOAD`, `STREAMING-...` or hex. */
  readonly payloadHash: string
  readonly accessKeyId: string
}

/** Checks a request against the known keys. */
export function authenticate(
  request: UnverifiedRequest, credentials: readonly Credentials[], nowMs: number,
  { region, signatureExpiry }: ServerBehaviour = {},
): Authenticated {
  const claim = request.query.some(([name]) => name === 'X-Amz-Signature') ? queryClaim(request) : headerClaim(request)
  const [accessKeyId, date = '', claimedRegion = '', service = '', terminator] = claim.credential.split('/')
  const known = credentials.find((each) => each.accessKeyId === accessKeyId)
  if (known === undefined) {
    throw new S3Error('InvalidAccessKeyId', 'The AWS Access Key Id you provided does not exist in our records.')
  }
  if (service !== 's3' || terminator !== 'aws4_request' || date !== claim.amzDate.slice(0, 8)) {
    throw new S3Error('AuthorizationHeaderMalformed', 'The authorization header is malformed; incorrect credential scope.')
  }
  if (region !== undefined && claimedRegion !== region) {
    const problem = `The authorization header is malformed; the region '${claimedRegion}' is wrong; expecting '${region}'`
    throw new S3Error('AuthorizationHeaderMalformed', problem, { 'x-amz-bucket-region': region })
  }
  checkTime(signatureExpiry === 'ignored' && claim.expiresSeconds !== undefined ? { ...claim, expiresSeconds: PRESIGN_SECONDS_MAX } : claim, nowMs)
  checkSignedHeaders(request.headers, claim.signedHeaders)
  const query = request.query.filter(([name]) => name !== 'X-Amz-Signature')
  const canonical = canonicalRequest({ ...request, query, signedHeaders: claim.signedHeaders, payloadHash: claim.payloadHash })
  const expected = signatureOf(known.secretAccessKey, claim.amzDate, { date, region: claimedRegion, service }, canonical)
  if (claim.signature.length !== expected.length || !timingSafeEqual(Buffer.from(claim.signature), Buffer.from(expected))) {
    throw new S3Error('SignatureDoesNotMatch', 'The request signature we calculated does not match the signature you provided.')
  }
  if (known.sessionToken !== claim.token) throw new S3Error('ExpiredToken', 'The provided token has expired.')
  return { payloadHash: claim.payloadHash, accessKeyId: known.accessKeyId }
}

function headerClaim({ headers }: UnverifiedRequest): Claim {
  const authorization = headers.authorization
  if (authorization === undefined) throw new S3Error('AccessDenied', 'Access Denied')
  const fields = /^AWS4-HMAC-SHA256 Credential=([^,\s]+),\s*SignedHeaders=([^,\s]+),\s*Signature=([0-9a-f]+)$/.exec(authorization)
  const amzDate = headerText(headers, 'x-amz-date')
  const payloadHash = headerText(headers, 'x-amz-content-sha256')
  if (fields === null || amzDate === undefined) throw new S3Error('AuthorizationHeaderMalformed', 'The authorization header is malformed.')
  if (payloadHash === undefined) throw new S3Error('InvalidRequest', 'Missing required header for this request: x-amz-content-sha256')
  const [, credential = '', signedHeaders = '', signature = ''] = fields
  const token = headerText(headers, 'x-amz-security-token')
  return { credential, signedHeaders: signedHeaders.split(';'), signature, amzDate, payloadHash, token }
}

function queryClaim({ query, headers }: UnverifiedRequest): Claim {
  const parameters = new Map(query)
  const required = (name: string): string => {
    const value = parameters.get(name)
    if (value === undefined) throw new S3Error('AuthorizationQueryParametersError', `Query-string authentication requires ${name}`)
    return value
  }
  const expiresSeconds = Number(required('X-Amz-Expires'))
  if (!Number.isInteger(expiresSeconds) || expiresSeconds < 1 || expiresSeconds > PRESIGN_SECONDS_MAX) {
    throw new S3Error('AuthorizationQueryParametersError', 'X-Amz-Expires must be between 1 and 604800 seconds')
  }
  if (required('X-Amz-Algorithm') !== 'AWS4-HMAC-SHA256') {
    throw new S3Error('AuthorizationQueryParametersError', 'X-Amz-Algorithm only supports "AWS4-HMAC-SHA256"')
  }
  return {
    credential: required('X-Amz-Credential'),
    signedHeaders: required('X-Amz-SignedHeaders').split(';'),
    signature: required('X-Amz-Signature'),
    amzDate: required('X-Amz-Date'),
    payloadHash: headerText(headers, 'x-amz-content-sha256') ?? parameters.get('X-Amz-Content-Sha256') ?? 'UNSIGNED-PAYLOAD',
    token: parameters.get('X-Amz-Security-Token'),
    expiresSeconds,
  }
}

function checkTime(claim: Claim, nowMs: number): void {
  const iso = claim.amzDate.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z')
  const signedMs = Date.parse(iso)
  if (Number.isNaN(signedMs)) throw new S3Error('AccessDenied', 'AWS authentication requires a valid Date or x-amz-date header')
  if (claim.expiresSeconds === undefined) {
    if (Math.abs(nowMs - signedMs) > SKEW_MS_MAX) {
      throw new S3Error('RequestTimeTooSkewed', 'The difference between the request time and the current time is too large.')
    }
    return
  }
  if (signedMs - nowMs > SKEW_MS_MAX) throw new S3Error('AccessDenied', 'Request is not valid yet')
  if (nowMs > signedMs + claim.expiresSeconds * 1000) throw new S3Error('AccessDenied', 'Request has expired')
}

function checkSignedHeaders(headers: IncomingHttpHeaders, signedHeaders: readonly string[]): void {
  const unsigned = Object.keys(headers).filter((name) => name.startsWith('x-amz-') && !signedHeaders.includes(name))
  if (!signedHeaders.includes('host') || unsigned.length > 0) {
    throw new S3Error('AccessDenied', `There were headers present in the request which were not signed: ${unsigned.join(', ')}`)
  }
}

export const headerText = (headers: IncomingHttpHeaders, name: string): string | undefined => {
  const value = headers[name]
  return Array.isArray(value) ? value.join(',') : value
}
