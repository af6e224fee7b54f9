// The places a vault can be in, for tests that run on each of them. S3VAULT_TEST_SITE names one of them for a run on that
// alone: `foreign` is the S3 server that S3VAULT_TEST_S3_ENDPOINT, S3VAULT_TEST_S3_BUCKET and AWS_* name, as
// test/slow/rgw-e2e.test.ts does for real servers.
import { randomUUID } from 'node:crypto'
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import * as s3 from '@aws-sdk/client-s3'
import type { Cli, Scope } from '../support/cli.ts'
import type { Credentials } from '../support/s3-server/authentication.ts'
import { clientOf } from '../support/s3-server/clients.ts'
import { startS3Server } from '../support/s3-server/server.ts'

/** Where a vault is, and a way to its objects that does not go through the program. */
export interface StorageSite {
  readonly repo: string
  readonly env: Readonly<Record<string, string>>
  readonly objects: VaultObjects
}

export type SiteKind = 'directory' | 's3' | 'foreign'
const chosen = process.env['S3VAULT_TEST_SITE']
export const SITES: readonly SiteKind[] = chosen === undefined ? ['directory', 's3'] : [siteKind(chosen)]
/** For tests that one place is enough for. */
export const MAIN_SITE: SiteKind = SITES[0] ?? 'directory'
/** Value for the `skip` option of a test that looks into the vault's directory. */
export const unlessDirectory: string | false = MAIN_SITE === 'directory' ? false : 'looks into the directory of the vault'

function siteKind(text: string): SiteKind {
  if (text === 'directory' || text === 's3' || text === 'foreign') return text
  throw new Error(`S3VAULT_TEST_SITE=${text}`)
}

type S3Address = Credentials & { readonly endpoint: string }

const BUCKET = 'e2e-bucket'

/** A place for a vault: below `directory`, or in a bucket of a server of this process or of another one. */
export async function makeSite(scope: Scope, kind: SiteKind, directory: string): Promise<StorageSite> {
  if (kind === 'directory') {
    const repo = join(directory, 'vault')
    return { repo, env: {}, objects: new VaultDirectory(repo) }
  }
  if (kind === 'foreign') return inBucket(scope, foreignServer(), process.env['S3VAULT_TEST_S3_BUCKET'] ?? '', `e2e-${randomUUID()}`)
  const server = await startS3Server({ buckets: [BUCKET] })
  scope.after(() => server.close())
  return inBucket(scope, server, BUCKET, 'some/prefix')
}

function inBucket(scope: Scope, server: S3Address, bucket: string, prefix: string): StorageSite {
  const client = clientOf(server)
  scope.after(() => client.destroy())
  return { repo: `s3://${bucket}/${prefix}`, env: s3Environment(server), objects: new VaultBucket(client, bucket, prefix) }
}

/** Makes a vault at the main site for a person, who works on it from now on. */
export async function initVault(scope: Scope, cli: Cli, ...flags: string[]): Promise<VaultObjects> {
  const { repo, env, objects } = await makeSite(scope, MAIN_SITE, cli.directory)
  Object.assign(cli.env, env)
  await cli.init(repo, ...flags)
  return objects
}

/** The server that the environment names. */
export function foreignServer(): S3Address {
  const { S3VAULT_TEST_S3_ENDPOINT: endpoint, AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = process.env
  if (endpoint && accessKeyId && secretAccessKey) return { endpoint, accessKeyId, secretAccessKey }
  throw new Error('S3VAULT_TEST_S3_ENDPOINT, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set')
}

export const s3Environment = (server: S3Address): Record<string, string> => ({
  AWS_ACCESS_KEY_ID: server.accessKeyId, AWS_SECRET_ACCESS_KEY: server.secretAccessKey, AWS_REGION: 'us-east-1',
  S3VAULT_S3_ENDPOINT: server.endpoint,
})

/** The objects of a vault, behind the program's back. */
export interface VaultObjects {
  readonly repo: string
  /** Sorted. */
  names(prefix?: string): string[] | Promise<string[]>
  read(name: string): Buffer | Promise<Buffer>
  write(name: string, bytes: Uint8Array): void | Promise<void>
  delete(name: string): void | Promise<void>
  /** The same objects at another place, in place of what is there. */
  copy(name: string): VaultObjects | Promise<VaultObjects>
}

/** Those below a prefix of a bucket. */
class VaultBucket implements VaultObjects {
  readonly repo: string
  readonly #client: s3.S3Client
  readonly #bucket: string
  readonly #prefix: string

  constructor(client: s3.S3Client, bucket: string, prefix: string) {
    this.repo = `s3://${bucket}/${prefix}`
    this.#client = client
    this.#bucket = bucket
    this.#prefix = prefix
  }

  async names(prefix = ''): Promise<string[]> {
    const names: string[] = []
    const Prefix = `${this.#prefix}/${prefix}`
    for await (const page of s3.paginateListObjectsV2({ client: this.#client }, { Bucket: this.#bucket, Prefix })) {
      for (const { Key = '' } of page.Contents ?? []) names.push(Key.slice(this.#prefix.length + 1))
    }
    return names.sort()
  }

  async read(name: string): Promise<Buffer> {
    const { Body } = await this.#client.send(new s3.GetObjectCommand(this.#target(name)))
    return Buffer.from((await Body?.transformToByteArray()) ?? [])
  }

  async write(name: string, bytes: Uint8Array): Promise<void> {
    await this.#client.send(new s3.PutObjectCommand({ ...this.#target(name), Body: bytes }))
  }

  async delete(name: string): Promise<void> {
    await this.#client.send(new s3.DeleteObjectCommand(this.#target(name)))
  }

  async copy(name: string): Promise<VaultBucket> {
    const copy = new VaultBucket(this.#client, this.#bucket, `${this.#prefix}-${name}`)
    for (const other of await copy.names()) await copy.delete(other)
    for (const own of await this.names()) await copy.write(own, await this.read(own))
    return copy
  }

  #target(name: string): { Bucket: string; Key: string } {
    return { Bucket: this.#bucket, Key: `${this.#prefix}/${name}` }
  }
}

/** Those in a directory. */
export class VaultDirectory implements VaultObjects {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  get repo(): string {
    return this.path
  }

  copy(name: string): VaultDirectory {
    const path = `${this.path}-${name}`
    rmSync(path, { recursive: true, force: true })
    cpSync(this.path, path, { recursive: true })
    return new VaultDirectory(path)
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
