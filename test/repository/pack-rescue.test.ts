// Goal: what a session needs from packs that prune is about to delete is copied, sealed as it is, and indexed; without
// waiting for the run's own uploads, and with failures told apart. Method: the real repository on the memory backend.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../../src/async/clock.ts'
import { FaultyBackend, type FaultChooser } from '../../src/backend/faulty.ts'
import { MemoryBackend } from '../../src/backend/memory.ts'
import { CODEC_NONE } from '../../src/compress/codec.ts'
import { BlobSealer } from '../../src/crypto/data-key.ts'
import { isVaultError } from '../../src/errors/vault-error.ts'
import type { BlobId } from '../../src/ids/ids.ts'
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

interface Blob {
  readonly id: BlobId
  readonly plain: Uint8Array
}

class Scene {
  readonly memory = new MemoryBackend()
  readonly clock = new HeldClock()
  choose: FaultChooser = () => undefined
  readonly backend = new FaultyBackend(this.memory, (call) => this.choose(call), this.clock)
  readonly made = makeVault(this.memory)

  async open(): Promise<{ repository: Repository; store: PackStore }> {
    const vault = await this.made
    const repository = new Repository(this.backend, vault)
    const { index } = await repository.loadIndex()
    return { repository, store: new PackStore({ backend: this.backend, keys: vault.keys, random, index }) }
  }

  async pack(blobCount: number, blobBytes: number): Promise<{ sealed: SealedPack; blobs: Blob[] }> {
    const { keys } = await this.made
    const writer = new PackWriter('data', keys.vault, new BlobSealer(keys, random), new Uint8Array(2 << 20))
    const blobs: Blob[] = []
    for (let i = 0; i < blobCount; i++) {
      const plain = random.bytes(blobBytes)
      const id = keys.blobId('data', plain)
      blobs.push({ id, plain })
      writer.add('data', id, plain, CODEC_NONE, plain.length)
    }
    return { sealed: writer.finish(), blobs }
  }
}

/** Stores and indexes a pack, then condemns it in a new session, which gets what `open` gives. */
async function condemned(scene: Scene, sealed: SealedPack): ReturnType<Scene['open']> {
  const { store } = await scene.open()
  await store.storeNow(sealed)
  await store.writeSegment()
  const opened = await scene.open()
  opened.repository.index.condemn([sealed.id])
  return opened
}

test('a pack of 5,000 small blobs is copied whole, and its copy is in the stored index', async () => {
  const scene = new Scene()
  const { sealed, blobs } = await scene.pack(5000, 20)
  const { repository, store } = await condemned(scene, sealed)
  await rescuePacks(repository, store, random, [sealed.id])
  await scene.memory.delete(packName('data', sealed.id))
  const { repository: later } = await scene.open()
  later.index.condemn([sealed.id])
  for (const { id, plain } of blobs) assert.equal(Buffer.compare(await later.reader.load('data', id), plain), 0)
})

test('blobs that have a usable place are not copied', async () => {
  const scene = new Scene()
  const { sealed } = await scene.pack(10, 20)
  const { repository, store } = await condemned(scene, sealed)
  await rescuePacks(repository, store, random, [sealed.id])
  await rescuePacks(repository, store, random, [sealed.id])
  assert.equal(store.packsStored, 1)
})

test('a rescue does not wait for uploads of the run', { timeout: 20_000 }, async () => {
  const scene = new Scene()
  const { sealed } = await scene.pack(10, 20)
  const own = await scene.pack(10, 20)
  const { repository, store } = await condemned(scene, sealed)
  scene.choose = ({ name }) => (name === packName('data', own.sealed.id) ? { kind: 'delay', delayMs: 1 } : undefined)
  await store.accept(own.sealed)
  await rescuePacks(repository, store, random, [sealed.id])
  assert.equal(repository.index.numberOf(own.sealed.id), undefined, 'the own upload is still under way')
  scene.clock.release()
  await store.drain()
  assert.notEqual(repository.index.numberOf(own.sealed.id), undefined)
})

for (const method of ['get', 'put'] as const) {
  test(`a network error in a ${method} stays one that may be tried again, and then succeeds`, async () => {
    const scene = new Scene()
    const { sealed } = await scene.pack(10, 20)
    const { repository, store } = await condemned(scene, sealed)
    let faults = 1
    scene.choose = (call) => (call.method === method && faults-- > 0 ? { kind: 'fail-before' } : undefined)
    const rescue = (): Promise<unknown> => rescuePacks(repository, store, random, [sealed.id])
    await assert.rejects(rescue(), (error) => isVaultError(error, 'storage-unreachable') && error.retry === 'later')
    await rescue()
    await store.drain()
    assert.equal(store.packsStored, 1)
  })
}

test('a pack that is gone is returned as lost, and the others are rescued all the same', async () => {
  const scene = new Scene()
  const { sealed } = await scene.pack(10, 20)
  const other = await scene.pack(10, 20)
  const { store: first } = await scene.open()
  await first.storeNow(other.sealed)
  await first.writeSegment()
  const { repository, store } = await condemned(scene, sealed)
  repository.index.condemn([other.sealed.id])
  await scene.memory.delete(packName('data', sealed.id))
  const lost = await rescuePacks(repository, store, random, [sealed.id, other.sealed.id])
  assert.deepEqual([...lost], [sealed.id])
  for (const { id } of other.blobs) assert.ok(repository.index.use(id))
})
