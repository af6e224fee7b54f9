import type { S3Client } from '@aws-sdk/client-s3'
import type { ObjectName } from '../../ids/ids.ts'
import type { RequestCounts } from '../backend.ts'
import type { S3Sdk } from './client.ts'

/** What requests beside the contract's own are made with. */
export interface S3Access {
  readonly sdk: S3Sdk
  readonly client: S3Client
  readonly bucket: string
  /** Empty, or with a slash at its end. */
  readonly keyPrefix: string
  readonly location: string
  /** Of the backend; to be added to. */
  readonly counts: RequestCounts
}

export const targetOf = ({ bucket, keyPrefix }: S3Access, name: ObjectName): { Bucket: string; Key: string } =>
  ({ Bucket: bucket, Key: keyPrefix + name })
