import { getSystemErrorMap } from 'node:util'

/** The shape of Node's own system errors, so that callers need not know which way a call was made. */
export class PosixError extends Error implements NodeJS.ErrnoException {
  readonly code: string
  /** Negative, as libuv has it. */
  readonly errno: number
  readonly syscall: string
  readonly path?: string

  constructor(message: string, code: string, errno: number, syscall: string, path: string | undefined) {
    super(message)
    this.name = 'PosixError'
    this.code = code
    this.errno = errno
    this.syscall = syscall
    if (path !== undefined) this.path = path
  }
}

/** The numbers that this folder decides on (asm-generic/errno.h). Named after C: Node's code for EOPNOTSUPP is `ENOTSUP`. */
export const ERRNO = {
  EPERM: 1,
  EINTR: 4,
  ENXIO: 6,
  EINVAL: 22,
  ERANGE: 34,
  ENAMETOOLONG: 36,
  ENOSYS: 38,
  ENODATA: 61,
  EOPNOTSUPP: 95,
} as const

/** Node's own calls report these as `Unknown system error -122` and so on. */
const NAMES_LIBUV_LACKS: ReadonlyMap<number, readonly [string, string]> = new Map([
  [37, ['ENOLCK', 'no locks available']],
  [74, ['EBADMSG', 'bad message']],
  [116, ['ESTALE', 'stale file handle']],
  [117, ['EUCLEAN', 'structure needs cleaning']],
  [122, ['EDQUOT', 'disk quota exceeded']],
])

/** An Error for errno `errno` (positive, as C has it) of `syscall`, on `target` where there is one. */
export function systemError(errno: number, syscall: string, target?: Uint8Array | number): PosixError {
  const [code, text] = getSystemErrorMap().get(-errno) ?? NAMES_LIBUV_LACKS.get(errno) ?? [`E${errno}`, 'unknown error']
  const path = target instanceof Uint8Array ? Buffer.from(target).toString() : undefined
  const where = path === undefined ? '' : ` '${path}'`
  return new PosixError(`${code}: ${text}, ${syscall}${where}`, code, -errno, syscall, path)
}
