/** Undoes the compression of one gRPC message, within bounds (gRPC over HTTP/2, `grpc-encoding`). */
import { crc32, inflateRawSync, type ZlibOptions } from 'node:zlib'

/** How messages may be compressed. */
export type MessageCoding = 'identity' | 'gzip' | 'deflate'

/** The coding a call declares; `undefined` for one that cannot be read here. */
export function messageCoding(declared: string | undefined): MessageCoding | undefined {
  if (declared === undefined) return 'identity'
  return declared === 'identity' || declared === 'gzip' || declared === 'deflate'
    ? declared
    : undefined
}

/** A message may grow by so much; real ones shrink to a tenth at best. */
const RATIO_MAX = 128
const SMALL_BYTES = 64 * 1024

/** RFC 1952 §2.3 without any optional field, and its trailer: checksum and size. */
const GZIP_HEAD_BYTES = 10
const GZIP_TRAILER_BYTES = 8
/** RFC 1950 §2.2, and its trailer: another checksum. */
const ZLIB_HEAD_BYTES = 2
const ZLIB_TRAILER_BYTES = 4

/**
 * The message, or `undefined` when it is not one member from the first byte to the last (readers
 * differ on what follows), grows by more than a message does, or is over `bytesMax`.
 */
export function decodeMessage(
  bytes: Buffer,
  coding: Exclude<MessageCoding, 'identity'>,
  bytesMax: number,
): Buffer | undefined {
  const maxOutputLength = Math.min(bytesMax, Math.max(SMALL_BYTES, bytes.length * RATIO_MAX))
  return coding === 'gzip' ? gunzip(bytes, maxOutputLength) : inflate(bytes, maxOutputLength)
}

function gunzip(bytes: Buffer, maxOutputLength: number): Buffer | undefined {
  const end = bytes.length - GZIP_TRAILER_BYTES
  if (end <= GZIP_HEAD_BYTES || bytes.readUInt32BE(0) !== 0x1f8b0800) return undefined
  const plain = inflateRaw(bytes.subarray(GZIP_HEAD_BYTES, end), maxOutputLength)
  if (plain?.length !== bytes.readUInt32LE(end + 4)) return undefined
  return crc32(plain) === bytes.readUInt32LE(end) ? plain : undefined
}

function inflate(bytes: Buffer, maxOutputLength: number): Buffer | undefined {
  const end = bytes.length - ZLIB_TRAILER_BYTES
  if (end <= ZLIB_HEAD_BYTES) return undefined
  const head = bytes.readUInt16BE(0)
  // Method 8, no preset dictionary, and the check of the two bytes.
  if ((head & 0x0f00) !== 0x0800 || (head & 0x0020) !== 0 || head % 31 !== 0) return undefined
  const plain = inflateRaw(bytes.subarray(ZLIB_HEAD_BYTES, end), maxOutputLength)
  return plain !== undefined && adler32(plain) === bytes.readUInt32BE(end) ? plain : undefined
}

function inflateRaw(bytes: Buffer, maxOutputLength: number): Buffer | undefined {
  try {
    const options: ZlibOptions = { maxOutputLength, info: true }
    const result = inflateRawSync(bytes, options) as unknown as {
      readonly buffer: Buffer
      readonly engine: { readonly bytesWritten: number }
    }
    return result.engine.bytesWritten === bytes.length ? result.buffer : undefined
  } catch {
    return undefined
  }
}

/** RFC 1950 §8. So many bytes can be summed up before the sums have to be reduced. */
function adler32(bytes: Buffer): number {
  let a = 1
  let b = 0
  for (let at = 0; at < bytes.length; at += 3_800) {
    for (let i = at; i < Math.min(bytes.length, at + 3_800); i++) {
      a += bytes[i] ?? 0
      b += a
    }
    a %= 65_521
    b %= 65_521
  }
  return b * 65_536 + a
}
