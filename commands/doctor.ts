import { boolean } from '@oclif/core/flags'
import type { DoctorResult } from '../src/operations/doctor.ts'
import { doctorReport, doctorTable } from '../src/presentation/doctor-report.ts'
import { exitCode, type ExitName } from './shared/exit-codes.ts'
import { interruptionSignal } from './shared/interruption.ts'
import { describe, VaultCommand } from './shared/vault-command.ts'

const EXITS: Readonly<Record<DoctorResult['verdict'], ExitName>> = { fit: 'ok', unfit: 'denied', unreachable: 'unreachable' }
const COLUMNS_WITHOUT_TERMINAL = 120

export default class Doctor extends VaultCommand {
  static override summary = 'probe a bucket or directory: is it fit for a vault?'
  static override description = describe(
    'Tries out what a vault needs of its storage and says what each answer means: credentials, region, each permission, ' +
    'conditional PUT, checksums, signatures, versioning, Object Lock, lifecycle rules, or what a file system can do. Needs ' +
    'no password, and no vault: run it before init. It stores some small objects below doctor/ and deletes them, 60 to ' +
    '110 requests in all. The exit code is 0 when a vault works there.',
  )
  static override examples = [
    '<%= config.bin %> doctor -r s3://bucket/laptop',
    '<%= config.bin %> doctor -r /mnt/disk/vault --json',
  ]
  static override flags = {
    'storage-classes': boolean({
      description: 'also store a small object in each storage class; Amazon bills those for up to 180 days, a fraction of a cent',
    }),
    'lock': boolean({ description: 'also lock a small object for five seconds, where the bucket has Object Lock' }),
  }

  async run(): Promise<number> {
    const { flags } = await this.parse(Doctor)
    const output = this.startOutput(flags)
    const { place } = await this.chooseVault(flags, output)
    const { doctor } = await import('../src/operations/doctor.ts')
    const { findings, ...result } = await doctor({
      ...place, signal: interruptionSignal,
      storageClasses: flags['storage-classes'] ? 'try' : 'leave',
      lock: flags.lock ? 'try' : 'leave',
    })
    doctorTable(findings, process.stdout.columns || COLUMNS_WITHOUT_TERMINAL).forEach((line) => output.print(line))
    for (const finding of findings) output.record({ type: 'finding', ...finding })
    const code = exitCode(EXITS[result.verdict])
    output.summary(doctorReport({ ...result, findings }), { type: 'summary', command: 'doctor', ...result, exitCode: code })
    return code
  }
}
