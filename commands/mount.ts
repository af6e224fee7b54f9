import { resolve } from 'node:path'
import { string as argument } from '@oclif/core/args'
import { boolean, integer, string } from '@oclif/core/flags'
import { describeError } from '../src/errors/vault-error.ts'
import type { Mounted } from '../src/operations/mount.ts'
import { formatItems } from '../src/presentation/quantities.ts'
import { pathText } from '../src/snapshot/path-text.ts'
import { isDaemon, readSecrets, reportReady, startDaemon } from './shared/daemon.ts'
import { exitCode } from './shared/exit-codes.ts'
import { interruptionSignal } from './shared/interruption.ts'
import type { Output } from './shared/output.ts'
import { findPassword } from './shared/password.ts'
import { argumentBytes } from './shared/raw-arguments.ts'
import { snapshotFilter, snapshotFilterFlags } from './shared/snapshot-filter.ts'
import { absolutePath, workingDirectory } from './shared/source-paths.ts'
import { requireVault, type VaultChoice } from './shared/vault-choice.ts'
import { describe, vaultAccess, VaultCommand } from './shared/vault-command.ts'

const MIB = 1024 * 1024

export default class Mount extends VaultCommand {
  static override summary = 'show snapshots as a file system, read-only'
  static override description = describe(
    'Shows every snapshot as a directory TIME_ID below MOUNTPOINT, and latest as a symlink to the newest; with --snapshot ' +
    'the tree of that snapshot itself. New snapshots appear by themselves. Nothing can be written. Returns when the files can ' +
    'be used and goes on in the background, until s3vault umount or SIGTERM ends it. Only what is read is fetched, and a ' +
    'file whose content is damaged gives an input/output error, never wrong bytes. Only the user who mounts may enter, and ' +
    'sees everything; with --allow-other everybody may, and sees what owners, modes and ACLs permit. Needs fusermount3 ' +
    '(package fuse3) unless root mounts.',
  )
  static override examples = [
    '<%= config.bin %> mount /mnt/backup && ls /mnt/backup/latest/',
    '<%= config.bin %> mount --snapshot latest --path /home/ana --foreground ~/restored',
  ]
  static override args = {
    mountpoint: argument({ required: true, ignoreStdin: true, description: 'empty directory to mount on' }),
  }
  static override flags = {
    'foreground': boolean({ description: 'stay in the foreground and show problems on the terminal; Ctrl-C unmounts' }),
    'allow-other': boolean({ description: 'let other users in (a user needs user_allow_other in /etc/fuse.conf for that)' }),
    'read-only': boolean({ description: 'mount read-only, which is the only way this version has' }),
    'nonempty': boolean({ description: 'mount over a directory that is not empty; what it holds is hidden meanwhile' }),
    'snapshot': string({ helpValue: 'ID', description: 'show this snapshot alone: an id or its first digits, latest, or latest~N' }),
    ...snapshotFilterFlags,
    'memory': integer({
      helpValue: 'MIB', default: 128, min: 16, max: 1024 * 1024,
      description: 'keep up to this much file content in memory, in MiB; the program itself takes about 150 more',
    }),
    'cache-size': integer({
      helpValue: 'MIB', default: 1024, min: 0, max: 1024 * 1024 * 1024,
      description: 'keep up to this much content of a vault in a bucket on the local disk, in MiB, encrypted as it is in the ' +
        'bucket; 0 keeps nothing',
    }),
  }

  async run(): Promise<number> {
    const isChild = isDaemon()
    const { args, flags } = await this.parse(Mount)
    const output = this.startOutput(flags)
    const choice = await this.chooseVault(flags, output)
    requireVault(choice)
    if (isChild) return this.#serveInBackground(flags, choice)
    const mountPoint = absolutePath(argumentBytes(args.mountpoint), workingDirectory())
    const found = await findPassword(await this.passwordSources(flags, choice, output), 'open')
    if (flags.foreground) return this.#serve(flags, choice, found.password, mountPoint, output)
    const started = await startDaemon({ password: found.password, mountPoint: Buffer.from(mountPoint).toString('hex') })
    if ('exitCode' in started) return started.exitCode
    const { snapshots, pid } = started.ready
    const log = logPath(choice, mountPoint)
    output.summary(
      [`${formatItems(snapshots, 'snapshot')} mounted at ${pathText(mountPoint)}; problems are logged in ${log}`],
      { type: 'summary', command: 'mount', mountPoint: pathText(mountPoint), snapshots, pid, log, exitCode: exitCode('ok') },
    )
    return exitCode('ok')
  }

