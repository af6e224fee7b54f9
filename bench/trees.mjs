// Source trees for the benchmarks: the same bytes on every machine.
import { createHash } from 'node:crypto'
import { closeSync, mkdirSync, openSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/** xorshift128+ by halves would do; SHA-256 in counter mode is simple, the same everywhere, and fast enough. */
function* randomBytes(seed) {
  for (let counter = 0; ; counter++) yield createHash('sha512').update(`${seed}/${counter}`).digest()
}

const WORDS = readWords()
function readWords() {
  const words = []
  for (const block of randomBytes('words')) {
    for (let i = 0; i + 8 <= block.length; i += 8) words.push(block.subarray(i, i + 3 + (block[i + 7] % 5)).toString('hex').slice(0, 3 + (block[i + 6] % 9)))
    if (words.length >= 4096) return words
  }
}

/** Text of `bytes` bytes: words with a skewed frequency, like prose and source code; zstd makes about a third of it. */
function text(seed, bytes) {
  const parts = []
  let length = 0
  for (const block of randomBytes(seed)) {
    for (let i = 0; i + 2 <= block.length; i += 2) {
      const draw = block.readUInt16LE(i)
      const word = WORDS[Math.floor((draw / 65536) ** 3 * WORDS.length)]
      parts.push(word)
      length += word.length + 1
      if (length >= bytes) return Buffer.from(parts.join(' ')).subarray(0, bytes)
    }
  }
}

/** Sizes as in /usr/share: median 2 KiB, mean about 10 KiB, log-normal. */
function fileSize(index) {
  const digest = createHash('sha256').update(`size ${index}`).digest()
  const [a, b] = [(digest.readUInt32LE(0) + 1) / 2 ** 32, digest.readUInt32LE(4) / 2 ** 32]
  return Math.min(4 << 20, Math.max(1, Math.round(2048 * Math.exp(1.75 * Math.sqrt(-2 * Math.log(a)) * Math.cos(2 * Math.PI * b)))))
}

/** `count` text files in two levels of directories, 10 KiB each on average. */
export function makeFiles(directory, count) {
  for (let index = 0; index < count; index++) {
    const folder = join(directory, `d${index % 60}`, `e${Math.floor(index / 60) % 50}`)
    if (index < 3000) mkdirSync(folder, { recursive: true })
    writeFileSync(join(folder, `file-${index}.txt`), text(`file ${index}`, fileSize(index)))
  }
}

/** Large files, half compressible, half random, in pieces of 64 KiB. */
export function makeLargeFiles(directory, bytes, names = ['one', 'two']) {
  mkdirSync(directory, { recursive: true })
  const sample = text('pair', 4 << 20)
  for (const name of names) {
    const fd = openSync(join(directory, name), 'w')
    const random = randomBytes(name)
    for (let written = 0, piece = 0; written < bytes; written += 65536, piece++) {
      if (piece % 2 === 0) writeSync(fd, Buffer.concat(Array.from({ length: 1024 }, () => random.next().value)))
      else {
        const at = createHash('sha256').update(`${name}${piece}`).digest().readUInt32LE(0) % (sample.length - 65536)
        writeSync(fd, sample, at, 65536)
      }
    }
    closeSync(fd)
  }
}
