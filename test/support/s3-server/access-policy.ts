// As much of IAM as vaults need: Allow and Deny by action and resource with * and ?, conditions on the prefix of a listing
// and on the presence of If-None-Match. What it does not know it refuses when a policy is set, so that no test passes
// because a condition was overlooked.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
import { headerText } from './authentication.ts'
import { S3Error } from './s3-error.ts'
import type { ObservedRequest } from './server.ts'
import type { ServerState } from './state.ts'

export interface AccessStatement {
  readonly Effect: 'Allow' | 'Deny'
  readonly Action: readonly string[]
  readonly Resource: string
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/** Of a bucket: refuses what this server does not evaluate. */
export function bucketPolicy(text: string): AccessPolicy {
  const policy = JSON.parse(text) as { readonly Statement: readonly (AccessStatement & { readonly Principal: unknown })[] }
  if (policy.Statement.some(({ Effect, Principal }) => Effect !== 'Deny' || Principal !== '*')) {
    throw new S3Error('NotImplemented', 'this server knows bucket policies that deny something to *')
  }
  return policy
}

export interface AccessPolicy {
  readonly Statement: readonly AccessStatement[]
}

/** Values by condition key; a key that the request does not have is absent. */
type Context = ReadonlyMap<string, string>

const ACTIONS: Readonly<Record<string, string>> = {
  HeadObject: 's3:GetObject', HeadBucket: 's3:ListBucket', ListObjectsV2: 's3:ListBucket', ListObjects: 's3:ListBucket',
  ListObjectVersions: 's3:ListBucketVersions', DeleteObjects: 's3:DeleteObject',
}
const VERSIONED: Readonly<Record<string, string>> = { 's3:GetObject': 's3:GetObjectVersion', 's3:DeleteObject': 's3:DeleteObjectVersion' }
const OPERATORS: Readonly<Record<string, (wanted: string, value: string | undefined) => boolean>> = {
  StringLike: (wanted, value) => value !== undefined && wildcard(wanted).test(value),
  Null: (wanted, value) => (value === undefined) === (wanted === 'true'),
}

/** Throws when the policy has what this server does not evaluate. */
export function requireKnownPolicy({ Statement }: AccessPolicy): void {
  for (const [operator, keys] of Statement.flatMap(({ Condition = {} }) => Object.entries(Condition))) {
    if (OPERATORS[operator] === undefined) throw new Error(`the test server does not know the operator ${operator}`)
    const unknown = Object.keys(keys).filter((key) => key !== 's3:prefix' && key !== 's3:if-none-match')
    if (unknown.length > 0) throw new Error(`the test server does not know the condition key ${unknown.join(', ')}`)
  }
}

/** Throws AccessDenied unless the key's policy allows the request, and when the bucket's denies it. Undefined: all is allowed. */
export function requireAllowed(policy: AccessPolicy | undefined, request: ObservedRequest, state: ServerState): void {
  const { operation, bucketName, key, query, headers } = request
  const ofBucket = state.buckets.get(bucketName)?.policy
  const all = { Statement: [...(policy ?? EVERYTHING).Statement, ...(ofBucket === undefined ? [] : bucketPolicy(ofBucket).Statement)] }
  const base = ACTIONS[operation] ?? `s3:${operation}`
  const action = query.has('versionId') ? (VERSIONED[base] ?? base) : base
  const context = new Map<string, string>()
  const prefix = query.get('prefix')
  if (prefix !== undefined) context.set('s3:prefix', prefix)
  const ifNoneMatch = headerText(headers, 'if-none-match')
  if (ifNoneMatch !== undefined) context.set('s3:if-none-match', ifNoneMatch)
  const isManyObjects = operation === 'DeleteObjects'
  const resource = `arn:aws:s3:::${bucketName}${key !== '' ? `/${key}` : isManyObjects ? '/' : ''}`
  if (!isAllowed(all, action, resource, context)) throw denied()
  // Without the right to list, what is missing is not told from what is forbidden; this request has no prefix to compare.
  const isReading = base === 's3:GetObject'
  const isMissing = isReading && state.buckets.get(bucketName)?.current(key) === undefined
  if (isMissing && !isAllowed(all, 's3:ListBucket', `arn:aws:s3:::${bucketName}`, new Map())) throw denied()
}

const EVERYTHING: AccessPolicy = { Statement: [{ Effect: 'Allow', Action: ['*'], Resource: '*' }] }

const denied = (): S3Error => new S3Error('AccessDenied', 'Access Denied')

function isAllowed({ Statement }: AccessPolicy, action: string, resource: string, context: Context): boolean {
  const applying = Statement.filter((statement) => applies(statement, action, resource, context))
  return applying.some(({ Effect }) => Effect === 'Allow') && !applying.some(({ Effect }) => Effect === 'Deny')
}

const applies = ({ Action, Resource, Condition = {} }: AccessStatement, action: string, resource: string, context: Context): boolean =>
  Action.some((each) => wildcard(each).test(action)) && wildcard(Resource).test(resource) &&
  Object.entries(Condition).every(([operator, keys]) =>
    Object.entries(keys).every(([key, wanted]) => OPERATORS[operator]?.(wanted, context.get(key)) ?? false))

const wildcard = (pattern: string): RegExp =>
  new RegExp(`^${pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&').replaceAll('*', '.*').replaceAll('?', '.')}$`, 's')
