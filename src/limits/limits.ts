// Bounds on everything that is read from a vault or kept in memory. A writer stays within them (asserted), a reader
// refuses what exceeds them before it allocates.
const KIB = 1024
const MIB = 1024 * KIB

/** Plain bytes of one blob. Twice the largest default chunk would do; the fields in the index have room for 64 MiB - 1, sealed. */
export const BLOB_RAW_BYTES_MAX = 64 * MIB - KIB
/** A pack: its offsets fit 32 bits with room to spare. */
export const PACK_BYTES_MAX = 320 * MIB
export const PACK_TARGET_BYTES_MIN = 1 * MIB
export const PACK_TARGET_BYTES_MAX = 256 * MIB
export const DATA_PACK_TARGET_BYTES_DEFAULT = 32 * MIB
export const METADATA_PACK_TARGET_BYTES = 8 * MIB
/** Entries of one pack directory: a 256 MiB pack of 64-byte blobs. */
export const PACK_ENTRIES_MAX = 4 * MIB
/** Data keys of one pack; an index slot has 9 bits for the key's place. */
export const PACK_KEYS_MAX = 512
export const SEGMENT_BYTES_MAX = 256 * MIB
export const SEGMENT_PACKS_MAX = 1 << 20
/** A writer starts another segment at this many entries (about 9 MiB). */
export const SEGMENT_ENTRIES_TARGET = 200_000
/** Sealed small objects: config, key slots, snapshots, sessions, marks. */
export const SMALL_OBJECT_BYTES_MAX = 16 * MIB
/** Tree nodes and content lists. */
export const TREE_NODE_BYTES_MAX = 8 * MIB
/** linux/limits.h NAME_MAX is 255 bytes; network file systems may have more. */
export const NAME_BYTES_MAX = 4096
/** linux/limits.h PATH_MAX. */
export const SYMLINK_BYTES_MAX = 4096
/** linux/limits.h XATTR_NAME_MAX, XATTR_SIZE_MAX. */
export const XATTR_NAME_BYTES_MAX = 255
export const XATTR_VALUE_BYTES_MAX = 64 * KIB
export const XATTRS_MAX = 16384
/** Depth of directories: a path of one-letter names in 1 MiB. */
export const TREE_DEPTH_MAX = 65536
/** Levels of inner nodes of one directory or content list: 16 levels of fan-out 2 hold more than any file system. */
export const NODE_LEVELS_MAX = 16
