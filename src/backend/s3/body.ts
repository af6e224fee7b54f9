import { VaultError } from '../../errors/vault-error.ts'
import { checkLoadable } from '../range.ts'

/** Below this a body counts as stalled, although bytes drip: no line that people use is as slow. */
const BYTES_PER_SECOND_MIN = 100

/**
 * Collects the body of an answer that announced `lengthBytes`, into one buffer of that size.
 * A body cut short, or one that all but stands still for `stallTimeoutMs`, is a failure of the network
 * (`storage-unreachable`, retry later). A body that stands still entirely is the socket's timeout to notice.
 */
export async function collectBody(
  body: AsyncIterable<Uint8Array>, lengthBytes: number, stallTimeoutMs: number, where: string,
): Promise<Uint8Array> {
  checkLoadable(lengthBytes, where)
  const bytes = Buffer.allocUnsafeSlow(lengthBytes)
  let doneBytes = 0
  let window = { startMs: performance.now(), startBytes: 0 }
  for await (const chunk of body) {
    if (doneBytes + chunk.length > lengthBytes) throw truncated(where, doneBytes + chunk.length, lengthBytes)
    bytes.set(chunk, doneBytes)
    doneBytes += chunk.length
    const elapsedMs = performance.now() - window.startMs
    if (elapsedMs < stallTimeoutMs || doneBytes === lengthBytes) continue
    if (doneBytes - window.startBytes < (elapsedMs / 1000) * BYTES_PER_SECOND_MIN) throw dripping(where, doneBytes, lengthBytes)
    window = { startMs: performance.now(), startBytes: doneBytes }
  }
  if (doneBytes !== lengthBytes) throw truncated(where, doneBytes, lengthBytes)
  return bytes
}

function truncated(where: string, gotBytes: number, lengthBytes: number): VaultError {
  const problem = `${where}: the answer has ${gotBytes} of its announced ${lengthBytes} bytes`
  return new VaultError('storage-unreachable', problem, { retry: 'later' })
}

function dripping(where: string, gotBytes: number, lengthBytes: number): VaultError {
  const problem = `${where}: the answer all but stands still at ${gotBytes} of ${lengthBytes} bytes`
  return new VaultError('storage-unreachable', problem, { retry: 'later' })
}
