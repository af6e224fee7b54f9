import { hostname, userInfo } from 'node:os'
import { string as argument } from '@oclif/core/args'
import { boolean, string } from '@oclif/core/flags'
import { errnoOf, isVaultError, VaultError } from '../src/errors/vault-error.ts'
import type { BackupRequest, BackupResult } from '../src/operations/backup.ts'
import { backupReport } from '../src/presentation/backup-report.ts'
import { exitCode } from './shared/exit-codes.ts'
import { pricesFlag, repeated } from './shared/flags.ts'
import { interruptionSignal } from './shared/interruption.ts'
import type { Output } from './shared/output.ts'
import { confirmPassword, findPassword, type FoundPassword, type PasswordSources } from './shared/password.ts'
import { argumentBytes } from './shared/raw-arguments.ts'
import { findSources, readPathList, readPatternFile, requireTextPatterns, workingDirectory } from './shared/source-paths.ts'
import { requireVault, withStorageClass, type VaultChoice } from './shared/vault-choice.ts'
import { createVault, defaultVaultSecret } from './shared/vault-creation.ts'
import { describe, vaultAccess, VaultCommand, type CommonFlags } from './shared/vault-command.ts'

export default class BackupCommand extends VaultCommand {
  static override summary = 'back up files and directories into a new snapshot'
  static override description = describe(
    'Reads what changed since the last snapshot of the same host and paths, and stores what the vault does not have yet. ' +
    'An interrupted backup is continued by the next one. What cannot be read is reported, the rest goes on, and the exit ' +
    'code is 3.',
  )
  static override examples = [
    '<%= config.bin %> backup --init ~/documents',
    '<%= config.bin %> backup -r s3://bucket/laptop --exclude-caches --exclude "*.iso" /home /etc',
  ]
  static override args = {
    path: argument({ multiple: true, ignoreStdin: true, description: 'file or directory to back up' }),
  }
  static override flags = {
    'exclude': repeated({
      char: 'e', helpValue: 'PATTERN',
      description: 'leave out what matches, as in a .gitignore; the last match counts, ! takes back; may be given several times',
    }),
    'init': boolean({ description: 'make the vault first when there is none' }),
    'recovery-key-file': string({
      helpValue: 'FILE', dependsOn: ['init'], description: 'with --init: write the recovery key to this new file instead of showing it',
    }),
    'tag': repeated({ helpValue: 'TAG', description: 'mark the snapshot; may be given several times' }),
    'host': string({ helpValue: 'NAME', description: 'host name to record (without it: the name of this machine)' }),
    'exclude-file': repeated({ helpValue: 'FILE', description: 'file of such patterns, one a line, # starts a comment' }),
    'exclude-caches': boolean({ description: 'leave out directories that are marked by a CACHEDIR.TAG' }),
    'one-file-system': boolean({ char: 'x', description: 'do not go into other file systems below the given paths' }),
    'files-from': repeated({ helpValue: 'FILE', description: 'file of paths to back up, one a line as it is; - is standard input' }),
    'files-from0': repeated({ helpValue: 'FILE', description: 'the same, each path ended by a NUL, as find -print0 prints them' }),
    'dry-run': boolean({ char: 'n', description: 'read everything and say what would be stored, but store nothing' }),
    'storage-class': string({
      env: 'S3VAULT_STORAGE_CLASS', helpValue: 'CLASS',
      description: 'S3 storage class of the data packs stored by this run, such as STANDARD_IA or DEEP_ARCHIVE; index and ' +
        'metadata stay in the standard class',
    }),
    'prices': pricesFlag,
    'force': boolean({ char: 'f', description: 'read unchanged files too' }),
  }

