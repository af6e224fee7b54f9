import { Readable } from 'node:stream'
import { VaultError } from '../../errors/vault-error.ts'
import type { Pace } from '../backend.ts'
import { checkLoadable } from '../range.ts'

export interface BodyOptions {
  readonly pace?: Pace
  readonly signal?: AbortSignal
  /** Of what is collected: more is not read. */
  readonly bytesMax?: number | undefined
}

/** The body of a PUT: as it is, or piece by piece as its pace allows. */
export function requestBody(bytes: Uint8Array, { pace, signal }: BodyOptions): Buffer | Readable {
  const whole = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
  if (pace === undefined) return whole
  const body = Readable.from(pieces(whole, pace, signal), { objectMode: false, highWaterMark: pace.pieceBytes })
  body.on('error', () => body.destroy()) // interrupted: the same signal ends the request
  return body
}

async function* pieces(whole: Buffer, pace: Pace, signal: AbortSignal | undefined): AsyncGenerator<Buffer> {
  for (let at = 0; at < whole.length; at += pace.pieceBytes) {
    const piece = whole.subarray(at, at + pace.pieceBytes)
    await pace.pass(piece.length, signal)
    yield piece
  }
}

/**
 * Collects the body of an answer that announced `lengthBytes`, into one buffer of that size.
 * A body cut short is a failure of the network (`storage-unreachable`, retry later). One announced above `bytesMax` is not
 * read: `vault-damaged`.
 */
export async function collectBody(
  body: AsyncIterable<Uint8Array>, lengthBytes: number, where: string, { pace, signal, bytesMax }: BodyOptions = {},
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
    await pace?.pass(chunk.length, signal)
  }
  if (doneBytes !== lengthBytes) throw truncated(where, doneBytes, lengthBytes)
  return bytes
}

function truncated(where: string, gotBytes: number, lengthBytes: number): VaultError {
  const problem = `${where}: the answer has ${gotBytes} of its announced ${lengthBytes} bytes`
  return new VaultError('storage-unreachable', problem, { retry: 'later' })
}
