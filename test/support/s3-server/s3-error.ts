// Errors as S3 answers them. https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
import { xmlDocument } from './xml.ts'

const STATUS: Readonly<Record<string, number>> = {
  AccessDenied: 403, AuthorizationHeaderMalformed: 400, AuthorizationQueryParametersError: 400, BadDigest: 400,
  BucketAlreadyOwnedByYou: 409, BucketNotEmpty: 409, ConditionalRequestConflict: 409, EntityTooSmall: 400,
  IncompleteBody: 400, InternalError: 500, InvalidAccessKeyId: 403, InvalidArgument: 400, InvalidBucketName: 400,
  InvalidBucketState: 409, InvalidObjectState: 403, InvalidPart: 400, InvalidPartOrder: 400, InvalidRange: 416,
  InvalidRequest: 400, InvalidStorageClass: 400, MalformedXML: 400, MethodNotAllowed: 405, MissingContentLength: 411, NoSuchBucket: 404,
  NoSuchBucketPolicy: 404, NoSuchKey: 404,
  NoSuchLifecycleConfiguration: 404, NoSuchObjectLockConfiguration: 404, NoSuchUpload: 404, NoSuchVersion: 404,
  NotImplemented: 501, ObjectLockConfigurationNotFoundError: 404, PreconditionFailed: 412, RequestTimeTooSkewed: 403, RestoreAlreadyInProgress: 409,
  ServiceUnavailable: 503, SignatureDoesNotMatch: 403, SlowDown: 503, XAmzContentSHA256Mismatch: 400, ExpiredToken: 400,
}

export class S3Error extends Error {
  readonly code: string
  readonly status: number
  readonly headers: Readonly<Record<string, string>>

  constructor(code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.name = 'S3Error'
    this.code = code
    this.status = STATUS[code] ?? 500
    this.headers = headers
  }

  toXml(resource: string, requestId: string): string {
    return xmlDocument('Error', [
      ['Code', this.code],
      ['Message', this.message],
      ['Resource', resource],
      ['RequestId', requestId],
    ])
  }
}
