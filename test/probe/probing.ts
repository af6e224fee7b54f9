// A bucket of a server of this process, probed.
import { systemClock } from '../../src/async/clock.ts'
import { probeBucket, type BucketProbing, type BucketReport } from '../../src/probe/bucket.ts'
import type { ProbeFinding } from '../../src/probe/finding.ts'
import { startS3Server, type S3Server, type S3ServerOptions } from '../support/s3-server/server.ts'
import type { Scope } from '../support/cli.ts'

export const BUCKET = 'probed-bucket'
const REGION = 'us-east-1'

export async function startServer(scope: Scope, options: S3ServerOptions = {}): Promise<S3Server> {
  const server = await startS3Server({ buckets: [BUCKET], ...options })
  scope.after(() => server.close())
  return server
}

export const placeOf = (server: S3Server, connection: Partial<BucketProbing['connection']> = {}): BucketProbing => ({
  bucket: BUCKET, prefix: 'some/vault', clock: systemClock, storageClasses: 'leave', lock: 'leave',
  connection: { endpoint: server.endpoint, region: REGION, credentials: server, ...connection },
})

export const probe = (server: S3Server, changes: Partial<BucketProbing> = {}): Promise<BucketReport> =>
  probeBucket({ ...placeOf(server), ...changes })

export function found(findings: readonly ProbeFinding[], name: string): ProbeFinding {
  const one = findings.find((each) => each.name === name)
  if (one === undefined) throw new Error(`no finding ${name} among ${findings.map((each) => each.name).join(', ')}`)
  return one
}

/** Names of findings that are not `ok`, with their state. */
export const notOk = (findings: readonly ProbeFinding[]): Record<string, string> =>
  Object.fromEntries(findings.filter(({ state }) => state !== 'ok').map(({ name, state }) => [name, state]))

/** Versions and markers of all objects. */
export function storedVersions(server: S3Server): string[] {
  const bucket = server.state.bucket(BUCKET)
  return bucket.keys().flatMap((key) => bucket.versionsOf(key).map(() => key))
}
