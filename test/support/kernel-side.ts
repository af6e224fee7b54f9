// The kernel's side of the FUSE protocol, as far as tests need it: makes requests as bytes, reads replies.
import assert from 'node:assert/strict'
import type { FileSystem } from '../../src/fuse/file-system.ts'
import { newRequestBuffer } from '../../src/fuse/event-loop.ts'
import { OPCODES } from '../../src/fuse/opcodes.ts'
import { Session, type SessionOptions } from '../../src/fuse/session.ts'

export interface Reply {
  /** 0 or an errno. */
  readonly error: number
  readonly body: Buffer
}

/** All that a 6.18 kernel offers. */
export const OFFERED_FLAGS = 0x73fffffb
export const OFFERED_FLAGS2 = 0x5fd

export const u32 = (...values: number[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 4)
  values.forEach((value, index) => bytes.writeUInt32LE(value, index * 4))
  return bytes
}
export const u64 = (...values: (number | bigint)[]): Buffer => {
  const bytes = Buffer.alloc(values.length * 8)
  values.forEach((value, index) => bytes.writeBigUInt64LE(BigInt(value), index * 8))
  return bytes
}
export const text = (...values: string[]): Buffer => Buffer.concat(values.map((value) => Buffer.from(`${value}\0`)))

export class KernelSide {
  readonly session: Session
  readonly replies = new Map<number, Reply>()
  readonly failures: unknown[] = []
  /** Pids that are being killed. */
  readonly dying = new Set<number>()
  /** Replies to these are refused, as for a request that was aborted. */
  readonly aborted = new Set<number>()
  readonly #buffer = newRequestBuffer()
  #unique = 0

  constructor(fileSystem: FileSystem, options: Partial<SessionOptions> = {}) {
    this.session = new Session(this.#buffer, {
      fileSystem, checksPermissions: false,
      channel: { send: (parts) => this.#receive(Buffer.concat(parts)) },
      isDying: (pid) => this.dying.has(pid),
      onFailure: (_operation, error) => this.failures.push(error),
      ...options,
    })
  }

  /** Sends a request; returns its number. */
  send(opcode: keyof typeof OPCODES | number, node: number, body: Uint8Array = new Uint8Array(0), pid = 1): number {
    const unique = (this.#unique += 2)
    const length = 40 + body.length
    const code = typeof opcode === 'number' ? opcode : OPCODES[opcode]
    this.#buffer.set(Buffer.concat([u32(length, code), u64(unique, node), u32(1000, 1000, pid, 0), body]))
    this.session.handle(length)
    return unique
  }

  /** Sends a request that is answered at once. */
  ask(opcode: keyof typeof OPCODES | number, node: number, body?: Uint8Array): Reply {
    const unique = this.send(opcode, node, body)
    const reply = this.replies.get(unique)
    assert.ok(reply, `no reply to ${opcode}`)
    return reply
  }

  initialize(minor = 45, flags = OFFERED_FLAGS, flags2 = OFFERED_FLAGS2): Reply {
    return this.ask('INIT', 0, Buffer.concat([u32(7, minor, 131072, flags, flags2), Buffer.alloc(44)]))
  }

  #receive(message: Buffer): boolean {
    assert.equal(message.readUInt32LE(0), message.length, 'the length in the header')
    const [error, unique] = [message.readInt32LE(4), Number(message.readBigUInt64LE(8))]
    const body = message.subarray(16)
    assert.ok(!this.replies.has(unique), 'one reply a request')
    if (this.aborted.has(unique)) return false
    this.replies.set(unique, { error: Math.abs(error), body })
    return true
  }
}
