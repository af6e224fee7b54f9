// The storage of a simulation: what S3 promises and nothing more. Requests take effect at one instant; which, decides World.
import { objectExists, objectMissing } from '../../src/backend/failures.ts'
import { resolveRange } from '../../src/backend/range.ts'
import type { ByteRange, ObjectInfo } from '../../src/backend/backend.ts'
import type { ObjectName } from '../../src/ids/ids.ts'

export interface StoredObject {
  readonly bytes: Uint8Array
  readonly modifiedMs: number
}

export type StoredObjects = ReadonlyMap<ObjectName, StoredObject>

export class SimulatedStore {
  readonly #objects: Map<ObjectName, StoredObject>
  readonly #existing: 'refused' | 'overwritten'
  #names: ObjectName[] | undefined

  /** `existing`: what becomes of a PUT to a name that is taken, conditional or not; old servers ignore the condition. */
  constructor(objects: StoredObjects, existing: 'refused' | 'overwritten') {
    this.#objects = new Map(objects)
    this.#existing = existing
  }

  /** As it is now; bytes are shared and never changed. */
  get objects(): StoredObjects {
    return new Map(this.#objects)
  }

  put(name: ObjectName, bytes: Uint8Array, nowMs: number): void {
    const existing = this.#objects.get(name)
    if (existing && Buffer.compare(existing.bytes, bytes) === 0) return
    if (existing && this.#existing === 'refused') throw objectExists(name)
    this.#objects.set(name, { bytes, modifiedMs: nowMs })
    if (!existing) this.#names = undefined
  }

  get(name: ObjectName, range: ByteRange | undefined, bytesMax: number | undefined): Uint8Array {
    const { bytes } = this.#find(name)
    const { startBytes, lengthBytes } = resolveRange(range, bytes.length, name, bytesMax)
    return bytes.slice(startBytes, startBytes + lengthBytes)
  }

  stat(name: ObjectName): ObjectInfo {
    const { bytes, modifiedMs } = this.#find(name)
    return { name, sizeBytes: bytes.length, modifiedMs }
  }

  /** At most `count` names after one, as they are at this instant. */
  page(prefix: string, after: string, count: number): ObjectInfo[] {
    this.#names ??= [...this.#objects.keys()].sort()
    const page: ObjectInfo[] = []
    for (const name of this.#names) {
      if (name <= after || !name.startsWith(prefix)) continue
      page.push(this.stat(name))
      if (page.length === count) break
    }
    return page
  }

  delete(name: ObjectName): void {
    if (this.#objects.delete(name)) this.#names = undefined
  }

  #find(name: ObjectName): StoredObject {
    const object = this.#objects.get(name)
    if (!object) throw objectMissing(name)
    return object
  }
}
