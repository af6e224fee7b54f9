// Which operation a request asks for.
import { restoreObject } from './archive.ts'
import * as buckets from './buckets.ts'
import type { Answer, Exchange } from './exchange.ts'
import * as listings from './listings.ts'
import * as multipart from './multipart.ts'
import * as lock from './object-lock.ts'
import * as objects from './objects.ts'
import { S3Error } from './s3-error.ts'

export interface Operation {
  /** As the API names it, for counts and faults. */
  readonly name: string
  run(exchange: Exchange): Answer
}

type Route = readonly [method: string, parameter: string, name: string, run: (exchange: Exchange) => Answer]

// The first route whose parameter is in the query wins; '' always matches.
const BUCKET_ROUTES: readonly Route[] = [
  ['PUT', 'versioning', 'PutBucketVersioning', buckets.putVersioning],
  ['PUT', 'object-lock', 'PutObjectLockConfiguration', lock.putLockConfiguration],
  ['PUT', 'lifecycle', 'PutBucketLifecycleConfiguration', buckets.putLifecycle],
  ['PUT', 'policy', 'PutBucketPolicy', buckets.putPolicy],
  ['PUT', '', 'CreateBucket', buckets.createBucket],
  ['HEAD', '', 'HeadBucket', buckets.headBucket],
  ['DELETE', 'lifecycle', 'DeleteBucketLifecycle', buckets.deleteLifecycle],
  ['DELETE', '', 'DeleteBucket', buckets.deleteBucket],
  ['POST', 'delete', 'DeleteObjects', objects.deleteObjects],
  ['GET', 'versioning', 'GetBucketVersioning', buckets.getVersioning],
  ['GET', 'object-lock', 'GetObjectLockConfiguration', lock.getLockConfiguration],
  ['GET', 'lifecycle', 'GetBucketLifecycleConfiguration', buckets.getLifecycle],
  ['GET', 'policyStatus', 'GetBucketPolicyStatus', buckets.getPolicyStatus],
  ['GET', 'policy', 'GetBucketPolicy', buckets.getPolicy],
  ['GET', 'location', 'GetBucketLocation', buckets.getLocation],
  ['GET', 'uploads', 'ListMultipartUploads', multipart.listUploads],
  ['GET', 'versions', 'ListObjectVersions', listings.listVersions],
  ['GET', 'list-type', 'ListObjectsV2', listings.listObjectsV2],
  ['GET', '', 'ListObjects', listings.listObjectsV1],
]

const OBJECT_ROUTES: readonly Route[] = [
  ['PUT', 'uploadId', 'UploadPart', multipart.uploadPart],
  ['PUT', 'retention', 'PutObjectRetention', lock.putRetention],
  ['PUT', 'legal-hold', 'PutObjectLegalHold', lock.putLegalHold],
  ['PUT', '', 'PutObject', objects.putObject],
  ['GET', 'uploadId', 'ListParts', multipart.listParts],
  ['GET', 'retention', 'GetObjectRetention', lock.getRetention],
  ['GET', 'legal-hold', 'GetObjectLegalHold', lock.getLegalHold],
  ['GET', '', 'GetObject', objects.getObject],
  ['HEAD', '', 'HeadObject', objects.getObject],
  ['DELETE', 'uploadId', 'AbortMultipartUpload', multipart.abortUpload],
  ['DELETE', '', 'DeleteObject', objects.deleteObject],
  ['POST', 'uploads', 'CreateMultipartUpload', multipart.createUpload],
  ['POST', 'uploadId', 'CompleteMultipartUpload', multipart.completeUpload],
  ['POST', 'restore', 'RestoreObject', restoreObject],
]

// Settings this server does not have: to answer them as a listing or a PUT of an object would be a lie.
const UNKNOWN = ['acl', 'tagging', 'cors', 'encryption', 'attributes', 'torrent', 'select', 'website', 'replication', 'notification']

export function operationFor(method: string, bucketName: string, key: string, query: ReadonlyMap<string, string>): Operation {
  const unknown = UNKNOWN.find((parameter) => query.has(parameter))
  if (unknown !== undefined) throw new S3Error('NotImplemented', `?${unknown} is not implemented by this server`)
  if (bucketName === '') {
    if (method !== 'GET') throw new S3Error('MethodNotAllowed', 'The specified method is not allowed against this resource.')
    return { name: 'ListBuckets', run: buckets.listBuckets }
  }
  const routes = key === '' ? BUCKET_ROUTES : OBJECT_ROUTES
  const route = routes.find(([routeMethod, parameter]) => routeMethod === method && (parameter === '' || query.has(parameter)))
  if (route === undefined) throw new S3Error('MethodNotAllowed', 'The specified method is not allowed against this resource.')
  return { name: route[2], run: route[3] }
}
