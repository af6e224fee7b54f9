// Objects in classes that cannot be read at once: their state, and asking for them.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/restoring-objects.html
import type { HeadObjectCommandOutput } from '@aws-sdk/client-s3'
import type { ObjectName } from '../../ids/ids.ts'
import type { Archive, ArchiveState, ReadOptions, ReturnRequest } from '../backend.ts'
import { throwIfInterrupted } from '../failures.ts'
import { targetOf, type S3Access } from './access.ts'
import { s3Error } from './s3-errors.ts'

const ARCHIVE_CLASSES = new Set(['GLACIER', 'DEEP_ARCHIVE'])
const TIERS = { expedited: 'Expedited', standard: 'Standard', bulk: 'Bulk' } as const

export class S3Archive implements Archive {
  readonly #access: S3Access

  constructor(access: S3Access) {
    this.#access = access
  }

  async state(name: ObjectName, { signal }: ReadOptions = {}): Promise<ArchiveState> {
    throwIfInterrupted(signal)
    const { sdk, client, counts } = this.#access
    counts.stat++
    try {
      const command = new sdk.HeadObjectCommand(targetOf(this.#access, name))
      return stateOf(await client.send(command, signal ? { abortSignal: signal } : {}))
    } catch (error) {
      throw this.#mapped(error, 'read', name, signal)
    }
  }

  /** Billed like a PUT, and counted as one. */
  async bringBack(name: ObjectName, { speed, days }: ReturnRequest, { signal }: ReadOptions = {}): Promise<ArchiveState> {
    throwIfInterrupted(signal)
    const { sdk, client, counts } = this.#access
    counts.put++
    try {
      const command = new sdk.RestoreObjectCommand({
        ...targetOf(this.#access, name), RestoreRequest: { Days: days, GlacierJobParameters: { Tier: TIERS[speed] } },
      })
      const answer = await client.send(command, signal ? { abortSignal: signal } : {})
      // 202: it was archived; 200: a readable copy exists, and stays longer.
      return answer.$metadata.httpStatusCode === 200 ? 'readable' : 'returning'
    } catch (error) {
      if (error instanceof Error && error.name === 'RestoreAlreadyInProgress') return 'returning'
      // It is in no archive: on some servers (Ceph) GLACIER is a class like any other.
      if (error instanceof Error && error.name === 'InvalidObjectState') return 'readable'
      throw this.#mapped(error, 'bring back', name, signal)
    }
  }

  #mapped(error: unknown, action: string, name: ObjectName, signal: AbortSignal | undefined): unknown {
    return s3Error(error, action, `${this.#access.location}/${name}`, signal)
  }
}

function stateOf({ Restore, StorageClass, ArchiveStatus }: HeadObjectCommandOutput): ArchiveState {
  const ongoing = /ongoing-request="(true|false)"/.exec(Restore ?? '')?.[1]
  if (ongoing !== undefined) return ongoing === 'true' ? 'returning' : 'readable'
  const isArchived = ARCHIVE_CLASSES.has(StorageClass ?? '') || ArchiveStatus !== undefined
  return isArchived ? 'archived' : 'readable'
}
