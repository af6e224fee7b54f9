// Conditional requests. https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-requests.html
import type { IncomingHttpHeaders } from 'node:http'
import { headerText } from './authentication.ts'
import { S3Error } from './s3-error.ts'
import type { ObjectVersion } from './state.ts'

const failed = (): S3Error => new S3Error('PreconditionFailed', 'At least one of the pre-conditions you specified did not hold')

const matches = (tag: string, etag: string): boolean =>
  tag === '*' || tag.split(',').some((each) => each.trim().replaceAll('"', '') === etag)

/** Throws PreconditionFailed when a write must not happen; `current` is the object that it would replace. */
export function checkWriteConditions(headers: IncomingHttpHeaders, current: ObjectVersion | undefined): void {
  const ifNoneMatch = headerText(headers, 'if-none-match')
  if (ifNoneMatch !== undefined && ifNoneMatch !== '*') throw new S3Error('NotImplemented', 'If-None-Match on a write must be *')
  if (ifNoneMatch !== undefined && current !== undefined) throw failed()
  const ifMatch = headerText(headers, 'if-match')
  if (ifMatch === undefined) return
  if (current === undefined) throw new S3Error('NoSuchKey', 'The specified key does not exist.')
  if (!matches(ifMatch, current.etag)) throw failed()
}

/** Whether a read is to be answered 304; throws PreconditionFailed on If-Match. */
export function isNotModified(headers: IncomingHttpHeaders, version: ObjectVersion): boolean {
  const ifMatch = headerText(headers, 'if-match')
  if (ifMatch !== undefined && !matches(ifMatch, version.etag)) throw failed()
  const ifNoneMatch = headerText(headers, 'if-none-match')
  return ifNoneMatch !== undefined && matches(ifNoneMatch, version.etag)
}
