import { Readable } from 'node:stream'
import { VaultError } from '../../errors/vault-error.ts'
import type { Pace } from '../backend.ts'
import { checkLoadable } from '../range.ts'
import { STALL_TIMEOUT_MS } from './client.ts'

/** Below this a body counts as stalled, although bytes drip: no line that people use is as slow. */
const BYTES_PER_SECOND_MIN = 100

export interface BodyOptions {
  readonly pace?: Pace
  readonly signal?: AbortSignal
  /** Of what is collected: more is not read. */
  readonly bytesMax?: number | undefined
  /** How long next to nothing may move before it is given up. Default 60 000 ms. */
  readonly stallTimeoutMs?: number | undefined
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
 * A body cut short, or one that all but stands still for `stallTimeoutMs`, is a failure of the network
 * (`storage-unreachable`, retry later). A body that stands still entirely is the socket's timeout to notice. One announced
 * above `bytesMax` is not read: `vault-damaged`.
 */
export async function collectBody(
  body: AsyncIterable<Uint8Array>, lengthBytes: number, where: string,
  { pace, signal, bytesMax, stallTimeoutMs = STALL_TIMEOUT_MS }: BodyOptions = {},
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
  let window = { startMs: performance.now(), startBytes: 0 }
  for await (const chunk of body) {
    if (doneBytes + chunk.length > lengthBytes) throw truncated(where, doneBytes + chunk.length, lengthBytes)
    bytes.set(chunk, doneBytes)
    doneBytes += chunk.length
    const elapsedMs = performance.now() - window.startMs
    if (elapsedMs >= stallTimeoutMs && doneBytes !== lengthBytes) {
      if (doneBytes - window.startBytes < (elapsedMs / 1000) * BYTES_PER_SECOND_MIN) throw dripping(where, doneBytes, lengthBytes)
      window = { startMs: performance.now(), startBytes: doneBytes }
    }
    await pace?.pass(chunk.length, signal)
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
