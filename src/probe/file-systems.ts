// What statfs(2) calls a file system, and what that means for a vault on it.
// Numbers: linux/magic.h, and those of file systems outside of it (zfs, exfat, ntfs, cifs).
import { finding, type ProbeFinding } from './finding.ts'

type Nature = 'disk' | 'memory' | 'network' | 'fuse' | 'layered' | 'no-links'

interface FileSystem {
  readonly name: string
  readonly nature: Nature
}

const KNOWN: Readonly<Record<number, FileSystem>> = {
  0xef53: { name: 'ext4', nature: 'disk' },
  0x58465342: { name: 'xfs', nature: 'disk' },
  0x9123683e: { name: 'btrfs', nature: 'disk' },
  0x2fc12fc1: { name: 'zfs', nature: 'disk' },
  0xf2f52010: { name: 'f2fs', nature: 'disk' },
  0xca451a4e: { name: 'bcachefs', nature: 'disk' },
  0x7366746e: { name: 'ntfs', nature: 'disk' },
  0x4d44: { name: 'FAT', nature: 'no-links' },
  0x2011bab0: { name: 'exFAT', nature: 'no-links' },
  0x01021994: { name: 'tmpfs', nature: 'memory' },
  0x858458f6: { name: 'ramfs', nature: 'memory' },
  0x794c7630: { name: 'overlayfs', nature: 'layered' },
  0x6969: { name: 'NFS', nature: 'network' },
  0xff534d42: { name: 'SMB (cifs)', nature: 'network' },
  0xfe534d42: { name: 'SMB', nature: 'network' },
  0x01021997: { name: '9p', nature: 'network' },
  0x00c36400: { name: 'CephFS', nature: 'network' },
  0x65735546: { name: 'FUSE', nature: 'fuse' },
}

const MEANINGS: Readonly<Record<Nature, readonly [ProbeFinding['state'], string]>> = {
  'disk': ['ok', 'a file system of a disk'],
  'memory': ['limited', 'it lies in memory: the vault is gone when the machine restarts'],
  'network': ['limited', 'a vault works when the lines below are ok; while the server is away, backups wait and then fail'],
  'fuse': ['limited', 'a program stands behind it: what it calls stored may not be yet; only what is probed below is known'],
  'layered': ['limited', 'in a container, the vault is gone with the container unless the place is a volume of its own'],
  'no-links': ['limited', 'it has no hard links, which s3vault needs'],
}

/** `type` as statfs gives it: signed or not. */
export function fileSystemFinding(type: number): ProbeFinding {
  const known = KNOWN[type >>> 0]
  if (known === undefined) {
    return finding('file system', 'unknown', `type 0x${(type >>> 0).toString(16)}`, 'not known by name; what it can do is probed below')
  }
  const [state, means] = MEANINGS[known.nature]
  return finding('file system', state, known.name, means)
}