  async #serve(flags: MountFlags, choice: VaultChoice, password: string, mountPoint: Uint8Array, output: Output): Promise<number> {
    let mounted: Mounted | undefined
    const { mount } = await import('../src/operations/mount.ts')
    await mount({
      ...requestOf(flags, choice, password, mountPoint),
      log: (message) => output.warning('', message),
      onMounted: (ready) => {
        mounted = ready
        const place = pathText(ready.mountPoint)
        if (output.format === 'text') output.notice(`${formatItems(ready.snapshots, 'snapshot')} mounted at ${place}; Ctrl-C unmounts`)
        output.record({ type: 'mounted', mountPoint: place, snapshots: ready.snapshots })
        output.flush()
      },
    })
    const place = mounted && pathText(mounted.mountPoint)
    output.summary([], { type: 'summary', command: 'mount', mountPoint: place, exitCode: exitCode('ok') })
    return exitCode('ok')
  }

  async #serveInBackground(flags: MountFlags, choice: VaultChoice): Promise<number> {
    const secrets = readSecrets()
    const mountPoint = new Uint8Array(Buffer.from(secrets.mountPoint, 'hex'))
    const [{ mount }, { LogFile }] = await Promise.all([import('../src/operations/mount.ts'), import('../src/mount/log-file.ts')])
    const log = new LogFile(logPath(choice, mountPoint))
    // Nobody sees what is printed once the parent is gone.
    process.on('uncaughtExceptionMonitor', (error) => log.write(`ended by an internal error, please report: ${error.stack ?? error.message}`))
    try {
      await mount({
        ...requestOf(flags, choice, secrets.password, mountPoint),
        log: (message) => log.write(message),
        onMounted: ({ snapshots }) => {
          log.write(`mounted, ${formatItems(snapshots, 'snapshot')}, pid ${process.pid}`)
          reportReady({ snapshots, pid: process.pid })
        },
      })
    } catch (error) {
      log.write(`ended: ${describeError(error)}`)
      throw error
    }
    log.write('unmounted')
    return exitCode('ok')
  }
}

interface MountFlags {
  readonly 'allow-other': boolean
  readonly 'nonempty': boolean
  readonly 'snapshot'?: string | undefined
  readonly 'host'?: readonly string[] | undefined
  readonly 'tag'?: readonly string[] | undefined
  readonly 'path'?: readonly string[] | undefined
  readonly 'memory': number
  readonly 'cache-size': number
}

function requestOf(flags: MountFlags, choice: VaultChoice, password: string, mountPoint: Uint8Array) {
  const access = vaultAccess(choice, { password, origin: 'file' })
  return {
    ...access, mountPoint, signal: interruptionSignal,
    // The process leaves its working directory, and goes on long after.
    cacheDirectory: resolve(access.cacheDirectory),
    contents: flags.nonempty ? 'may-be-hidden' : 'must-be-empty',
    visibility: flags['allow-other'] ? 'everyone' : 'mounter',
    memoryBytes: flags.memory * MIB,
    cacheBytes: flags['cache-size'] * MIB,
    ...(flags.snapshot === undefined ? {} : { snapshot: flags.snapshot }),
    filter: snapshotFilter(flags),
  } as const
}

/** One log a mount point. */
function logPath({ stateDirectory }: VaultChoice, mountPoint: Uint8Array): string {
  const name = Buffer.from(mountPoint).toString('utf8').replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^-/, '').slice(-100)
  return resolve(stateDirectory, 'log', `mount-${name || 'root'}.log`)
}
