// Says whether a place is fit for a vault, before there is one and after. Needs no password.
import { homedir } from 'node:os'
import { systemClock } from '../async/clock.ts'
import { parseLocation, formatLocation } from '../backend/location.ts'
import { openBackend } from '../backend/open.ts'
import { localState } from '../cache/local-state.ts'
import { StorageMemory } from '../cache/storage-memory.ts'
import { isVaultError, type VaultError } from '../errors/vault-error.ts'
import type { VaultId } from '../ids/ids.ts'
import {
  capabilityDifferences, isSamePlace, type CapabilityDifference, type StorageCapabilities, type StorageRecord,
} from '../probe/capabilities.ts'
import { finding, isHindrance, type ProbeFinding } from '../probe/finding.ts'
import { CONFIG_NAME, parseConfig, unverifiedStorage } from '../repository/vault-config.ts'
import { connectionOf, type VaultPlace } from './vault-access.ts'

export interface DoctorRequest extends VaultPlace {
  /** `try` stores a probe object of each class; Amazon bills them for their minimum time. */
  readonly storageClasses: 'try' | 'leave'
  /** `try` locks a probe object for some seconds. */
  readonly lock: 'try' | 'leave'
  readonly signal?: AbortSignal
}

export interface DoctorResult {
  readonly location: string
  readonly findings: readonly ProbeFinding[]
  /** `fit`: a vault works there. */
  readonly verdict: 'fit' | 'unfit' | 'unreachable'
  readonly endpoint?: string
  readonly capabilities?: StorageCapabilities
  /** Present when a vault is there. */
  readonly vault?: string
  /** What that vault says of its storage; not verified, since no password was asked for. */
  readonly recorded?: StorageRecord
  readonly differences: readonly CapabilityDifference[]
  readonly leftBehind: readonly string[]
  readonly requests: number
}

/** Throws `usage` and `interrupted`; what is wrong with the storage is a finding. */
export async function doctor(request: DoctorRequest): Promise<DoctorResult> {
  const location = parseLocation(request.repo)
  if (location.kind === 'directory') {
    const { probeDirectory } = await import('../probe/directory.ts')
    const { findings, path } = await probeDirectory({ path: location.path, home: homedir(), clock: systemClock })
    return conclude(path, findings, isHindered(findings) ? undefined : await readVault(request), {})
  }
  const { probeBucket } = await import('../probe/bucket.ts')
  const { storageClasses, lock, signal } = request
  const report = await probeBucket({ ...location, connection: connectionOf(request), clock: systemClock, signal, storageClasses, lock })
  const vault = report.capabilities === undefined ? undefined : await readVault(request)
  const { bucket } = location
  const { endpoint, capabilities } = report
  const record = endpoint === undefined || capabilities === undefined ? undefined :
    { endpoint, bucket, probed: new Date(systemClock.nowMs()).toISOString(), capabilities }
  if (vault?.id !== undefined && record !== undefined && record.capabilities.conditionalPut !== 'unknown') {
    new StorageMemory(localState(request.cacheDirectory, vault.id).directory).remember(record)
  }
  return conclude(formatLocation(location), report.findings, vault, { ...report, ...(record === undefined ? {} : { record }) })
}

const isHindered = (findings: readonly ProbeFinding[]): boolean => findings.some(isHindrance)

interface FoundVault {
  readonly finding: ProbeFinding
  readonly id?: VaultId
  readonly recorded?: StorageRecord | undefined
}

/** Reads the config object as far as that goes without a password. */
async function readVault(request: DoctorRequest): Promise<FoundVault> {
  try {
    const backend = await openBackend(parseLocation(request.repo), { s3: connectionOf(request) })
    try {
      const options = request.signal === undefined ? {} : { signal: request.signal }
      const config = parseConfig(await backend.get(CONFIG_NAME, undefined, options), backend.location)
      return { finding: finding('vault', 'ok', config.vault, 'there is one'), id: config.vault, recorded: unverifiedStorage(config) }
    } finally {
      await backend.close()
    }
  } catch (error) {
    if (!isVaultError(error) || isVaultError(error, 'interrupted')) throw error
    return { finding: vaultProblem(error) }
  }
}

function vaultProblem(error: VaultError): ProbeFinding {
  return error.code === 'object-missing' || error.code === 'vault-missing'
    ? finding('vault', 'ok', 'none yet', 'make one with: s3vault init')
    : finding('vault', 'failed', error.message, error.hint ?? 'see s3vault check', 'required')
}

interface Told {
  readonly record?: StorageRecord
  readonly leftBehind?: readonly string[]
  readonly requests?: number
  readonly endpoint?: string
  readonly failure?: VaultError
}

function conclude(location: string, probed: readonly ProbeFinding[], vault: FoundVault | undefined, told: Told): DoctorResult {
  const { record, endpoint, leftBehind = [], requests = 0, failure } = told
  const recorded = vault?.recorded
  const isComparable = recorded !== undefined && record !== undefined && isSamePlace(recorded, record)
  const differences = isComparable ? capabilityDifferences(recorded.capabilities, record.capabilities) : []
  const findings = [
    ...probed, ...(vault === undefined ? [] : [vault.finding]),
    ...(recorded === undefined || record === undefined ? [] : [recordFinding(recorded, record, differences)]),
  ]
  return {
    location, findings, differences, leftBehind, requests,
    verdict: isVaultError(failure, 'storage-unreachable') ? 'unreachable' : isHindered(findings) ? 'unfit' : 'fit',
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(record === undefined ? {} : { capabilities: record.capabilities }),
    ...(vault?.id === undefined ? {} : { vault: vault.id }),
    ...(recorded === undefined ? {} : { recorded }),
  }
}

export function recordFinding(recorded: StorageRecord, now: StorageRecord, differences: readonly CapabilityDifference[]): ProbeFinding {
  const name = 'recorded at init'
  if (!isSamePlace(recorded, now)) {
    return finding(name, 'limited', `for ${recorded.bucket} at ${recorded.endpoint}`,
      'the vault is reached through another endpoint, or is a copy: this machine goes by what was probed now')
  }
  const since = recorded.probed.slice(0, 10)
  if (differences.length === 0) return finding(name, 'ok', `the same on ${since}`, 'nothing has changed since the vault was made')
  const words = differences.map((each) => `${each.name} was ${each.recorded}, is ${each.now}`).join('; ')
  return finding(name, 'limited', `on ${since}: ${words}`, 'the storage has changed; this machine goes by what was probed now')
}
