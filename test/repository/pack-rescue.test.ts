// Goal: what a session needs from packs that prune is about to delete is copied, sealed as it is, and indexed; without
// waiting for the run's own uploads, and with failures told apart. Method: the real repository on the memory backend.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../src/async/clock.ts'
import type { Backend } from '../../src/backend/backend.ts'
import { FaultyBackend, type BackendCall, type BackendFault } from '../../src/backend/faulty.ts'
import { MemoryBackend } from '../../src/backend/memory.ts'
import { BlobSealer } from '../../src/crypto/data-key.ts'
import { isVaultError, VaultError } from '../../src/errors/vault-error.ts'
import type { BlobId, PackId } from '../../src/ids/ids.ts'
import { packName } from '../../src/pack/layout.ts'
import { PackWriter, type SealedPack } from '../../src/pack/pack-writer.ts'
import { rescuePacks } from '../../src/repository/pack-rescue.ts'
import { PackStore } from '../../src/repository/pack-store.ts'
import { Repository } from '../../src/repository/repository.ts'
import { SeededRandom, testSeed } from '../support/seeded-random.ts'
import { makeVault } from '../support/vault-maker.ts'

const seed = testSeed()
console.log(`seed ${seed}`)
const random = new SeededRandom(seed)

/** A delayed call goes on when the test lets it. */
class HeldClock implements Clock {
  readonly #held: (() => void)[] = []
  nowMs = (): number => 0
  elapsedMs = (): number => 0
  async sleep(): Promise<void> {
    await new Promise<void>((resolve) => this.#held.push(resolve))
  }
  release(): void {
    for (const resolve of this.#held.splice(0)) resolve()
  }
}

interface Scene {
  readonly backend: Backend
  readonly repository: Repository
  readonly store: PackStore
  readonly clock: HeldClock
  /** A fault for each coming call. */
  choose: (call: BackendCall) => BackendFault | undefined
  pack(blobCount: number, blobBytes: number): { readonly sealed: SealedPack; readonly blobs: Map<BlobId, Uint8Array> }
}

async function newScene(): Promise<Scene> {
  const memory = new MemoryBackend()
  const made = await makeVault(memory)
  const clock = new HeldClock()
  const backend = new FaultyBackend(memory, (call) => scene.choose(call), clock)
  const repository = new Repository(backend, made)
  const { keys } = made
  const pack: Scene['pack'] = (blobCount, blobBytes) => {
    const writer = new PackWriter('data', keys.vault, new BlobSealer(keys, random), new Uint8Array(4 << 20))
    const blobs = new Map<BlobId, Uint8Array>()
    for (let i = 0; i < blobCount; i++) {
      const plain = random.bytes(blobBytes)
      const id = keys.blobId('data', plain)
      blobs.set(id, plain)
      writer.add('data', id, plain, 0, plain.length)
    }
    return { sealed: writer.finish(), blobs }
  }
  const { index } = await new Repository(memory, made).loadIndex()
  void index
  const scene: Scene = {
    backend, repository, clock, pack, choose: () => undefined,
    get store(): PackStore {
      return store
    },
  }
  const loaded = await repository.loadIndex()
  const store = new PackStore({ backend, keys, random, index: loaded.index })
  return scene
}
