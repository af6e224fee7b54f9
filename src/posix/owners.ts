// Names of users and groups, asked of the C library and therefore of LDAP and whatever else nsswitch.conf names.
// A directory service that fails counts as not knowing the name: a backup must not end for it, numbers are kept anyway.
import { cString, libc, type Libc } from './libc.ts'
import { ERRNO } from './system-error.ts'

const STRINGS_BYTES_FIRST = 4096
/** A group of 30,000 members needs about 500 KiB: gr_mem lies in the same buffer. */
const STRINGS_BYTES_MAX = 16 * 1024 * 1024
/** struct passwd and struct group on 64-bit Linux (48 and 32 bytes) begin alike: name pointer, password pointer, id. */
const RECORD_BYTES = 64
const ID_OFFSET = 16

/** True when this process may do what only root may, as far as it can know: a container may forbid some of it all the same. */
export const isRoot = (): boolean => process.geteuid?.() === 0

const userNames = new Map<number, string | undefined>()
const groupNames = new Map<number, string | undefined>()
const userIds = new Map<string, number | undefined>()
const groupIds = new Map<string, number | undefined>()

/** Login name of `uid`, undefined when unknown. Each id is asked for once per thread. */
export function userName(uid: number): string | undefined {
  return cached(userNames, uid, () => lookUp((c, ...room) => c.getpwuid_r(uid, ...room))?.name)
}

/** Name of `gid`, undefined when unknown. Each id is asked for once per thread. */
export function groupName(gid: number): string | undefined {
  return cached(groupNames, gid, () => lookUp((c, ...room) => c.getgrgid_r(gid, ...room))?.name)
}

/** Numeric id of the user `name`, undefined when unknown. Each name is asked for once per thread. */
export function userId(name: string): number | undefined {
  return cached(userIds, name, () => lookUpName(name, (c, cName, ...room) => c.getpwnam_r(cName, ...room)))
}

/** Numeric id of the group `name`, undefined when unknown. Each name is asked for once per thread. */
export function groupId(name: string): number | undefined {
  return cached(groupIds, name, () => lookUpName(name, (c, cName, ...room) => c.getgrnam_r(cName, ...room)))
}

function cached<Key, Value>(known: Map<Key, Value>, key: Key, ask: () => Value): Value {
  const value = known.get(key)
  if (value !== undefined) return value
  // An unknown one is remembered too: asking LDAP in vain for each file of a stranger would take hours.
  if (known.has(key)) return value as Value
  const answer = ask()
  known.set(key, answer)
  return answer
}

type Room = [record: Uint8Array, strings: Uint8Array, sizeBytes: number, found: Uint8Array]

function lookUpName(name: string, call: (c: Libc, cName: Uint8Array, ...room: Room) => number): number | undefined {
  // Names come out of snapshots: one with a NUL names nobody.
  if (name === '' || name.includes('\0')) return undefined
  const cName = cString(Buffer.from(name))
  return lookUp((c, ...room) => call(c, cName, ...room))?.id
}

function lookUp(call: (c: Libc, ...room: Room) => number): { name: string; id: number } | undefined {
  const c = libc()
  const record = Buffer.alloc(RECORD_BYTES)
  const found = Buffer.alloc(8)
  for (let sizeBytes = STRINGS_BYTES_FIRST; sizeBytes <= STRINGS_BYTES_MAX; sizeBytes *= 4) {
    const strings = Buffer.alloc(sizeBytes)
    const errno = call(c, record, strings, sizeBytes, found)
    if (errno === ERRNO.ERANGE) continue
    if (errno !== 0 || found.readBigUInt64LE() === 0n) return undefined
    const start = Number(record.readBigUInt64LE() - c.address(strings))
    if (start < 0 || start >= sizeBytes) return undefined
    return { name: strings.toString('utf8', start, strings.indexOf(0, start)), id: record.readUInt32LE(ID_OFFSET) }
  }
  return undefined
}
