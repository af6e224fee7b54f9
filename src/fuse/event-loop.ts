// The thread that serves a mount: waits for the device and for word from other threads, and answers synchronously. It never
// returns to Node's own event loop, so messages for it are taken by `onWake` (receiveMessageOnPort).
import { writevSync } from 'node:fs'
import { errnoOf } from '../errors/vault-error.ts'
import { errno } from './file-system.ts'
import { REQUEST_BUFFER_BYTES } from './initialization.ts'
import type { ReplyChannel, Session } from './session.ts'
import { system } from './system.ts'

// poll.h
const POLLIN = 1
const POLLFD_BYTES = 8
/** Wakes up now and then, so that a thread that is told to end by Node itself does. */
const POLL_MS = 2000
/** While callers that got a signal wait, it is seen this often whether they are dying now. */
const REVIEW_MS = 200
/** Up to this a reply is put together and written; beyond it the pieces are written from where they lie (writev). */
const COPIED_BYTES_MAX = 16 * 1024

// sys/eventfd.h
const EFD_CLOEXEC = 0o2000000
const EFD_NONBLOCK = 0o4000
const EVENT_BYTES = 8

/** A descriptor by which another thread wakes the loop: it writes 8 bytes, a number above 0. */
export function makeWakeDescriptor(): number {
  return system().eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)
}

/** Writes whole messages to the device. */
export class DeviceChannel implements ReplyChannel {
  readonly #fd: number
  readonly #scratch = new Uint8Array(COPIED_BYTES_MAX)

  constructor(fd: number) {
    this.#fd = fd
  }

  send(parts: readonly Uint8Array[]): boolean {
    let length = 0
    for (const part of parts) length += part.length
    if (length > COPIED_BYTES_MAX) return this.#sendPieces(parts)
    let at = 0
    for (const part of parts) {
      this.#scratch.set(part, at)
      at += part.length
    }
    for (;;) {
      if (system().write(this.#fd, this.#scratch, length) >= 0) return true
      const code = system().errno()
      if (code !== errno.EINTR) return this.#refused(code)
    }
  }

  #sendPieces(parts: readonly Uint8Array[]): boolean {
    try {
      writevSync(this.#fd, parts)
      return true
    } catch (error) {
      const name = errnoOf(error)
      if (name === undefined) throw error
      return this.#refused(errno[name as keyof typeof errno])
    }
  }

  /** ENOENT: interrupted or aborted. ENODEV: unmounted, as the next read will say. EINVAL would be our own bug. */
  #refused(code: number): boolean {
    if (code === errno.EINVAL) throw new Error(`the kernel refused a FUSE reply (errno ${code})`)
    return false
  }
}

export interface EventLoop {
  /** Open /dev/fuse, not blocking. */
  readonly device: number
  readonly wake: number
  readonly session: Session
  /** Where the session takes its requests from. */
  readonly buffer: Uint8Array
  /** Called when another thread has woken the loop. False ends it. */
  readonly onWake: () => boolean
}

export const newRequestBuffer = (): Uint8Array => new Uint8Array(REQUEST_BUFFER_BYTES)

/** Serves until the file system is unmounted, the connection is aborted, or `onWake` ends it. */
export function runEventLoop({ device, wake, session, buffer, onWake }: EventLoop): void {
  const c = system()
  const polled = new DataView(new ArrayBuffer(2 * POLLFD_BYTES))
  for (const [index, fd] of [device, wake].entries()) {
    polled.setInt32(index * POLLFD_BYTES, fd, true)
    polled.setInt16(index * POLLFD_BYTES + 4, POLLIN, true)
  }
  const fds = new Uint8Array(polled.buffer)
  const events = new Uint8Array(EVENT_BYTES)
  let reviewedMs = 0
  for (;;) {
    const hasInterrupted = session.hasInterrupted
    const ready = c.poll(fds, 2, hasInterrupted ? REVIEW_MS : POLL_MS)
    if (hasInterrupted && performance.now() - reviewedMs >= REVIEW_MS) {
      session.reviewInterrupted()
      reviewedMs = performance.now()
    }
    if (ready <= 0) continue // time-out, or EINTR
    if (polled.getInt16(POLLFD_BYTES + 6, true) !== 0) {
      c.read(wake, events, EVENT_BYTES)
      if (!onWake()) return
    }
    if (polled.getInt16(6, true) === 0) continue
    const length = c.read(device, buffer, buffer.length)
    if (length > 0) session.handle(length)
    else if (!mayGoOn(c.errno())) return
    if (session.isDestroyed) return
  }
}

/** ENODEV: unmounted; ECONNABORTED: aborted. Others: the request went away meanwhile, or a signal came. */
function mayGoOn(code: number): boolean {
  if (code === errno.ENODEV || code === errno.ECONNABORTED) return false
  if (code === errno.EAGAIN || code === errno.EINTR || code === errno.ENOENT) return true
  throw new Error(`reading /dev/fuse failed (errno ${code})`)
}
