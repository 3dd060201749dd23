import {
  isFinding,
  mismatch,
  weights,
  type ByteSink,
  type OpenInner,
  type ScanFinding,
} from './finding.ts'
import { namesWeights } from './member-names.ts'

/** Longest preamble, delimiter or head of a part. */
const HEAD_BYTES_MAX = 16 * 1024
/** Longest delimiter, two dashes included (RFC 2046 §5.1.1 has 70 characters). */
const DELIMITER_BYTES_MAX = 256

const NOTHING = Buffer.alloc(0)

/**
 * Looks into `multipart/*` part by part (RFC 2046 §5.1): each is scanned as its own media type. The
 * delimiter is taken from the body, from the first line that begins with two dashes.
 */
export class MultipartStream implements ByteSink {
  readonly isOpen = false
  private pending: Buffer = NOTHING
  private delimiter: Buffer | undefined
  private part: ByteSink | undefined
  /** What is of no part: a preamble, fields, an epilogue. */
  private between: ByteSink | undefined
  private readonly open: OpenInner

  constructor(open: OpenInner) {
    this.open = open
  }

  push(chunk: Buffer): ScanFinding | undefined {
    this.pending = this.pending.length === 0 ? chunk : Buffer.concat([this.pending, chunk])
    for (;;) {
      const step = this.part === undefined ? this.readHead() : this.readPart(this.part)
      if (step !== 'next') return step
    }
  }

  end(): ScanFinding | undefined {
    if (this.part === undefined) return this.readBetween(this.pending)
    return this.part.push(this.pending) ?? this.part.end()
  }

  /** Reads up to the empty line behind the fields of a part. */
  private readHead(): ScanFinding | 'next' | undefined {
    this.delimiter ??= delimiterOf(this.pending)
    const fieldsAt =
      this.delimiter === undefined ? -1 : this.pending.indexOf(this.delimiter.subarray(1))
    const end = fieldsAt < 0 ? undefined : emptyLine(this.pending, fieldsAt)
    if (end === undefined) {
      return this.pending.length > HEAD_BYTES_MAX ? mismatch('multipart') : undefined
    }
    const found = this.readBetween(this.pending.subarray(0, end.at + end.bytes))
    if (found !== undefined) return found
    const fields = this.pending.toString('latin1', fieldsAt, end.at)
    this.pending = this.pending.subarray(end.at + end.bytes)
    const name = /filename\*?="?([^";\r\n]{1,256})/i.exec(fields)?.[1] ?? ''
    if (namesWeights(name)) return weights('multipart-weights')
    const part = this.open(typeOf(fields))
    if (isFinding(part)) return part
    this.part = part
    return 'next'
  }

  /** Clients show none of it, but it arrives. */
  private readBetween(bytes: Buffer): ScanFinding | undefined {
    const between = this.between ?? this.open()
    if (isFinding(between)) return between
    this.between = between
    return between.push(bytes)
  }

  private readPart(part: ByteSink): ScanFinding | 'next' | undefined {
    const { delimiter = NOTHING, pending } = this
    const end = pending.indexOf(delimiter)
    if (end >= 0) {
      this.part = undefined
      this.pending = pending.subarray(end)
      return part.push(pending.subarray(0, end)) ?? part.end() ?? 'next'
    }
    // What could begin the delimiter waits; the rest is judged now.
    const from = pending.lastIndexOf(0x0a, pending.length - 1)
    const kept = from >= 0 && isPrefix(pending.subarray(from), delimiter) ? from : pending.length
    this.pending = pending.subarray(kept)
    return part.push(pending.subarray(0, kept))
  }
}

function isPrefix(data: Buffer, whole: Buffer): boolean {
  return data.length <= whole.length && whole.subarray(0, data.length).equals(data)
}

/** The first line that begins with two dashes, with the line feed before it. */
function delimiterOf(data: Buffer): Buffer | undefined {
  let start = data.subarray(0, 2).toString('latin1') === '--' ? 0 : data.indexOf('\n--') + 1
  if (start === 0 && data.subarray(0, 2).toString('latin1') !== '--') start = -1
  const end = start < 0 ? -1 : data.indexOf(0x0a, start)
  if (end < 0) return undefined
  const line = data.toString('latin1', start, end).trimEnd().slice(0, DELIMITER_BYTES_MAX)
  return Buffer.from(`\n${line}`, 'latin1')
}

/** Where the fields end, with or without carriage returns. */
function emptyLine(data: Buffer, from: number): { at: number; bytes: number } | undefined {
  const strict = data.indexOf('\r\n\r\n', from)
  const lax = data.indexOf('\n\n', from)
  if (strict < 0 && lax < 0) return undefined
  return lax < 0 || (strict >= 0 && strict < lax) ? { at: strict, bytes: 4 } : { at: lax, bytes: 2 }
}

/** The media type of a part; text/plain where it says none (RFC 2046 §5.1). */
function typeOf(fields: string): string {
  const value = /^content-type:[ \t]*([^;\r\n]{1,256})/im.exec(fields)?.[1]
  return value?.trim().toLowerCase() ?? 'text/plain'
}
