// Policies for the keys of a bucket, in the language of AWS's IAM, with the least that each role needs.
// https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html names actions and condition keys.

export const ROLES = ['full', 'append-only', 'read-only'] as const
export type Role = (typeof ROLES)[number]

export interface PolicyRequest {
  readonly role: Role
  readonly bucket: string
  /** Without slashes at its ends; '' for the whole bucket. */
  readonly prefix: string
  /** `aws`, `aws-cn`, `aws-us-gov`; other servers take `aws` for theirs. */
  readonly partition: string
  /**
   * `required`: a PUT must carry If-None-Match, so it can overwrite nothing. Only for servers that know the condition key:
   * with others such a permission would never apply.
   * https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes-enforce.html
   */
  readonly conditionalWrites: 'required' | 'unknown'
  /** For a bucket policy: whose permissions these are. */
  readonly principal?: string
}

export interface Statement {
  readonly Sid: string
  readonly Effect: 'Allow' | 'Deny'
  readonly Principal?: { readonly AWS: string }
  readonly Action: readonly string[]
  readonly Resource: string
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, string>>>>
}

export interface PolicyDocument {
  readonly Version: '2012-10-17'
  readonly Statement: readonly Statement[]
}

/** What a key that adds only must not do, whatever other policies allow it. */
const DESTROYING = ['s3:DeleteObject', 's3:DeleteObjectVersion', 's3:PutObjectRetention', 's3:PutObjectLegalHold', 's3:BypassGovernanceRetention']
const LOOSENING = ['s3:PutBucketVersioning', 's3:PutLifecycleConfiguration', 's3:PutBucketPolicy', 's3:DeleteBucketPolicy', 's3:DeleteBucket']

const WITH_CONDITION = { Null: { 's3:if-none-match': 'false' } }
const WITHOUT_CONDITION = { Null: { 's3:if-none-match': 'true' } }

export function policyDocument(request: PolicyRequest): PolicyDocument {
  const { role, bucket, prefix, partition, principal } = request
  const bucketArn = `arn:${partition}:s3:::${bucket}`
  const objectsArn = `${bucketArn}/${prefix === '' ? '' : `${prefix}/`}*`
  const statement = (
    Sid: string, Effect: Statement['Effect'], Action: readonly string[], Resource: string, Condition?: Statement['Condition'],
  ): Statement => ({
    Sid, Effect, ...(principal === undefined ? {} : { Principal: { AWS: principal } }), Action, Resource,
    ...(Condition === undefined ? {} : { Condition }),
  })
  const withinPrefix = prefix === '' ? undefined : { StringLike: { 's3:prefix': `${prefix}/*` } }
  const reading = [
    statement('ListVault', 'Allow', ['s3:ListBucket', 's3:ListBucketVersions'], bucketArn, withinPrefix),
    statement('LookAtBucket', 'Allow', ['s3:GetBucketVersioning'], bucketArn),
    statement('ReadVault', 'Allow', ['s3:GetObject', 's3:GetObjectVersion'], objectsArn),
  ]
  if (role === 'read-only') return document(reading)
  if (role === 'full') return document([...reading, statement('ChangeVault', 'Allow', ['s3:PutObject', 's3:DeleteObject'], objectsArn)])
  const isRequired = request.conditionalWrites === 'required'
  return document([
    ...reading,
    statement('AddToVault', 'Allow', ['s3:PutObject'], objectsArn, isRequired ? WITH_CONDITION : undefined),
    ...(isRequired ? [statement('NeverOverwrite', 'Deny', ['s3:PutObject'], objectsArn, WITHOUT_CONDITION)] : []),
    statement('NeverDelete', 'Deny', DESTROYING, objectsArn),
    statement('NeverLoosen', 'Deny', LOOSENING, bucketArn),
  ])
}

const document = (statements: readonly Statement[]): PolicyDocument => ({ Version: '2012-10-17', Statement: statements })

/** By the region's name: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html */
export function partitionOf(region: string | undefined): string {
  if (region?.startsWith('cn-')) return 'aws-cn'
  return region?.startsWith('us-gov-') ? 'aws-us-gov' : 'aws'
}
