// Operations on buckets and their settings.
import { bucketPolicy, requireKnownPolicy } from './access-policy.ts'
import type { Answer, Exchange } from './exchange.ts'
import { isoSeconds, xmlAnswer } from './exchange.ts'
import { headerText } from './authentication.ts'
import { S3Error } from './s3-error.ts'
import { Bucket } from './state.ts'
import { childText, parseXml, xmlDocument } from './xml.ts'

export function listBuckets({ state }: Exchange): Answer {
  const buckets = [...state.buckets.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  return xmlAnswer(xmlDocument('ListAllMyBucketsResult', [
    ['Owner', [['ID', 'owner'], ['DisplayName', 'owner']]],
    ['Buckets', buckets.map((bucket) => ['Bucket', [['Name', bucket.name], ['CreationDate', isoSeconds(bucket.createdMs)]]])],
  ]))
}

export function createBucket({ state, bucketName, headers, nowMs }: Exchange): Answer {
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucketName)) throw new S3Error('InvalidBucketName', 'The specified bucket is not valid.')
  if (state.buckets.has(bucketName)) {
    throw new S3Error('BucketAlreadyOwnedByYou', 'Your previous request to create the named bucket succeeded and you already own it.')
  }
  const bucket = new Bucket(bucketName, nowMs)
  if (headerText(headers, 'x-amz-bucket-object-lock-enabled') === 'true') {
    bucket.hasObjectLock = true
    bucket.versioning = 'Enabled'
  }
  state.buckets.set(bucketName, bucket)
  return { status: 200, headers: { location: `/${bucketName}` } }
}

export function headBucket({ state, bucketName, behaviour }: Exchange): Answer {
  state.bucket(bucketName)
  return { status: 200, headers: { 'x-amz-bucket-region': behaviour.region ?? 'us-east-1' } }
}

export function deleteBucket({ state, bucketName }: Exchange): Answer {
  if (state.bucket(bucketName).keys().length > 0) throw new S3Error('BucketNotEmpty', 'The bucket you tried to delete is not empty')
  state.buckets.delete(bucketName)
  return { status: 204 }
}

export function getLocation({ state, bucketName }: Exchange): Answer {
  state.bucket(bucketName)
  return xmlAnswer(xmlDocument('LocationConstraint', []))
}

export function putVersioning({ state, bucketName, body }: Exchange): Answer {
  const bucket = state.bucket(bucketName)
  const status = childText(parseXml(body.bytes.toString()), 'Status')
  if (status !== 'Enabled' && status !== 'Suspended') throw new S3Error('MalformedXML', 'The XML you provided was not well-formed.')
  if (bucket.hasObjectLock && status === 'Suspended') {
    throw new S3Error('InvalidBucketState', 'An Object Lock configuration is present on this bucket, so the versioning state cannot be changed.')
  }
  bucket.versioning = status
  return { status: 200 }
}

export function getVersioning({ state, bucketName }: Exchange): Answer {
  const { versioning } = state.bucket(bucketName)
  return xmlAnswer(xmlDocument('VersioningConfiguration', versioning === 'Unversioned' ? [] : [['Status', versioning]]))
}

export function getPolicyStatus({ state, bucketName }: Exchange): Answer {
  return xmlAnswer(xmlDocument('PolicyStatus', [['IsPublic', state.bucket(bucketName).isPublic]]))
}

/** Only denials for everybody: permissions are given to keys (see addUser). */
export function putPolicy({ state, bucketName, body }: Exchange): Answer {
  const bucket = state.bucket(bucketName)
  const text = body.bytes.toString()
  requireKnownPolicy(bucketPolicy(text))
  bucket.policy = text
  return { status: 204 }
}

export function getPolicy({ state, bucketName }: Exchange): Answer {
  const { policy } = state.bucket(bucketName)
  if (policy === undefined) throw new S3Error('NoSuchBucketPolicy', 'The bucket policy does not exist')
  return { status: 200, headers: { 'content-type': 'application/json' }, body: policy }
}

/** Kept and given back; nothing expires. */
export function putLifecycle({ state, bucketName, body }: Exchange): Answer {
  state.bucket(bucketName).lifecycleXml = body.bytes.toString()
  return { status: 200 }
}

export function getLifecycle({ state, bucketName }: Exchange): Answer {
  const { lifecycleXml } = state.bucket(bucketName)
  if (lifecycleXml === undefined) throw new S3Error('NoSuchLifecycleConfiguration', 'The lifecycle configuration does not exist')
  return xmlAnswer(lifecycleXml)
}

export function deleteLifecycle({ state, bucketName }: Exchange): Answer {
  state.bucket(bucketName).lifecycleXml = undefined
  return { status: 204 }
}
