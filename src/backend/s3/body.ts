import { VaultError } from '../../errors/vault-error.ts'
import { checkLoadable } from '../range.ts'

/**
 * Collects the body of an answer that announced `lengthBytes`, into one buffer of that size.
 * A body cut short is a failure of the network (`storage-unreachable`, retry later).
 */
export async function collectBody(body: AsyncIterable<Uint8Array>, lengthBytes: number, where: string): Promise<Uint8Array> {
  checkLoadable(lengthBytes, where)
  const bytes = Buffer.allocUnsafeSlow(lengthBytes)
  let doneBytes = 0
  for await (const chunk of body) {
    if (doneBytes + chunk.length > lengthBytes) throw truncated(where, doneBytes + chunk.length, lengthBytes)
    bytes.set(chunk, doneBytes)
    doneBytes += chunk.length
  }
  if (doneBytes !== lengthBytes) throw truncated(where, doneBytes, lengthBytes)
  return bytes
}

function truncated(where: string, gotBytes: number, lengthBytes: number): VaultError {
  const problem = `${where}: the answer has ${gotBytes} of its announced ${lengthBytes} bytes`
  return new VaultError('storage-unreachable', problem, { retry: 'later' })
}
