import { parseLocation } from '../backend/location.ts'
import { requireEndpoint } from '../backend/s3/address.ts'
import { lookAtOverwriteGuard, type OverwriteGuard } from '../backend/s3/overwrite-guard.ts'
import { VaultError } from '../errors/vault-error.ts'
import { partitionOf, policyDocument, type PolicyDocument, type Role } from '../policy/policy-document.ts'
import { connectionOf, type VaultPlace } from './vault-access.ts'

export interface PolicyRequest extends VaultPlace {
  readonly role: Role
  /** Of a bucket policy; without it the policy is one for a user. */
  readonly principal?: string
  /** `never`: nothing is sent, and for append-only nothing is claimed. */
  readonly look: 'bucket' | 'never'
  readonly signal?: AbortSignal
}

/** Why an append-only key cannot destroy what is stored; `unchecked`: that is not known. */
export type AppendOnlyGround = 'versioning' | 'conditional-writes' | 'unchecked'

export interface PolicyResult {
  readonly location: string
  readonly role: Role
  readonly policy: PolicyDocument
  /** Of the role append-only. */
  readonly appendOnly?: AppendOnlyGround
}

/**
 * The policy of a role. Throws `usage` for a vault that is in no bucket, and `storage-refused` when append-only is asked
 * for where such a key could overwrite what is stored.
 */
export async function policy(request: PolicyRequest): Promise<PolicyResult> {
  const { role, repo, look, principal, signal } = request
  const location = parseLocation(repo)
  if (location.kind !== 's3') {
    throw new VaultError('usage', 'policies are for vaults in a bucket', { hint: 'give s3://bucket/prefix; a directory has its modes' })
  }
  const { bucket, prefix } = location
  const place = `s3://${bucket}${prefix === '' ? '' : `/${prefix}`}`
  if (role === 'append-only' && look === 'bucket') {
    const guard = await lookAtOverwriteGuard(connectionOf(request), location, signal)
    const ground = groundOf(guard)
    if (ground === undefined) throw notAppendOnly(place, guard)
    const conditionalWrites = guard.conditionalWrites === 'no' ? 'unknown' : 'required'
    const document = policyDocument({
      role, bucket, prefix, conditionalWrites, partition: partitionOf(guard.region), ...(principal === undefined ? {} : { principal }),
    })
    return { location: place, role, policy: document, appendOnly: ground }
  }
  const document = policyDocument({
    role, bucket, prefix, partition: partitionOf(request.s3Region), ...(principal === undefined ? {} : { principal }),
    conditionalWrites: isAmazon(request.s3Endpoint) ? 'required' : 'unknown',
  })
  return { location: place, role, policy: document, ...(role === 'append-only' ? { appendOnly: 'unchecked' as const } : {}) }
}

/** The condition holds from the first PUT on; versions can be lost to a lifecycle rule. */
function groundOf({ versioning, conditionalWrites }: OverwriteGuard): AppendOnlyGround | undefined {
  if (conditionalWrites !== 'no') return 'conditional-writes'
  return versioning === 'enabled' ? 'versioning' : undefined
}

function notAppendOnly(place: string, { versioning }: OverwriteGuard): VaultError {
  const state = versioning === 'unknown' ? 'whether it keeps versions is not known' : `versioning is ${versioning}`
  return new VaultError(
    'storage-refused',
    `${place}: no key can be append-only there: ${state}, and nothing makes the server refuse overwriting, so whoever can add ` +
    'objects can destroy those that are stored',
    { hint: 'turn the versioning of the bucket on; --offline prints the policy without looking, and without the promise' },
  )
}

function isAmazon(endpoint: string | undefined): boolean {
  const named = endpoint ?? process.env['AWS_ENDPOINT_URL_S3'] ?? process.env['AWS_ENDPOINT_URL']
  if (named === undefined) return true
  requireEndpoint(named)
  return /\.amazonaws\.com(\.cn)?$/.test(new URL(named).hostname)
}
