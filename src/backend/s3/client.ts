// The SDK's client as we need it. The SDK is imported here, at the first bucket opened: it costs 120-180 ms.
import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3'
import { VaultError } from '../../errors/vault-error.ts'
import { requireEndpoint, requireRegion } from './address.ts'

export type S3Sdk = typeof import('@aws-sdk/client-s3')

export interface S3Connection {
  /** Default: AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL, else Amazon's. */
  readonly endpoint?: string
  /** Default: the SDK's own chain; with an endpoint and none configured `us-east-1`. */
  readonly region?: string
  /** Bucket in the path instead of the host name. Default: true when an endpoint is given. */
  readonly forcePathStyle?: boolean
  /** Transfers at once in each direction. Default 16. */
  readonly connectionsMax?: number
  /** Default: the SDK's own chain (environment, profile, container, instance). */
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string; readonly sessionToken?: string }
  /** Profile of the AWS tools for credentials and region; its region counts less than `region`. Default: AWS_PROFILE. */
  readonly profile?: string
  /** A request on which next to nothing moved for this long is given up. Default 60 000 ms. */
  readonly stallTimeoutMs?: number
}

export const CONNECTIONS_MAX = 16
const CONNECT_TIMEOUT_MS = 10_000
export const STALL_TIMEOUT_MS = 60_000
/** Without one the SDK prints some warnings by itself. What fails comes out as an error. */
const SILENT_LOGGER = { trace: silence, debug: silence, info: silence, warn: silence, error: silence }
function silence(): void {}

export async function openClient(connection: S3Connection): Promise<{ sdk: S3Sdk; client: S3Client }> {
  const sdk = await import('@aws-sdk/client-s3')
  const endpoint = connection.endpoint ?? process.env['AWS_ENDPOINT_URL_S3'] ?? process.env['AWS_ENDPOINT_URL']
  if (endpoint !== undefined) requireEndpoint(endpoint)
  if (connection.region !== undefined) requireRegion(connection.region)
  // Transfers run in one direction at a time; the other half is for small requests beside them (limit.ts).
  const connections = { keepAlive: true, maxSockets: 2 * (connection.connectionsMax ?? CONNECTIONS_MAX) }
  const config: S3ClientConfig = {
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(connection.credentials === undefined ? {} : { credentials: connection.credentials }),
    ...(connection.profile === undefined ? {} : { profile: connection.profile }),
    forcePathStyle: connection.forcePathStyle ?? endpoint !== undefined,
    maxAttempts: 1, // retry.ts retries: it knows what must not be signed anew
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    // Waiting for `100 Continue` would cost the SDK a connection of its own for every pack.
    expectContinueHeader: false,
    logger: SILENT_LOGGER,
    // When credentials have expired the files that they came from are read again (credential-refresh.ts).
    ...{ ignoreCache: true },
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: connection.stallTimeoutMs ?? STALL_TIMEOUT_MS,
      httpAgent: connections,
      httpsAgent: connections,
      logger: SILENT_LOGGER,
    },
  }
  const client = new sdk.S3Client({ ...config, ...(connection.region === undefined ? {} : { region: connection.region }) })
  try {
    await client.config.region()
    return { sdk, client }
  } catch (error) {
    client.destroy()
    if (endpoint !== undefined) return { sdk, client: new sdk.S3Client({ ...config, region: 'us-east-1' }) }
    throw new VaultError('usage', 'the region of the bucket is not known', {
      cause: error,
      hint: 'set AWS_REGION, or give an endpoint',
    })
  }
}
