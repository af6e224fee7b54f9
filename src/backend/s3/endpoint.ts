// Which address a client asks, whoever configured it: a flag, the environment, a profile, or Amazon's own rules.
import type { S3Client } from '@aws-sdk/client-s3'
import { assert } from '../../errors/assert.ts'
import type { S3Sdk } from './client.ts'

export interface EndpointInUse {
  /** `https://host[:port]`, without the bucket. */
  readonly endpoint: string
  readonly addressing: 'path' | 'virtual-host'
}

/** Has the SDK make a request and stops it before it is signed. Sends nothing. */
export async function endpointInUse(sdk: S3Sdk, client: S3Client, bucket: string): Promise<EndpointInUse> {
  const command = new sdk.HeadBucketCommand({ Bucket: bucket })
  let seen: { readonly protocol: string; readonly hostname: string; readonly port?: number } | undefined
  command.middlewareStack.add(
    () => async ({ request }) => {
      seen = request as typeof seen
      return { response: undefined, output: { $metadata: {} } }
    },
    { step: 'serialize', priority: 'low', name: 's3vaultEndpointInUse' },
  )
  await client.send(command)
  assert(seen !== undefined, 'the SDK makes a request')
  const { protocol, hostname, port } = seen
  const isVirtual = hostname.startsWith(`${bucket}.`)
  const host = isVirtual ? hostname.slice(bucket.length + 1) : hostname
  return { endpoint: `${protocol}//${host}${port === undefined ? '' : `:${port}`}`, addressing: isVirtual ? 'virtual-host' : 'path' }
}
