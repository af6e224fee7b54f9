// Whether a thread is being killed, from /proc. The kernel turns a fatal signal into a pending SIGKILL for every thread of
// the process (complete_signal of kernel/signal.c), save those that dump core.
import { readFileSync } from 'node:fs'
import { errnoOf } from '../errors/vault-error.ts'

// Fatal unless caught or ignored (signal(7)): HUP INT QUIT KILL PIPE TERM, as bits from signal 1 on.
const FATAL = (1n << 0n) | (1n << 1n) | (1n << 2n) | (1n << 8n) | (1n << 12n) | (1n << 14n)

/** False for a thread of another pid namespace (0), whose signals cannot be seen. */
export function isDying(pid: number): boolean {
  if (pid === 0) return false
  let status: string
  try {
    status = readFileSync(`/proc/${pid}/status`, 'latin1')
  } catch (error) {
    if (errnoOf(error) === undefined) throw error
    return true // gone, or about to be
  }
  const mask = (name: string): bigint => BigInt(`0x${new RegExp(`^${name}:\\s*([0-9a-f]+)`, 'm').exec(status)?.[1] ?? '0'}`)
  const pending = mask('SigPnd') | mask('ShdPnd')
  return (pending & FATAL & ~mask('SigIgn') & ~mask('SigCgt') & ~mask('SigBlk')) !== 0n
}
