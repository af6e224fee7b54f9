// What an error of S3, of the SDK or of the network means for a vault.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
import type { ErrorCode, RetryClass } from '../../errors/vault-error.ts'
import { VaultError, describeError, errnoOf, isVaultError } from '../../errors/vault-error.ts'
import { interrupted, objectMissing } from '../failures.ts'

/** Codes below 500 that a later attempt may pass: the server is busy, or the bytes broke on their way. */
const PASSING_CODES = new Set([
  'SlowDown', 'RequestTimeout', 'RequestTimeoutException', 'ConditionalRequestConflict', 'OperationAborted',
  'TooManyRequests', 'ThrottlingException', 'Throttling', 'RequestLimitExceeded', 'IncompleteBody', 'BadDigest',
  'XAmzContentSHA256Mismatch', 'XAmzContentChecksumMismatch',
])
const FULL_CODES = new Set(['QuotaExceeded', 'XMinioStorageFull', 'InsufficientCapacity', 'EntityQuotaExceeded'])

/** Codes that say what is wrong with the key or the request, whatever it asks for. */
export const DENIAL_HINTS: Readonly<Record<string, string>> = {
  InvalidAccessKeyId: 'the server does not know this access key: check AWS_ACCESS_KEY_ID or the profile, and the endpoint',
  SignatureDoesNotMatch: 'the secret key does not fit the access key, or a proxy changed the request',
  RequestTimeTooSkewed: "this machine's clock differs from the server's by more than 15 minutes: set it right",
  ExpiredToken: 'the temporary credentials have expired: get new ones',
  ExpiredTokenException: 'the temporary credentials have expired: get new ones',
  InvalidToken: 'the session token does not fit the access key: get new temporary credentials',
  AuthorizationHeaderMalformed: "the bucket lies in another region: give its own (AWS_REGION or the profile's region)",
  TokenProviderError: 'log in again: the single sign-on session has ended',
  CredentialsProviderError: 'set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE',
}

const ARCHIVED_HINT = 'it lies in an archive storage class: s3vault restore brings back what it needs'
/** Answers that ask for fewer requests, whatever their status. */
const OVERLOAD_CODES = new Set(['SlowDown', 'TooManyRequests', 'ThrottlingException', 'Throttling', 'RequestLimitExceeded'])

const TLS_HINT = 'https failed: check the endpoint; NODE_EXTRA_CA_CERTS names a file of further certificate authorities'

/** The HTTP status of a failed request; undefined when no answer came. */
export function statusOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('$metadata' in error)) return undefined
  const metadata = error.$metadata
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return undefined
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : undefined
}

/** Retry-After in ms: seconds, or a date that is told apart from the answer's own Date. RFC 9110, section 10.2.3. */
function retryAfterMsOf(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('$response' in error)) return undefined
  const { headers } = error.$response as { headers?: Record<string, string | undefined> }
  const text = headers?.['retry-after']
  if (text === undefined) return undefined
  const waitMs = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - Date.parse(headers?.['date'] ?? '')
  return Number.isFinite(waitMs) && waitMs > 0 ? waitMs : undefined
}

/** True for a refused `If-None-Match`. */
export const isPreconditionFailed = (error: unknown): boolean => statusOf(error) === 412

/** True for 416: the range starts at or beyond the end. */
export const isRangeRefused = (error: unknown): boolean => statusOf(error) === 416

/** One line without repeating itself. The answer to a HEAD has no body: there the status says all there is. */
function problemOf(error: unknown, code: string, status: number | undefined): string {
  const text = describeError(error)
  if (text === 'UnknownError' || text === '') return `the server answers ${status ?? 'nothing'}`
  // Which class of the SDK's wraps a broken connection says nothing.
  return code === '' || code === 'Error' || errnoOf(error) !== undefined || text.startsWith(code) ? text : `${code}: ${text}`
}

/** The VaultError for a failed request that was to `action` (`read`, `write`, ...) what lies at `where`. */
export function s3Error(error: unknown, action: string, where: string, signal: AbortSignal | undefined): unknown {
  if (error instanceof VaultError) return error
  if (signal?.aborted) return interrupted(signal)
  const code = error instanceof Error ? error.name : ''
  const status = statusOf(error)
  const problem = `cannot ${action} ${where}: ${problemOf(error, code, status)}`
  const failed = (as: ErrorCode, hint?: string, retry: RetryClass = 'never'): VaultError =>
    new VaultError(as, problem, { cause: error, retry, ...(hint === undefined ? {} : { hint }) })
  if (code in DENIAL_HINTS) return failed('storage-denied', DENIAL_HINTS[code])
  if (FULL_CODES.has(code) || status === 507) return failed('disk-full', 'the storage has reached its quota')
  if (code === 'NoSuchBucket') return failed('vault-missing', 'create the bucket first, or check its name and the endpoint')
  if (code === 'InvalidObjectState') return failed('object-archived', ARCHIVED_HINT)
  if (code === 'GlacierExpeditedRetrievalNotAvailable') {
    return failed('storage-refused', 'there is no capacity for expedited now: --archive-tier standard')
  }
  if (code === 'NoSuchKey' || (code === 'NotFound' && status === 404)) return objectMissing(where, error)
  if (PASSING_CODES.has(code) || isPassingStatus(status)) {
    const isOverload = OVERLOAD_CODES.has(code) || status === 429 || status === 503
    return new VaultError('storage-unreachable', problem, { cause: error, retry: 'later', isOverload, retryAfterMs: retryAfterMsOf(error) })
  }
  if (status === 403 || status === 401) return failed('storage-denied', 'the credentials lack a permission that this needs')
  if (status === 301) return failed('storage-refused', DENIAL_HINTS['AuthorizationHeaderMalformed'])
  if (isTlsError(error)) return failed('storage-refused', TLS_HINT)
  if (isNetworkError(error)) return failed('storage-unreachable', 'check the network, the endpoint and the region', 'later')
  if (status !== undefined && status < 400) return failed('storage-refused', 'that was no S3 server: check the endpoint')
  return status === undefined ? error : failed('storage-refused')
}

/** A PUT that names a storage class and is called malformed: Ceph says no more than 400 of a class that it does not have. */
export function classRefusal(mapped: unknown, error: unknown, storageClass: string | undefined): unknown {
  if (storageClass === undefined || statusOf(error) !== 400 || !isVaultError(mapped, 'storage-refused')) return mapped
  return new VaultError('storage-refused', mapped.message, {
    cause: error, hint: `has this server a storage class ${storageClass}? --storage-class names another`,
  })
}

/** Busy, conflicting with a write under way, or failing; 501 is a refusal. */
const isPassingStatus = (status: number | undefined): boolean =>
  status === 409 || status === 429 || (status !== undefined && status >= 500 && status !== 501)

/** A wrong certificate, or no TLS at the other end: for the person to mend. */
const isTlsError = (error: unknown): boolean =>
  /^(EPROTO|ERR_SSL|ERR_TLS|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|HOSTNAME_MISMATCH)/.test(errnoOf(error) ?? '')

const NETWORK_CODES =
  /^(ECONN|ENOTFOUND|EAI_|ETIMEDOUT|EPIPE|EHOST|ENET|ERR_STREAM_PREMATURE_CLOSE|ERR_SOCKET|HPE_)/

/** Node's codes of a broken or absent connection, its two errors without a code of their own, and the SDK's timeouts. */
function isNetworkError(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  if (error.name === 'TimeoutError' || error.message === 'aborted' || error.message === 'socket hang up') return true
  return NETWORK_CODES.test(errnoOf(error) ?? '')
}
