// Buckets of the three kinds that vaults meet, on any S3 server.
import * as s3 from '@aws-sdk/client-s3'
import type { Credentials } from '../s3-server/authentication.ts'
import { clientOf } from '../s3-server/clients.ts'

export const BUCKET_KINDS = ['plain', 'versioned', 'locked'] as const
export type BucketKind = (typeof BUCKET_KINDS)[number]

export interface BucketWish {
  readonly name: string
  readonly kind: BucketKind
}

/** Makes the buckets. */
export async function openBuckets(server: Credentials & { readonly endpoint: string }, wishes: readonly BucketWish[]): Promise<void> {
  const client = clientOf(server)
  for (const { name, kind } of wishes) {
    await client.send(new s3.CreateBucketCommand({ Bucket: name, ObjectLockEnabledForBucket: kind === 'locked' }))
    if (kind !== 'versioned') continue
    await client.send(new s3.PutBucketVersioningCommand({ Bucket: name, VersioningConfiguration: { Status: 'Enabled' } }))
  }
  client.destroy()
}