  async run(): Promise<number> {
    const { flags, raw } = await this.parse(BackupCommand)
    const output = this.startOutput(flags)
    const typed = raw.filter((token) => token.type === 'arg').map(({ input }) => argumentBytes(input))
    const listed = [
      ...(flags['files-from'] ?? []).flatMap((file) => readPathList(file, 'line')),
      ...(flags['files-from0'] ?? []).flatMap((file) => readPathList(file, 'nul')),
    ]
    const named = typed.length + listed.length > 0 ? typed : await this.#configuredPaths()
    const excludes = [...(flags['exclude-file'] ?? []).flatMap(readPatternFile), ...requireTextPatterns(flags.exclude ?? [])]
    const { paths, missing } = findSources([...named, ...listed], workingDirectory())
    for (const { path, message } of missing) output.warning(path, message)
    const result = await this.#backUp(flags, output, {
      paths, tags: flags.tag ?? [], host: flags.host ?? hostname(), user: userName(),
      selection: { excludes, excludeCaches: flags['exclude-caches'], oneFileSystem: flags['one-file-system'] },
      mode: flags['dry-run'] ? 'dry-run' : 'commit',
      reading: flags.force ? 'all' : 'changed',
      totals: output.showsProgress ? 'scan' : 'unknown',
      ...(flags['dry-run'] ? { prices: (await import('../src/cost/price-table.ts')).loadPriceTable(flags.prices) } : {}),
      events: output.onEvent,
    })
    return this.#finish(output, { ...result, warnings: result.warnings + missing.length })
  }

  /** The key `paths` of the file of settings. Throws `usage` without it. */
  async #configuredPaths(): Promise<Uint8Array[]> {
    const paths = (await this.settings()).find('paths')?.value
    if (Array.isArray(paths)) return paths.map((path) => argumentBytes(String(path)))
    throw new VaultError('usage', 'nothing to back up: no path given', {
      hint: 's3vault backup PATH, or --files-from FILE, or paths = ["PATH"] in the file of settings',
    })
  }

  /** Opens the vault, with --init after making it when there is none, and backs up. */
  async #backUp(
    flags: CommonFlags & {
      readonly 'init': boolean; readonly 'recovery-key-file'?: string | undefined; readonly 'storage-class'?: string | undefined
    },
    output: Output, request: Omit<BackupRequest, keyof ReturnType<typeof vaultAccess>>,
  ): Promise<BackupResult> {
    const { backup } = await import('../src/operations/backup.ts')
    const choice = withStorageClass(await this.chooseVault(flags, output), flags['storage-class'], output)
    if (!flags.init) requireVault(choice)
    const sources = await this.passwordSources(flags, choice, output)
    const found = await this.#password(sources, choice, flags.init)
    try {
      return await backup({ ...request, ...vaultAccess(choice, found) })
    } catch (error) {
      if (!flags.init || !isVaultError(error, 'vault-missing', 'vault-incomplete')) throw error
    }
    if (request.mode === 'dry-run') throw new VaultError('vault-missing', 'there is no vault yet, and a dry run makes none')
    if (found.origin === 'terminal') await confirmPassword(sources, found.password)
    await createVault({
      choice, output, password: found.password, recoveryKeyFile: flags['recovery-key-file'], signal: interruptionSignal,
    })
    return backup({ ...request, ...vaultAccess(choice, found) })
  }

  /** The default vault brings its own secret, made here before the vault is. */
  async #password(sources: PasswordSources, choice: VaultChoice, mayCreate: boolean): Promise<FoundPassword> {
    if (mayCreate && choice.secretFile !== undefined && sources.passwordFile === undefined) await defaultVaultSecret(choice)
    return findPassword(sources, 'open')
  }

  #finish(output: Output, result: BackupResult): number {
    const code = exitCode(result.warnings > 0 ? 'partial' : 'ok')
    const { snapshot, parent, summary, warnings, requests, estimate } = result
    output.summary(backupReport(result), {
      type: 'summary', command: 'backup',
      ...(snapshot === undefined ? {} : { snapshot: snapshot.id, time: snapshot.time }),
      ...(parent === undefined ? {} : { parent }),
      ...summary, warnings, requests, ...(estimate === undefined ? {} : { estimate }), exitCode: code,
    })
    return code
  }
}

function userName(): string {
  try {
    return userInfo().username
  } catch (error) {
    // A uid without an entry in the user database, as in containers.
    if (errnoOf(error) === undefined) throw error
    return String(process.getuid?.() ?? '')
  }
}
