// The worker's side of a ThreadPool.
import { parentPort, workerData } from 'node:worker_threads'
import { assert } from '../errors/assert.ts'
import type { TaskHandler } from './task-pool.ts'
import { packError, type FromWorker, type ToWorker } from './thread-message.ts'

/** Serves requests of the pool that started this thread. `start` gets the thread's start data. */
export function serveTasks<Init, Request, Reply>(start: (init: Init) => TaskHandler<Request, Reply>): void {
  const port = parentPort
  assert(port, 'runs in a worker thread')
  const handler = start(workerData as Init)
  port.on('message', ({ id, request }: ToWorker<Request>) => {
    let message: FromWorker<Reply>
    let transfer: readonly ArrayBuffer[] = []
    try {
      const done = handler(request)
      message = { id, reply: done.reply }
      transfer = done.transfer ?? []
    } catch (error) {
      message = { id, error: packError(error) }
    }
    port.postMessage(message, [...transfer])
  })
}
