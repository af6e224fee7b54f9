// Makes the calls of a backend fail as a test or a simulation chooses. It breaks the contract on purpose; behind the
// retry decorator, with passing faults only, the whole keeps the contract again, which is what the tests check.
import type { Clock } from '../async/clock.ts'
import { VaultError } from '../errors/vault-error.ts'
import type { ObjectName } from '../ids/ids.ts'
import type { Backend, ByteRange, GetOptions, ListOptions, ObjectInfo, PutOptions, ReadOptions } from './backend.ts'
import { sleepUnlessInterrupted } from './failures.ts'

export type BackendMethod = 'put' | 'get' | 'stat' | 'list' | 'delete' | 'serverTimeMs'

export interface BackendCall {
  readonly method: BackendMethod
  /** The object's name; of `list` the prefix; of `serverTimeMs` ''. */
  readonly name: string
  readonly isFenced: boolean
  /** 0 for the first call of this backend. */
  readonly index: number
}

export type BackendFault =
  | { readonly kind: 'fail-before'; readonly error?: Error } // nothing is done
  | { readonly kind: 'fail-after'; readonly error?: Error } // done, the answer is lost; `list`: half way
  | { readonly kind: 'truncate' } // get: the last byte is missing
  | { readonly kind: 'corrupt' } // get: one bit is wrong
  | { readonly kind: 'delay'; readonly delayMs: number }

/** Asked once a call, in the order of the calls; seed it to be repeatable. */
export type FaultChooser = (call: BackendCall) => BackendFault | undefined

function injected(fault: { readonly kind: string; readonly error?: Error }, { method, name }: BackendCall): Error {
  return fault.error ?? new VaultError('storage-unreachable', `injected ${fault.kind} in ${method} ${name}`, { retry: 'later' })
}

export class FaultyBackend implements Backend {
  readonly inner: Backend
  readonly #choose: FaultChooser
  readonly #clock: Clock
  #callCount = 0

  constructor(inner: Backend, choose: FaultChooser, clock: Clock) {
    this.inner = inner
    this.#choose = choose
    this.#clock = clock
  }

  get location(): string {
    return this.inner.location
  }

  get isRemote(): boolean {
    return this.inner.isRemote
  }

  get connectionsMax(): number {
    return this.inner.connectionsMax
  }

  get counts(): Backend['counts'] {
    return this.inner.counts
  }

  async put(name: ObjectName, bytes: Uint8Array, options: PutOptions = {}): Promise<void> {
    await this.#call('put', name, options, () => this.inner.put(name, bytes, options))
  }

  async get(name: ObjectName, range?: ByteRange, options: GetOptions = {}): Promise<Uint8Array> {
    return await this.#call('get', name, options, () => this.inner.get(name, range, options), damaged)
  }

  async stat(name: ObjectName, options: ReadOptions = {}): Promise<ObjectInfo> {
    return await this.#call('stat', name, options, () => this.inner.stat(name, options))
  }

  async *list(prefix: string, options: ListOptions = {}): AsyncIterable<ObjectInfo> {
    const call = this.#newCall('list', prefix, options)
    const fault = this.#choose(call)
    if (fault?.kind === 'fail-before') throw injected(fault, call)
    if (fault?.kind === 'delay') await sleepUnlessInterrupted(this.#clock, fault.delayMs, options.signal)
    if (fault?.kind !== 'fail-after') {
      yield* this.inner.list(prefix, options)
      return
    }
    const infos: ObjectInfo[] = []
    for await (const info of this.inner.list(prefix, options)) infos.push(info)
    yield* infos.slice(0, Math.ceil(infos.length / 2))
    throw injected(fault, call)
  }

  async delete(name: ObjectName, options: ReadOptions = {}): Promise<void> {
    await this.#call('delete', name, options, () => this.inner.delete(name, options))
  }

  async serverTimeMs(options: ReadOptions = {}): Promise<number> {
    return await this.#call('serverTimeMs', '', options, () => this.inner.serverTimeMs(options))
  }

  async close(): Promise<void> {
    await this.inner.close()
  }

  #newCall(method: BackendMethod, name: string, { fence }: PutOptions): BackendCall {
    return { method, name, isFenced: fence !== undefined, index: this.#callCount++ }
  }

  async #call<T>(
    method: BackendMethod,
    name: string,
    options: PutOptions,
    work: () => Promise<T>,
    damage?: Damage<T>,
  ): Promise<T> {
    const call = this.#newCall(method, name, options)
    const fault = this.#choose(call)
    if (fault?.kind === 'fail-before') throw injected(fault, call)
    if (fault?.kind === 'delay') await sleepUnlessInterrupted(this.#clock, fault.delayMs, options.signal)
    const result = await work()
    if (fault?.kind === 'fail-after') throw injected(fault, call)
    return fault === undefined || damage === undefined ? result : damage(result, fault)
  }
}

type Damage<T> = (result: T, fault: BackendFault) => T

function damaged(bytes: Uint8Array, { kind }: BackendFault): Uint8Array {
  if (bytes.length === 0) return bytes
  if (kind === 'truncate') return bytes.subarray(0, -1)
  if (kind !== 'corrupt') return bytes
  const wrong = Uint8Array.from(bytes)
  const middle = bytes.length >> 1
  wrong[middle] = (wrong[middle] ?? 0) ^ 1
  return wrong
}
