import { archive, type ScanFinding } from './finding.ts'
import { CompressedStream, isGzipHeader, isZlibHeader, type PackedContext } from './gzip-stream.ts'
import { mayFollowGzip } from './limits.ts'
import { isTarHeader, TarStream } from './tar-stream.ts'
import { isZipHeader, ZipStream } from './zip-stream.ts'

/** Bytes that tell whether a stream begins as a container; a tar header is the longest. */
const START_BYTES = 512
/** What is followed from its beginning on. */
type Container = CompressedStream | ZipStream | TarStream

/** How far behind the start of a stream a container is looked for. */
const REACH_BYTES = 64 * 1024
/** Containers behind the start that are followed at once. */
const FOLLOWED_MAX = 4
/** Bytes by which a container behind the start is told. */
const LATE_BYTES = 30

const GZIP = Buffer.from([0x1f, 0x8b, 8])
const ZIP = Buffer.from('PK\x03\x04', 'latin1')
const NOTHING = Buffer.alloc(0)

/**
 * Looks into what is packed: at the start of a stream, and behind a preamble. What is found behind a
 * preamble counts only where it is weights: three random bytes may look like a header.
 */
export class PackedStreams {
  private start: Buffer | undefined = NOTHING
  private main: Container | undefined
  private late: (CompressedStream | ZipStream)[] = []
  private tail: Buffer = NOTHING
  private seen = 0
  private readonly context: PackedContext

  constructor(context: PackedContext) {
    this.context = context
  }

  push(chunk: Buffer): ScanFinding | undefined {
    const before = this.start
    const found = before === undefined ? this.main?.push(chunk) : this.begin(before, chunk)
    if (found !== undefined) return found
    for (const sink of this.late) {
      const inside = sink.push(chunk)
      if (inside?.how === 'weights') return inside
      // Decoys that are over would take the places of what is packed behind them.
      if (inside !== undefined || sink.isOver) {
        this.late = this.late.filter((other) => other !== sink)
      }
    }
    return this.seen < REACH_BYTES ? this.lookBehind(chunk) : undefined
  }

  end(): ScanFinding | undefined {
    const found = this.main?.end()
    if (found !== undefined) return found
    return this.late.map((sink) => sink.end()).find((inside) => inside?.how === 'weights')
  }

  private begin(before: Buffer, chunk: Buffer): ScanFinding | undefined {
    const start = before.length === 0 ? chunk : Buffer.concat([before, chunk])
    this.main = this.containerOf(start)
    const isOpen = this.main === undefined && start.length < START_BYTES
    this.start = isOpen ? start : undefined
    return this.main?.push(start)
  }

  private containerOf(start: Buffer): Container | undefined {
    if (start.length >= 4 && isGzipHeader(start, 0))
      return new CompressedStream('gzip', this.context)
    if (start.length >= 4 && start.readUInt32LE(0) === 0x04034b50)
      return new ZipStream(this.context)
    if (start.length >= 2 && isZlibHeader(start)) return new CompressedStream('zlib', this.context)
    return isTarHeader(start) ? new TarStream(this.context) : undefined
  }

  /** Follows containers that begin in this piece, but not at the start. */
  private lookBehind(chunk: Buffer): ScanFinding | undefined {
    const data = this.tail.length === 0 ? chunk : Buffer.concat([this.tail, chunk])
    const from = this.seen > this.tail.length ? 0 : 1
    this.seen += chunk.length
    this.tail = data.subarray(Math.max(0, data.length - LATE_BYTES + 1))
    // What is in a container is looked into there; to follow its members here would cost it all again.
    if (this.main !== undefined && !this.main.isOver) return undefined
    return (
      this.follow({ data, from, magic: GZIP, isHeader: isGzipHeader }) ??
      this.follow({ data, from, magic: ZIP, isHeader: isZipHeader })
    )
  }

  private follow({ data, from, magic, isHeader }: Late): ScanFinding | undefined {
    let at = data.indexOf(magic, from)
    while (at >= 0 && at + LATE_BYTES <= data.length && this.late.length < FOLLOWED_MAX) {
      if (isHeader(data, at)) {
        if (magic === GZIP && !mayFollowGzip(this.context.spending)) return archive('gzip')
        const sink =
          magic === ZIP ? new ZipStream(this.context) : new CompressedStream('gzip', this.context)
        const inside = sink.push(data.subarray(at))
        if (inside?.how === 'weights') return inside
        if (inside === undefined && !sink.isOver) this.late.push(sink)
      }
      at = data.indexOf(magic, at + 1)
    }
    return undefined
  }
}

interface Late {
  readonly data: Buffer
  readonly from: number
  readonly magic: Buffer
  readonly isHeader: (data: Buffer, at: number) => boolean
}
