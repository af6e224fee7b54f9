// What a vault in a directory needs of its file system, tried out in a folder of its own, which is removed.
import { link, mkdir, open, readFile, rm, rmdir, stat, statfs, writeFile } from 'node:fs/promises'
import type { BigIntStats } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import type { Clock } from '../async/clock.ts'
import { syncFolder } from '../backend/directory/folders.ts'
import { isMissing, mapped } from '../backend/directory/system-errors.ts'
import { tryLock, withFileLock } from '../backend/flock.ts'
import { describeError, errnoOf, isVaultError } from '../errors/vault-error.ts'
import { skewText } from './connection.ts'
import { fileSystemFinding } from './file-systems.ts'
import { finding, type ProbeFinding } from './finding.ts'
import { randomFolder } from './probe-names.ts'

export interface DirectoryReport {
  readonly findings: readonly ProbeFinding[]
  /** Absolute. */
  readonly path: string
}

export interface DirectoryProbing {
  readonly path: string
  /** The person's home, to tell whether the vault lies on the same disk; undefined: not told. */
  readonly home?: string | undefined
  readonly clock: Clock
}

/** Probes the directory, or, when it does not exist yet, the one that it would be made in. */
export async function probeDirectory(probing: DirectoryProbing): Promise<DirectoryReport> {
  const path = resolve(probing.path)
  const place = await existingPlace(path)
  const findings: ProbeFinding[] = [placeFinding(path, place)]
  if (place.kind === 'file') return { path, findings }
  findings.push(...(await probeFileSystem(place.path, probing.home)))
  const parent = join(place.path, dirname(randomFolder()))
  const folder = join(place.path, randomFolder())
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    findings.push(finding('writing', 'missing', describeError(error), 'no backup can be stored there: check owner, permissions and mount options', 'required'))
    return { path, findings }
  }
  try {
    findings.push(...(await probeFiles(folder, probing.clock)))
  } finally {
    await rm(folder, { recursive: true, force: true })
    await rmdir(parent).catch((error: unknown) => {
      if (!isMissing(error) && errnoOf(error) !== 'ENOTEMPTY' && errnoOf(error) !== 'EEXIST') throw error
    })
  }
  return { path, findings }
}

interface Place {
  readonly kind: 'directory' | 'parent' | 'file'
  readonly path: string
}

async function existingPlace(path: string, kind: Place['kind'] = 'directory'): Promise<Place> {
  return mapped('read', path, async () => {
    const status = await stat(path).catch((error: unknown) => {
      if (isMissing(error)) return undefined
      throw error
    })
    if (status === undefined) return existingPlace(dirname(path), 'parent')
    return { kind: status.isDirectory() ? kind : 'file', path }
  })
}

function placeFinding(path: string, place: Place): ProbeFinding {
  switch (place.kind) {
    case 'directory': return finding('directory', 'ok', path, 'it is there', 'required')
    case 'parent': return finding('directory', 'ok', `not there yet; would be made in ${place.path}`, 's3vault init makes it', 'required')
    case 'file': return finding('directory', 'missing', `${place.path} is no directory`, 'give another place', 'required')
  }
}

const FREE_BYTES_FEW = 2 ** 30
const FREE_INODES_FEW = 10_000n

export interface Room {
  readonly freeBytes: bigint
  /** Undefined where the file system makes them as needed. */
  readonly freeInodes: bigint | undefined
}

export function roomFinding({ freeBytes, freeInodes }: Room): ProbeFinding {
  const gib = (Number(freeBytes) / 2 ** 30).toFixed(1)
  const seen = `${gib} GiB free${freeInodes === undefined ? '' : `, ${freeInodes} files more`}`
  const isShort = freeBytes < FREE_BYTES_FEW || (freeInodes !== undefined && freeInodes < FREE_INODES_FEW)
  return isShort
    ? finding('room', 'limited', seen, 'a backup that does not fit ends with exit code 15; what it stored by then is used by the next')
    : finding('room', 'ok', seen, 'a vault has one file for each 32 MiB of new data, and some')
}

async function probeFileSystem(path: string, home: string | undefined): Promise<ProbeFinding[]> {
  const { type, bavail, bsize, files, ffree } = await mapped('read', path, () => statfs(path, { bigint: true }))
  const findings = [fileSystemFinding(Number(type)), roomFinding({ freeBytes: bavail * bsize, freeInodes: files === 0n ? undefined : ffree })]
  const homeStatus = home === undefined ? undefined : await stat(home).catch(() => undefined)
  if (homeStatus !== undefined) findings.push(diskFinding(homeStatus.dev === (await stat(path)).dev))
  return findings
}

