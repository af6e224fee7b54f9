import { VaultError } from '../../errors/vault-error.ts'
import { checkLoadable } from '../range.ts'

/**
 * Collects the body of an answer that announced `lengthBytes`, into one buffer of that size.
 * A body cut short is a failure of the network (`storage-unreachable`, retry later). One announced above `bytesMax` is not
 * read: `vault-damaged`.
 */
export async function collectBody(
  body: AsyncIterable<Uint8Array>, lengthBytes: number, where: string, bytesMax?: number,
): Promise<Uint8Array> {
  try {
    checkLoadable(lengthBytes, where, bytesMax)
  } catch (error) {
    // Hangs up: an unread body would keep its connection. An iterator that was not begun does not do that by its return.
    if ('destroy' in body && typeof body.destroy === 'function') body.destroy()
    throw error
  }
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
