import { string as argument } from '@oclif/core/args'
import { boolean } from '@oclif/core/flags'
import { pathText } from '../src/snapshot/path-text.ts'
import { exitCode } from './shared/exit-codes.ts'
import { argumentBytes } from './shared/raw-arguments.ts'
import { absolutePath, workingDirectory } from './shared/source-paths.ts'
import { describe, VaultCommand } from './shared/vault-command.ts'

export default class Umount extends VaultCommand {
  static override summary = 'end a mount'
  static override description = describe(
    'Unmounts what s3vault mount has mounted, and takes away what a mount leaves behind whose process has died. A mount ' +
    'that is in use stays, and the exit code is 1.',
  )
  static override examples = ['<%= config.bin %> umount /mnt/backup']
  static override args = {
    mountpoint: argument({ required: true, ignoreStdin: true, description: 'directory that the vault is mounted on' }),
  }
  static override flags = {
    lazy: boolean({ description: 'take it away at once, even while programs use it; it ends when the last of them does' }),
  }

  async run(): Promise<number> {
    const { args, flags } = await this.parse(Umount)
    const output = this.startOutput(flags)
    const { unmount } = await import('../src/operations/mount.ts')
    const mountPoint = pathText(unmount(absolutePath(argumentBytes(args.mountpoint), workingDirectory()), flags.lazy ? 'lazy' : 'now'))
    output.summary([], { type: 'summary', command: 'umount', mountPoint, exitCode: exitCode('ok') })
    return exitCode('ok')
  }
}
