// The worker of thread-pool.test.ts.
import { VaultError } from '../../src/errors/vault-error.ts'
import { serveTasks } from '../../src/executor/thread-server.ts'

export interface EchoInit {
  readonly index: number
}
export interface EchoRequest {
  readonly kind: 'echo' | 'vault-error' | 'bug' | 'die' | 'buffer'
  readonly value?: number
  readonly buffer?: ArrayBuffer
}
export interface EchoReply {
  readonly thread: number
  readonly value: number
  readonly buffer?: ArrayBuffer
}

serveTasks<EchoInit, EchoRequest, EchoReply>(({ index }) => ({ kind, value, buffer }) => {
  if (kind === 'vault-error') throw new VaultError('disk-full', 'full', { hint: 'hint', retry: 'later' })
  if (kind === 'bug') throw new TypeError('a bug')
  if (kind === 'die') process.exit(1)
  const reply = { thread: index, value: value ?? 0 }
  return buffer ? { reply: { ...reply, buffer }, transfer: [buffer] } : { reply }
})
