import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { describe, test } from 'node:test'
import { MemoryBackend } from '../../src/backend/memory.ts'
import { RereadingBackend, untilSound } from '../../src/backend/rereading.ts'
import type { ByteRange } from '../../src/backend/backend.ts'
import { VaultError } from '../../src/errors/vault-error.ts'
import { objectName, type ObjectName } from '../../src/ids/ids.ts'
import { contractTests } from './contract.ts'

contractTests({ title: 'rereading', open: async () => new RereadingBackend(new MemoryBackend()) })

const bytes = new TextEncoder().encode('what the name says')
const name = objectName(`packs/d/ab/${createHash('sha256').update(bytes).digest('hex')}`)

/** Gives each answer of a list in turn, and counts. */
class AnsweringBackend extends MemoryBackend {
  gets = 0
  readonly #answers: readonly Uint8Array[]

  constructor(answers: readonly Uint8Array[]) {
    super({ isRemote: true })
    this.#answers = answers
  }

  override async get(_name: ObjectName, _range?: ByteRange): Promise<Uint8Array> {
    return this.#answers[this.gets++] ?? assert.fail('asked too often')
  }
}

const wrong = (place: number): Uint8Array => bytes.map((byte, index) => (index === place ? byte ^ 1 : byte))

describe('rereading', () => {
  test('bytes that broke on their way are fetched again, up to twice', async () => {
    for (const [answers, gets] of [[[bytes], 1], [[wrong(1), bytes], 2], [[wrong(1), wrong(2), bytes], 3]] as const) {
      const inner = new AnsweringBackend(answers)
      const backend = new RereadingBackend(inner)
      assert.deepEqual(await backend.get(name), bytes)
      assert.deepEqual([inner.gets, backend.counts.retries], [gets, gets - 1])
    }
  })

  test('what comes wrong twice alike, or three times, is what the storage has: its reader judges', async () => {
    const alike = new AnsweringBackend([wrong(1), wrong(1)])
    assert.deepEqual(await new RereadingBackend(alike).get(name), wrong(1))
    const different = new AnsweringBackend([wrong(1), wrong(2), wrong(3)])
    assert.deepEqual(await new RereadingBackend(different).get(name), wrong(3))
  })

  test('ranges, and names that promise nothing, are handed on', async () => {
    const inner = new AnsweringBackend([wrong(1), wrong(1)])
    const backend = new RereadingBackend(inner)
    await backend.get(name, { offset: 0, length: 3 })
    await backend.get(objectName('config'))
    assert.deepEqual([inner.gets, backend.counts.retries], [2, 0])
  })

  test('until sound: read again while it is damaged, three times in all; other errors and local disks at once', async () => {
    const remote = new AnsweringBackend([])
    const damage = new VaultError('vault-damaged', 'wrong')
    let reads = 0
    const failing = (times: number, error = damage) => async (): Promise<string> => {
      if (++reads <= times) throw error
      return 'sound'
    }
    assert.equal(await untilSound(remote, failing(2)), 'sound')
    reads = 0
    await assert.rejects(untilSound(remote, failing(3)), (error) => error === damage)
    assert.equal(reads, 3)
    reads = 0
    await assert.rejects(untilSound(remote, failing(1, new VaultError('object-missing', 'gone'))), { code: 'object-missing' })
    reads = 0
    await assert.rejects(untilSound(new MemoryBackend(), failing(1)), (error) => error === damage)
    assert.equal(reads, 1)
  })
})
