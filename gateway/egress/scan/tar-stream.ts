import { isFinding, weights, type ByteSink, type ScanFinding } from './finding.ts'
import type { PackedContext } from './gzip-stream.ts'
import { namesWeights } from './member-names.ts'

const BLOCK = 512

/** Looks into a tar archive as it passes: names and contents of its members. */
export class TarStream implements ByteSink {
  private pending: Buffer = NOTHING
  private inner: ByteSink | undefined
  private left = 0
  private padding = 0
  /** Whether nothing more of the stream is an archive. */
  isOver = false
  private readonly context: PackedContext

  constructor(context: PackedContext) {
    this.context = context
  }

  push(chunk: Buffer): ScanFinding | undefined {
    let data = this.pending.length > 0 ? Buffer.concat([this.pending, chunk]) : chunk
    this.pending = NOTHING
    while (data.length > 0 && !this.isOver) {
      if (this.left > 0 && this.inner !== undefined) {
        const own = data.subarray(0, this.left)
        const found = this.readMember(this.inner, own)
        if (found !== undefined) return found
        data = data.subarray(own.length)
        continue
      }
      const skipped = Math.min(this.padding, data.length)
      this.padding -= skipped
      data = data.subarray(skipped)
      if (data.length < BLOCK) break
      const found = this.readHeader(data)
      if (found !== undefined) return found
      data = data.subarray(BLOCK)
    }
    if (!this.isOver) this.pending = data
    return undefined
  }

  end(): ScanFinding | undefined {
    return this.inner?.end()
  }

  private readMember(inner: ByteSink, own: Buffer): ScanFinding | undefined {
    const found = inner.push(own)
    this.left -= own.length
    if (found !== undefined || this.left > 0) return found
    this.inner = undefined
    return inner.end()
  }

  private readHeader(data: Buffer): ScanFinding | undefined {
    if (!isTarHeader(data)) {
      this.isOver = true
      return undefined
    }
    const name = fieldText(data.subarray(0, 100))
    const prefix = fieldText(data.subarray(345, 500))
    if (namesWeights(prefix === '' ? name : `${prefix}/${name}`)) return weights('tar-weights')
    const size = sizeOf(data.subarray(124, 136))
    this.padding = (BLOCK - (size % BLOCK)) % BLOCK
    this.left = size
    if (size === 0) return undefined
    const inner = this.context.open()
    if (isFinding(inner)) return inner
    this.inner = inner
    return undefined
  }
}

const NOTHING = Buffer.alloc(0)

/** Whether a POSIX or GNU header begins the data: the mark, and the sum of its bytes. */
export function isTarHeader(data: Buffer): boolean {
  if (data.length < BLOCK || data.toString('latin1', 257, 262) !== 'ustar') return false
  let sum = 8 * 0x20
  for (let i = 0; i < BLOCK; i++) if (i < 148 || i >= 156) sum += data[i] ?? 0
  return Number.parseInt(data.toString('latin1', 148, 154), 8) === sum
}

function fieldText(field: Buffer): string {
  const end = field.indexOf(0)
  return field.subarray(0, end < 0 ? field.length : end).toString('latin1')
}

/** Octal digits, or a number in base 256 where the first bit is set (GNU, beyond 8 GiB). */
function sizeOf(field: Buffer): number {
  if (((field[0] ?? 0) & 0x80) !== 0) return Number(field.readBigUInt64BE(4))
  const size = Number.parseInt(field.toString('latin1').replace(/\0.*$/s, '').trim(), 8)
  return Number.isSafeInteger(size) && size > 0 ? size : 0
}
