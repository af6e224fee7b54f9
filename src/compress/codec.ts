// Encodes the bytes of one blob and decodes them again. Not known here: encryption, ids, packs.
//
// Decoding takes hostile bytes: its only failures are VaultErrors, and no more is allocated than the raw length that
// the caller passes (at most BLOB_RAW_BYTES_MAX) and a constant of the decoder.
import { constants, zstdCompressSync, zstdDecompressSync } from 'node:zlib'
import { deflateSync, inflateSync } from 'fflate'
import { assert } from '../errors/assert.ts'
import { VaultError } from '../errors/vault-error.ts'
import { BLOB_RAW_BYTES_MAX } from '../limits/limits.ts'
import { looksIncompressible, PROBED_BYTES_MIN } from './entropy.ts'

// Recorded beside each blob: the numbers are part of the vault's format.
export const CODEC_NONE = 0
/** A zstd frame (RFC 8878) without dictionary; its window at most the raw bytes rounded up to a power of two, or 1 KiB. */
export const CODEC_ZSTD = 1
/** A raw deflate stream (RFC 1951): for readers without zstd. */
export const CODEC_DEFLATE = 2

export type Codec = typeof CODEC_NONE | typeof CODEC_ZSTD | typeof CODEC_DEFLATE

/** What a person asks for; levels of zstd 1 to 19, of deflate 1 to 9. */
export type CompressionPreference =
  | { readonly codec: 'none' }
  | { readonly codec: 'zstd'; readonly level: number }
  | { readonly codec: 'deflate'; readonly level: number }

export const DEFAULT_COMPRESSION: CompressionPreference = { codec: 'zstd', level: 3 }

const ZSTD_WINDOW_LOG_MIN = 10 // RFC 8878, 3.1.1.1.2: no window is below 1 KiB
const ZLIB_CHUNK_BYTES_MIN = 64 // Z_MIN_CHUNK of node:zlib
/** Below this no frame pays: a zstd frame alone has 9 bytes and more. */
const COMPRESSED_BYTES_MIN = 64
/** A result must save this part of the raw bytes, else reading would pay for decoding and nobody would gain. */
const SAVING_MIN = 0.03

export interface Compressed {
  readonly codec: Codec
  /** For codec none the very bytes that were given, not a copy; else perhaps a view of a buffer as large as they. */
  readonly bytes: Uint8Array
}

/**
 * Encodes up to BLOB_RAW_BYTES_MAX bytes as preferred, or leaves them as they are when that would not save 3 %.
 * The result depends on the bytes and the preference only.
 */
export function compress(bytes: Uint8Array, preference: CompressionPreference): Compressed {
  assert(bytes.length <= BLOB_RAW_BYTES_MAX, `${bytes.length} bytes to compress`)
  const unchanged: Compressed = { codec: CODEC_NONE, bytes }
  if (preference.codec === 'none' || bytes.length < COMPRESSED_BYTES_MIN) return unchanged
  if (bytes.length >= PROBED_BYTES_MIN && looksIncompressible(bytes)) return unchanged
  const compressed: Compressed = preference.codec === 'zstd'
    ? { codec: CODEC_ZSTD, bytes: zstd(bytes, preference.level) }
    : { codec: CODEC_DEFLATE, bytes: deflate(bytes, preference.level) }
  return compressed.bytes.length <= bytes.length * (1 - SAVING_MIN) ? compressed : unchanged
}

/**
 * One call of zstd for the whole blob: the output buffer holds the largest possible result (ZSTD_COMPRESSBOUND and a
 * little), so nothing is copied twice. The default of 16 KiB pieces costs 0.5 ms more per MiB that does not compress.
 * `pledgedSrcSize` gains nothing: zstd takes the size from a first call that ends the frame, and so fits its tables.
 */
function zstd(bytes: Uint8Array, level: number): Uint8Array {
  assert(Number.isInteger(level) && level >= 1 && level <= 19, `zstd level ${level}`)
  return zstdCompressSync(bytes, {
    params: { [constants.ZSTD_c_compressionLevel]: level },
    chunkSize: bytes.length + (bytes.length >>> 8) + 128,
  })
}

type DeflateLevel = 1 | 2 | 3 | 4 | 5 | 6 | 7 | 8 | 9
const isDeflateLevel = (level: number): level is DeflateLevel => Number.isInteger(level) && level >= 1 && level <= 9

function deflate(bytes: Uint8Array, level: number): Uint8Array {
  assert(isDeflateLevel(level), `deflate level ${level}`)
  return deflateSync(bytes, { level })
}

/**
 * Gives exactly `rawLengthBytes` bytes; for codec none `bytes` itself.
 * Throws `vault-newer` for a codec not known here, `vault-damaged` for everything else: undecodable bytes, another
 * length than stated, an encoding that is not shorter than the raw bytes (compress() never makes one).
 */
export function decompress(bytes: Uint8Array, codec: number, rawLengthBytes: number): Uint8Array {
  if (!Number.isInteger(rawLengthBytes) || rawLengthBytes < 0 || rawLengthBytes > BLOB_RAW_BYTES_MAX) {
    throw new VaultError('vault-damaged', `blob states ${rawLengthBytes} bytes, at most ${BLOB_RAW_BYTES_MAX} are possible`)
  }
  if (codec === CODEC_NONE) return expectLength(bytes, rawLengthBytes)
  if (codec !== CODEC_ZSTD && codec !== CODEC_DEFLATE) {
    throw new VaultError('vault-newer', `blob is compressed in a way this version does not know (codec ${codec})`, {
      hint: 'A newer version of s3vault may have written it: update this one.',
    })
  }
  if (bytes.length >= rawLengthBytes) {
    throw new VaultError('vault-damaged', `blob of ${rawLengthBytes} bytes takes ${bytes.length} compressed`)
  }
  const decode = codec === CODEC_ZSTD ? unzstd : inflate
  let decoded: Uint8Array
  try {
    decoded = decode(bytes, rawLengthBytes)
  } catch (cause) {
    throw new VaultError('vault-damaged', `compressed blob of ${bytes.length} bytes cannot be decoded`, { cause })
  }
  return expectLength(decoded, rawLengthBytes)
}

function expectLength(bytes: Uint8Array, rawLengthBytes: number): Uint8Array {
  if (bytes.length === rawLengthBytes) return bytes
  throw new VaultError('vault-damaged', `blob does not have the ${rawLengthBytes} bytes that it states`)
}

function unzstd(bytes: Uint8Array, rawLengthBytes: number): Uint8Array {
  return zstdDecompressSync(bytes, {
    // One more than needed: a buffer filled to the brim makes node:zlib allocate a second one and call again.
    chunkSize: Math.max(rawLengthBytes + 1, ZLIB_CHUNK_BYTES_MIN),
    maxOutputLength: rawLengthBytes,
    // The decoder allocates the window that the frame claims: 128 MiB if nobody limits it.
    params: { [constants.ZSTD_d_windowLogMax]: Math.max(Math.ceil(Math.log2(rawLengthBytes)), ZSTD_WINDOW_LOG_MIN) },
  })
}

function inflate(bytes: Uint8Array, rawLengthBytes: number): Uint8Array {
  // fflate drops what does not fit into `out` without a word: one byte more shows it.
  return inflateSync(bytes, { out: new Uint8Array(rawLengthBytes + 1) })
}
