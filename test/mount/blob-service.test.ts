import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { VaultError } from '../../src/errors/vault-error.ts'
import { toHex } from '../../src/ids/ids.ts'
import { BlobService } from '../../src/mount/blob-service.ts'
import type { BlobRequest } from '../../src/vfs/blob-cache.ts'

const request = (number: number, isUrgent: boolean): BlobRequest => ({ number, type: 'data', id: new Uint8Array(32).fill(number), isUrgent })

function newService(parallelMax: number) {
  const started: number[] = []
  const arrived: number[] = []
  const failed: string[] = []
  const problems: unknown[] = []
  const running = new Map<number, PromiseWithResolvers<Uint8Array>>()
  const service = new BlobService({
    parallelMax,
    load: (_type, id) => {
      const number = Number.parseInt(toHex(id).slice(0, 2), 16)
      started.push(number)
      const gate = Promise.withResolvers<Uint8Array>()
      running.set(number, gate)
      return gate.promise
    },
    onArrived: (number, bytes) => {
      assert.equal(bytes.byteLength, bytes.buffer.byteLength, 'the buffer can be given away')
      arrived.push(number)
    },
    onFailed: (number, message) => failed.push(`${number} ${message}`),
    onProblem: (error) => problems.push(error),
  })
  const end = async (number: number, error?: Error): Promise<void> => {
    if (error) running.get(number)?.reject(error)
    else running.get(number)?.resolve(new Uint8Array(100).subarray(3, 9))
    await turn()
  }
  return { service, started, arrived, failed, problems, end }
}

test('what somebody waits for comes before what is read ahead, which leaves a place free', async () => {
  const { service, started, arrived, end } = newService(2)
  for (const number of [1, 2, 3]) service.request(request(number, false))
  assert.deepEqual(started, [1])
  service.request(request(4, true))
  service.request(request(3, true)) // read ahead before, waited for now
  service.request(request(1, true)) // under way already
  assert.deepEqual(started, [1, 4])
  await end(4)
  assert.deepEqual(started, [1, 4, 3])
  await end(1)
  await end(3)
  await end(2)
  assert.deepEqual([started, arrived], [[1, 4, 3, 2], [4, 1, 3, 2]])
})

test('a failure is told to who waits and to the log, and the next one goes on', async () => {
  const { service, started, failed, problems, end } = newService(1)
  service.request(request(1, true))
  service.request(request(2, true))
  await end(1, new VaultError('vault-damaged', 'lost'))
  await end(2, new TypeError('a bug'))
  assert.deepEqual([started, failed], [[1, 2], ['1 lost', '2 blob 0202020202020202 cannot be read']])
  assert.equal(problems.length, 2)
})
