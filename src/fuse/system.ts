// The system calls that serving a mount needs and Node lacks.
import { createRequire } from 'node:module'

export interface System {
  /** errno of this thread; only meaningful directly after a failed call. */
  errno(): number
  read(fd: number, buffer: Uint8Array, sizeBytes: number): number
  write(fd: number, buffer: Uint8Array, sizeBytes: number): number
  poll(fds: Uint8Array, count: number, timeoutMs: number): number
  eventfd(initial: number, flags: number): number
  mount(source: Uint8Array, target: Uint8Array, type: Uint8Array, flags: number, data: Uint8Array): number
  fcntl(fd: number, command: number, argument: number): number
  umount2(target: Uint8Array, flags: number): number
  socketpair(domain: number, type: number, protocol: number, fds: Uint8Array): number
  recvmsg(fd: number, message: Uint8Array, flags: number): number
  /** The address at which C finds the buffer. */
  address(buffer: Uint8Array): bigint
}

const DECLARATIONS = [
  'int64_t read(int fd, uint8_t *buffer, size_t size)',
  'int64_t write(int fd, const uint8_t *buffer, size_t size)',
  'int poll(uint8_t *fds, unsigned long count, int timeout)',
  'int eventfd(uint32_t initial, int flags)',
  'int mount(const uint8_t *source, const uint8_t *target, const uint8_t *type, unsigned long flags, const uint8_t *data)',
  'int fcntl(int fd, int command, int argument)', // variadic in C, called as a plain one
  'int umount2(const uint8_t *target, int flags)',
  'int socketpair(int domain, int type, int protocol, uint8_t *fds)',
  'int64_t recvmsg(int fd, uint8_t *message, int flags)',
]

let loaded: System | undefined

/** The C library; loads koffi at the first call in each thread. */
export function system(): System {
  return (loaded ??= load())
}

function load(): System {
  const koffi = createRequire(import.meta.url)('koffi') as typeof import('koffi')
  const library = koffi.load(null)
  const calls = DECLARATIONS.map((declaration) => library.func(declaration))
  return {
    ...Object.fromEntries(calls.map((call) => [call.info.name, call])),
    errno: () => koffi.errno(),
    address: (buffer: Uint8Array) => koffi.address(buffer),
  } as System
}

/** `bytes` with a final NUL. */
export function cBytes(bytes: Uint8Array | string): Uint8Array {
  const text = Buffer.from(bytes as Uint8Array)
  const terminated = new Uint8Array(text.length + 1)
  terminated.set(text)
  return terminated
}
