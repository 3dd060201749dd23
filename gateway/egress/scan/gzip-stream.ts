import { isFinding, weights, type ByteSink, type OpenInner, type ScanFinding } from './finding.ts'
import { InflatedStream } from './inflated-stream.ts'
import type { Spending } from './limits.ts'
import { namesWeights } from './member-names.ts'

/** What a packed stream is opened with. */
export interface PackedContext {
  readonly open: OpenInner
  readonly spending: Spending
}

/** Longest header without its extra field; file name and comment have no bound of their own. */
const HEADER_BYTES_MAX = 64 * 1024
const FIXED_HEADER_BYTES = 10
const TRAILER_BYTES = 8

/** Looks into gzip (RFC 1952), member by member, or into zlib (RFC 1950). */
export class CompressedStream implements ByteSink {
  private head: Buffer = Buffer.alloc(0)
  private body: InflatedStream | undefined
  private inner: ByteSink | undefined
  /** Bytes that say nothing: of a trailer, or of an extra field. */
  private skipLeft = 0
  /** Whether nothing more of the stream is packed. */
  isOver = false
  private readonly format: 'gzip' | 'zlib'
  private readonly context: PackedContext

  constructor(format: 'gzip' | 'zlib', context: PackedContext) {
    this.format = format
    this.context = context
  }

  push(chunk: Buffer): ScanFinding | undefined {
    let rest = chunk
    while (rest.length > 0 && !this.isOver) {
      const next = this.body === undefined ? this.readHead(rest) : this.readBody(this.body, rest)
      if (!Buffer.isBuffer(next)) return next
      rest = next
    }
    return undefined
  }

  end(): ScanFinding | undefined {
    return this.inner?.end()
  }

  private readHead(chunk: Buffer): Buffer | ScanFinding {
    const skipped = Math.min(this.skipLeft, chunk.length)
    this.skipLeft -= skipped
    const head = this.skipExtra(Buffer.concat([this.head, chunk.subarray(skipped)]))
    if (this.skipLeft > 0) {
      this.head = head
      return NOTHING
    }
    const end = this.format === 'zlib' ? zlibHeadEnd(head) : gzipHeadEnd(head)
    if (end === 'none' || (end === 'more' && head.length > HEADER_BYTES_MAX)) {
      this.isOver = true
      return NOTHING
    }
    this.head = end === 'more' ? head : NOTHING
    if (end === 'more') return NOTHING
    if (end.name !== undefined && namesWeights(end.name)) return weights('gzip-weights')
    return this.startBody() ?? head.subarray(end.bytes)
  }

  /** Leaves out an extra field that is not whole: up to 64 KiB that readers skip (RFC 1952 §2.3.1.1). */
  private skipExtra(head: Buffer): Buffer {
    if (this.format === 'zlib' || head.length < FIXED_HEADER_BYTES + 2) return head
    const flags = head[3] ?? 0
    const end = FIXED_HEADER_BYTES + 2 + head.readUInt16LE(FIXED_HEADER_BYTES)
    if (!isGzipHeader(head, 0) || (flags & 4) === 0 || head.length >= end) return head
    this.skipLeft = end - head.length
    const fixed = Buffer.from(head.subarray(0, FIXED_HEADER_BYTES))
    fixed[3] = flags & ~4
    return fixed
  }

  private startBody(): ScanFinding | undefined {
    // Members follow one another as one stream, as gunzip puts them together.
    const inner = this.inner ?? this.context.open()
    if (isFinding(inner)) return inner
    this.inner = inner
    this.body = new InflatedStream(inner, this.context.spending, this.format)
    return undefined
  }

  private readBody(body: InflatedStream, chunk: Buffer): Buffer | ScanFinding {
    const rest = body.push(chunk)
    if (typeof rest !== 'number') return rest
    if (body.isBad) this.isOver = true
    if (!body.isDone) return NOTHING
    this.body = undefined
    this.skipLeft = TRAILER_BYTES
    if (this.format === 'zlib') this.isOver = true
    return chunk.subarray(chunk.length - rest)
  }
}

const NOTHING = Buffer.alloc(0)

/** Where the header ends, and the file name in it. */
type HeadEnd = { readonly bytes: number; readonly name: string | undefined } | 'more' | 'none'

function zlibHeadEnd(head: Buffer): HeadEnd {
  if (head.length < 2) return 'more'
  return isZlibHeader(head) ? { bytes: 2, name: undefined } : 'none'
}

/** CM 8, a window of any size, a check that divides by 31, no preset dictionary (RFC 1950 §2.2). */
export function isZlibHeader(head: Buffer): boolean {
  const [method = 0, flags = 0] = head
  const isDeflate = (method & 0x8f) === 8
  return isDeflate && (method * 256 + flags) % 31 === 0 && (flags & 0x20) === 0
}

/** Whether a gzip member begins at `at`: magic, DEFLATE, no reserved flag. */
export function isGzipHeader(data: Buffer, at: number): boolean {
  return (
    data[at] === 0x1f &&
    data[at + 1] === 0x8b &&
    data[at + 2] === 8 &&
    (data[at + 3] ?? 0xff) < 0x20
  )
}

function gzipHeadEnd(head: Buffer): HeadEnd {
  if (head.length < FIXED_HEADER_BYTES) return 'more'
  if (!isGzipHeader(head, 0)) return 'none'
  const flags = head[3] ?? 0
  let at = FIXED_HEADER_BYTES
  if ((flags & 4) !== 0) {
    if (head.length < at + 2) return 'more'
    at += 2 + head.readUInt16LE(at)
  }
  let name: string | undefined
  if ((flags & 8) !== 0) {
    const end = head.indexOf(0, at)
    if (end < 0) return 'more'
    name = head.subarray(at, end).toString('latin1')
    at = end + 1
  }
  if ((flags & 16) !== 0) {
    const end = head.indexOf(0, at)
    if (end < 0) return 'more'
    at = end + 1
  }
  if ((flags & 2) !== 0) at += 2
  return head.length < at ? 'more' : { bytes: at, name }
}