export const diskFinding = (isSame: boolean): ProbeFinding => isSame
  ? finding('disk', 'limited', 'the one that your home lies on', 'good against mistakes, not against the loss of this disk or machine')
  : finding('disk', 'ok', 'another one than your home lies on', 'the loss of one leaves the other, if they are two devices')

async function probeFiles(folder: string, clock: Clock): Promise<ProbeFinding[]> {
  return [
    await probeWriting(folder), await probeLinking(folder), await probeLocking(folder), ...(await probeTimes(folder, clock)),
  ]
}

const BYTES = Buffer.from('what a probe wrote')

async function probeWriting(folder: string): Promise<ProbeFinding> {
  const path = join(folder, 'written')
  try {
    const handle = await open(path, 'wx', 0o600)
    try {
      await handle.write(BYTES)
      await handle.sync()
    } finally {
      await handle.close()
    }
    await syncFolder(folder)
  } catch (error) {
    return finding('writing', 'missing', describeError(error), 'objects must be stored so that a power cut leaves them: fsync is needed for files and folders', 'required')
  }
  return (await readFile(path)).equals(BYTES)
    ? finding('writing', 'ok', 'written, fsynced, read back', 'what a backup stored survives a power cut, if the disk keeps its word', 'required')
    : finding('writing', 'failed', 'other bytes are read back', 'nothing can be trusted to this file system', 'required')
}

async function probeLinking(folder: string): Promise<ProbeFinding> {
  const [source, name] = [join(folder, 'unnamed'), join(folder, 'named')]
  await writeFile(source, BYTES)
  try {
    await link(source, name)
  } catch (error) {
    return finding('hard links', 'missing', describeError(error), 's3vault gives finished files their names by them; FAT and exFAT have none', 'required')
  }
  try {
    await link(source, name)
  } catch (error) {
    if (errnoOf(error) === 'EEXIST') return finding('hard links', 'ok', 'a taken name is refused', 'no object is ever overwritten or seen half written', 'required')
    return finding('hard links', 'failed', describeError(error), 'a taken name must be refused as such', 'required')
  }
  return finding('hard links', 'failed', 'a taken name was given again', 'objects could be overwritten', 'required')
}

async function probeLocking(folder: string): Promise<ProbeFinding> {
  const path = join(folder, 'lock')
  try {
    return await withFileLock(path, 'exclusive', async () => {
      const other = await open(path, 'r+')
      try {
        return lockingFinding(tryLock(other.fd))
      } finally {
        await other.close()
      }
    })
  } catch (error) {
    if (!isVaultError(error)) throw error
    return finding('locks', 'missing', error.message, error.hint ?? 'flock(2) is needed', 'required')
  }
}

export const lockingFinding = (isShared: boolean): ProbeFinding => isShared
  ? finding('locks', 'failed', 'two hold one exclusive lock', "prune and backups could not keep out of each other's way", 'required')
  : finding('locks', 'ok', 'an exclusive lock excludes', "backups and a later prune keep out of each other's way", 'required')

const TIME_SAMPLES = 3

async function probeTimes(folder: string, clock: Clock): Promise<ProbeFinding[]> {
  const samples: BigIntStats[] = []
  for (let sample = 0; sample < TIME_SAMPLES; sample++) {
    const path = join(folder, `time-${sample}`)
    await writeFile(path, BYTES)
    samples.push(await stat(path, { bigint: true }))
  }
  const hereMs = clock.nowMs()
  return [resolutionFinding(samples.map(({ mtimeNs }) => mtimeNs)), clockFinding(hereMs - Number(samples.at(-1)?.mtimeMs ?? hereMs))]
}

const SKEW_MS_OK = 60_000

/** How far this machine's clock is ahead of the one that stamps the files: of a network file system, its server's. */
export function clockFinding(skewMs: number): ProbeFinding {
  const seen = skewText(-skewMs, 'this machine')
  return Math.abs(skewMs) < SKEW_MS_OK
    ? finding('clock of the file system', 'ok', seen, 'snapshots carry the right time')
    : finding('clock of the file system', 'limited', seen, 'snapshots are named by it: set both clocks right')
}

const BILLION = 1_000_000_000n

export function resolutionFinding(mtimesNs: readonly bigint[]): ProbeFinding {
  const isWhole = mtimesNs.every((ns) => ns % BILLION === 0n)
  return isWhole
    ? finding('file times', 'limited', 'whole seconds', 'leases and marks are told apart by seconds, which is enough')
    : finding('file times', 'ok', 'finer than a second', 'writers are told apart by them')
}
