// The body of a request: the aws-chunked framing undone, every digest that the client gave verified.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-streaming-trailers.html
import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { crc32 } from 'node:zlib'
import { headerText } from './authentication.ts'
import { sha256Hex } from './canonical-request.ts'
import type { ServerBehaviour } from './exchange.ts'
import { S3Error } from './s3-error.ts'

export async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

export interface VerifiedBody {
  readonly bytes: Buffer
  /** The checksums that came with the body, by header name. */
  readonly checksums: Readonly<Record<string, string>>
}

const DIGESTS: Readonly<Record<string, (bytes: Buffer) => string>> = {
  'x-amz-checksum-sha256': (bytes) => createHash('sha256').update(bytes).digest('base64'),
  'x-amz-checksum-sha1': (bytes) => createHash('sha1').update(bytes).digest('base64'),
  'x-amz-checksum-crc32': (bytes) => {
    const digest = Buffer.alloc(4)
    digest.writeUInt32BE(crc32(bytes))
    return digest.toString('base64')
  },
}

export function verifyBody(
  raw: Buffer, headers: IncomingHttpHeaders, payloadHash: string, digests: ServerBehaviour['digests'] = 'all',
): VerifiedBody {
  let bytes = raw
  let trailers: Readonly<Record<string, string>> = {}
  if (payloadHash === 'STREAMING-UNSIGNED-PAYLOAD-TRAILER') {
    ;({ bytes, trailers } = decodeChunks(raw))
    const decodedLength = headerText(headers, 'x-amz-decoded-content-length')
    if (decodedLength === undefined) throw new S3Error('MissingContentLength', 'You must provide the Content-Length HTTP header.')
    if (Number(decodedLength) !== bytes.length) throw new S3Error('IncompleteBody', 'The request body terminated unexpectedly')
  } else if (payloadHash.startsWith('STREAMING-')) {
    throw new S3Error('NotImplemented', `${payloadHash} is not implemented by this server`)
  } else if (digests !== 'none' && payloadHash !== 'UNSIGNED-PAYLOAD' && payloadHash !== sha256Hex(bytes)) {
    throw new S3Error('XAmzContentSHA256Mismatch', "The provided 'x-amz-content-sha256' header does not match what was computed.")
  }
  if (digests !== 'all') return { bytes, checksums: {} }
  const contentMd5 = headerText(headers, 'content-md5')
  if (contentMd5 !== undefined && contentMd5 !== createHash('md5').update(bytes).digest('base64')) {
    throw new S3Error('BadDigest', 'The Content-MD5 you specified did not match what we received.')
  }
  return { bytes, checksums: verifyChecksums(bytes, headers, trailers) }
}

function verifyChecksums(bytes: Buffer, headers: IncomingHttpHeaders, trailers: Readonly<Record<string, string>>): Record<string, string> {
  const checksums: Record<string, string> = {}
  for (const [name, value] of [...Object.entries(headers), ...Object.entries(trailers)]) {
    if (!/^x-amz-checksum-(?!mode|type|algorithm)/.test(name) || typeof value !== 'string') continue
    const digest = DIGESTS[name]
    if (digest === undefined) throw new S3Error('NotImplemented', `${name} is not implemented by this server`)
    if (digest(bytes) !== value) {
      const algorithm = name.slice('x-amz-checksum-'.length).toUpperCase()
      throw new S3Error('BadDigest', `The ${algorithm} you specified did not match the calculated checksum.`)
    }
    checksums[name] = value
  }
  const promised = headerText(headers, 'x-amz-sdk-checksum-algorithm')
  if (promised !== undefined && !(`x-amz-checksum-${promised.toLowerCase()}` in checksums)) {
    throw new S3Error('InvalidRequest', 'x-amz-sdk-checksum-algorithm specified, but no corresponding checksum was found.')
  }
  return checksums
}

function decodeChunks(raw: Buffer): { bytes: Buffer; trailers: Record<string, string> } {
  const broken = new S3Error('IncompleteBody', 'The request body terminated unexpectedly')
  const chunks: Buffer[] = []
  let offset = 0
  const line = (): string => {
    const end = raw.indexOf('\r\n', offset)
    if (end < 0) throw broken
    const text = raw.toString('latin1', offset, end)
    offset = end + 2
    return text
  }
  for (;;) {
    const size = Number.parseInt(line().split(';', 1)[0] ?? '', 16)
    if (Number.isNaN(size) || offset + size > raw.length) throw broken
    if (size === 0) break
    chunks.push(raw.subarray(offset, offset + size))
    offset += size
    if (line() !== '') throw broken
  }
  const trailers: Record<string, string> = {}
  for (let text = line(); text !== ''; text = line()) {
    const colon = text.indexOf(':')
    trailers[text.slice(0, colon).toLowerCase()] = text.slice(colon + 1).trim()
  }
  return { bytes: Buffer.concat(chunks), trailers }
}
