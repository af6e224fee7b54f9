// The places a vault can be in, for tests that run on each of them.
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Scope } from '../support/cli.ts'
import { startS3Server } from '../support/s3-server/server.ts'

/** Where a vault is, and a way to its objects that does not go through the program. */
export interface StorageSite {
  readonly repo: string
  readonly env: Readonly<Record<string, string>>
}

export const SITES = ['directory', 's3'] as const
export type SiteKind = (typeof SITES)[number]

const BUCKET = 'e2e-bucket'

/** A place for a vault: below `directory`, or in a bucket of a server of this process. */
export async function makeSite(scope: Scope, kind: SiteKind, directory: string): Promise<StorageSite> {
  if (kind === 'directory') return { repo: join(directory, 'vault'), env: {} }
  const server = await startS3Server({ buckets: [BUCKET] })
  scope.after(() => server.close())
  return { repo: `s3://${BUCKET}/some/prefix`, env: s3Environment(server) }
}

export const s3Environment = (server: { endpoint: string; accessKeyId: string; secretAccessKey: string }): Record<string, string> => ({
  AWS_ACCESS_KEY_ID: server.accessKeyId, AWS_SECRET_ACCESS_KEY: server.secretAccessKey, AWS_REGION: 'us-east-1',
  S3VAULT_S3_ENDPOINT: server.endpoint,
})

/** The objects of a vault in a directory, by name. */
export class VaultDirectory {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  /** Sorted; without the lock file, which is no object. */
  names(prefix = ''): string[] {
    return readdirSync(this.path, { recursive: true, withFileTypes: true, encoding: 'utf8' })
      .filter((entry) => entry.isFile())
      .map((entry) => relative(this.path, join(entry.parentPath, entry.name)))
      .filter((name) => name !== 'lock' && name.startsWith(prefix))
      .sort()
  }

  read(name: string): Buffer {
    return readFileSync(join(this.path, name))
  }

  write(name: string, bytes: Uint8Array): void {
    writeFileSync(join(this.path, name), bytes)
  }

  delete(name: string): void {
    rmSync(join(this.path, name))
  }

  has(name: string): boolean {
    return existsSync(join(this.path, name))
  }
}
