import * as s3 from '@aws-sdk/client-s3'
import type { Credentials } from './authentication.ts'

const quiet = (): void => {}
/** The SDK warns of streams of unknown length, also where the length is given. */
const silent = { debug: quiet, info: quiet, warn: quiet, error: quiet }

/** Amazon's client for any S3 server; it repeats nothing. */
export const clientOf = (server: Credentials & { readonly endpoint: string }, more: s3.S3ClientConfig = {}): s3.S3Client =>
  new s3.S3Client({
    endpoint: server.endpoint, credentials: server, region: 'us-east-1', forcePathStyle: true, maxAttempts: 1, logger: silent, ...more,
  })
