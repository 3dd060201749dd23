/**
 * Undoes one content coding of a small request body, to look into it; the coded bytes go on. Only
 * what has one reading is taken: one gzip member, one zlib stream, one zstd frame, to the last byte.
 */
import { promisify } from 'node:util'
import * as zlib from 'node:zlib'
import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import type { RequestCoding } from '../pack/compiled-pack.ts'
import { zstdWindow } from './zstd-frame.ts'

/** Data that says anything is packed less than this; past it the body is a bomb. */
const RATIO_MAX = 256
/** So much may come out of a body however small it is. */
const BYTES_FREE = 64 * 1024

/** What Node gives with `info: true`. */
interface Unpacked {
  readonly buffer: Buffer
  readonly engine: { readonly bytesWritten: number }
}
type Unpack = (
  bytes: Buffer,
  options: { readonly info: true; readonly maxOutputLength: number },
) => Promise<Unpacked>

const inflate = promisify(zlib.inflate) as unknown as Unpack
const inflateRaw = promisify(zlib.inflateRaw) as unknown as Unpack
/** Node 22.15 and later. */
const { zstdDecompress } = zlib as unknown as { readonly zstdDecompress?: typeof zlib.inflate }
const unzstd = zstdDecompress && (promisify(zstdDecompress) as unknown as Unpack)

/**
 * The coding that `Content-Encoding` names: `undefined` for none. Refuses with `body_encoding` what
 * is not exactly one of `accepted`, stacked codings and `x-gzip` among them.
 */
export function codingOf(
  field: string | undefined,
  accepted: readonly RequestCoding[],
): RequestCoding | undefined | Refusal {
  const name = field?.trim().toLowerCase()
  if (name === undefined || name === 'identity') return undefined
  const coding = accepted.find((one) => one === name)
  const isKnown = coding !== undefined && (coding !== 'zstd' || unzstd !== undefined)
  return isKnown ? coding : refuse('body_encoding')
}

/**
 * The decoded body. `body_over_peek` when it is longer than `bytesMax`, or than 64 KiB and 256 times
 * its coded length; `body_unparsable` when it is not well formed, is followed by anything, or needs
 * a dictionary.
 */
export async function undoCoding(
  bytes: Buffer,
  coding: RequestCoding,
  bytesMax: number,
): Promise<Buffer | Refusal> {
  const maxOutputLength = Math.min(bytesMax, Math.max(BYTES_FREE, bytes.length * RATIO_MAX))
  const options = { info: true, maxOutputLength } as const
  try {
    if (coding === 'gzip') return await gunzip(bytes, options)
    if (coding === 'deflate') return whole(await inflate(bytes, options), bytes.length)
    const window = zstdWindow(bytes)
    if (window === undefined || unzstd === undefined) return refuse('body_unparsable')
    if (window > WINDOW_BYTES_MAX) return refuse('body_over_peek', { detail: TOO_LARGE })
    return whole(await unzstd(bytes, options), bytes.length)
  } catch (error) {
    const isTooLarge = (error as { code?: unknown }).code === 'ERR_BUFFER_TOO_LARGE'
    return isTooLarge ? refuse('body_over_peek', { detail: TOO_LARGE }) : refuse('body_unparsable')
  }
}

const TOO_LARGE = 'The body is too long once its content coding is undone.'
/** What every decoder must be able to hold (RFC 8878 §3.1.1.1.2). */
const WINDOW_BYTES_MAX = 8 * 1024 * 1024

/** What comes behind the end would be read by some upstreams, and not by others. */
function whole({ buffer, engine }: Unpacked, length: number): Buffer | Refusal {
  return engine.bytesWritten === length ? buffer : refuse('body_unparsable')
}

const HEADER_BYTES = 10
const TRAILER_BYTES = 8
/** A file name, which `gzip` writes; every other flag is for nobody who sends requests. */
const NAME_FLAG = 0x08

/**
 * RFC 1952, by hand: Node's own reader goes on with a second member, and takes what is behind the
 * last for nothing.
 */
async function gunzip(
  bytes: Buffer,
  options: { readonly info: true; readonly maxOutputLength: number },
): Promise<Buffer | Refusal> {
  const start = headerLength(bytes)
  if (start === undefined) return refuse('body_unparsable')
  const packed = bytes.subarray(start, bytes.length - TRAILER_BYTES)
  const buffer = whole(await inflateRaw(packed, options), packed.length)
  if (isRefusal(buffer)) return buffer
  const sum = bytes.readUInt32LE(bytes.length - TRAILER_BYTES)
  const size = bytes.readUInt32LE(bytes.length - TRAILER_BYTES / 2)
  const isGood = sum === zlib.crc32(buffer) && size === buffer.length
  return isGood ? buffer : refuse('body_unparsable')
}

function headerLength(bytes: Buffer): number | undefined {
  if (bytes.length < HEADER_BYTES + TRAILER_BYTES) return undefined
  const flags = bytes[3] ?? 0
  if (bytes[0] !== 0x1f || bytes[1] !== 0x8b || bytes[2] !== 8) return undefined
  if (flags === 0) return HEADER_BYTES
  const end = bytes.indexOf(0, HEADER_BYTES) + 1
  return flags === NAME_FLAG && end > 0 && end + TRAILER_BYTES <= bytes.length ? end : undefined
}
