// A person's program behind a line that breaks requests: the CLI, the proxy, a server behind it; and the story that must
// come out right whatever the line does.
import assert from 'node:assert/strict'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { SeededBytes } from '../../../fixtures/seeded-bytes.ts'
import { compareTrees } from '../../../fixtures/tree-comparator.ts'
import type { RestoreResult } from '../../../src/operations/restore.ts'
import { s3Environment } from '../../e2e/storage-sites.ts'
import { Cli, summaryOf, type BackupRecord, type CliRun, type Scope } from '../cli.ts'
import type { Credentials } from '../s3-server/authentication.ts'
import type { FaultChoice } from './faults.ts'
import { FaultProxy } from './fault-proxy.ts'
import type { LineProperties } from './line.ts'

/** Seconds; long enough for an answer on a busy machine. */
const STALL_TIMEOUT = '2'

export interface TroubledSource {
  readonly seed: number | string
  /** Files of a tenth of a MiB. */
  readonly fileCount: number
}

export class TroubledLine {
  readonly cli: Cli
  readonly proxy: FaultProxy
  readonly source: string
  readonly #noise: SeededBytes

  private constructor(cli: Cli, proxy: FaultProxy, seed: number | string) {
    this.cli = cli
    this.proxy = proxy
    this.source = cli.path('source')
    this.#noise = new SeededBytes(seed)
  }

  /** A vault with small packs in `bucket`, so that there are many requests, and a source to be backed up. */
  static async make(
    scope: Scope, server: Credentials & { readonly endpoint: string }, bucket: string, { seed, fileCount }: TroubledSource,
    line: LineProperties = {},
  ): Promise<TroubledLine> {
    const proxy = await FaultProxy.start(server.endpoint, line)
    scope.after(() => proxy.close())
    const troubled = new TroubledLine(new Cli(scope, 2 ** 30), proxy, seed)
    Object.assign(troubled.cli.env, s3Environment({ ...server, endpoint: proxy.endpoint }), { S3VAULT_S3_TIMEOUT: STALL_TIMEOUT })
    mkdirSync(troubled.source)
    troubled.addFiles('first', fileCount)
    await troubled.cli.init(`s3://${bucket}/vault-${seed}`, '--pack-size', '1')
    return troubled
  }

  addFiles(name: string, count: number): void {
    for (let index = 0; index < count; index++) {
      writeFileSync(`${this.source}/${name}-${index}`, this.#noise.noise(`${name}-${index}`, 100_000))
    }
  }

  /** Backup, second backup, check of all data, restore: each succeeds, nothing is lost. Returns what was retried. */
  async survives(faults: FaultChoice): Promise<number> {
    const { cli, proxy, source } = this
    proxy.setFaults(faults)
    const first = await cli.backup([source])
    this.addFiles('second', 10)
    const second = await cli.backup([source])
    assert.ok(first.snapshot !== undefined && second.parent === first.snapshot, 'the second backup knows the first')
    assert.deepEqual([second.filesNew, second.warnings], [10, 0])
    const check = await cli.check(['--read-data'])
    assert.deepEqual([check.errors, check.findings.filter(({ severity }) => severity === 'error')], [0, []])
    // What is cached locally would not be asked for.
    rmSync(cli.cacheDirectory, { recursive: true })
    const restored = await cli.restore([`latest:${source}`, '-t', cli.path('back')])
    assert.deepEqual(compareTrees(source, cli.path('back')), [])
    proxy.setFaults(() => undefined)
    const calm = await cli.check(['--read-data'])
    assert.deepEqual([calm.errors, calm.requests.retries], [0, 0])
    return first.requests.retries + second.requests.retries + check.requests.retries + restored.requests.retries
  }
}

/** What a run with --json said by the way, in order. */
export const noticesOf = ({ records }: CliRun): string[] =>
  records.filter(({ type }) => type === 'notice').map(({ message }) => String(message))

export const retriesOf = (run: CliRun): number => summaryOf<BackupRecord | RestoreResult>(run).requests.retries
