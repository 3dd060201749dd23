import { archive, isFinding, weights, type ByteSink, type ScanFinding } from './finding.ts'
import { InflatedStream } from './inflated-stream.ts'
import type { PackedContext } from './gzip-stream.ts'
import { namesWeights } from './member-names.ts'

const LOCAL_HEADER_BYTES = 30
const LOCAL = 0x04034b50
const DESCRIPTOR = 0x08074b50
const DESCRIPTOR_MAGIC = Buffer.from('PK\x07\x08', 'latin1')
/** With sizes of eight bytes. */
const DESCRIPTOR_BYTES_MAX = 24
const ENCRYPTED = 1
const HAS_DESCRIPTOR = 8
const STORED = 0
const DEFLATED = 8
/** A size that stands in the extra field (zip64). */
const SIZE_ELSEWHERE = 0xffffffff

/** Looks into a zip archive as it passes: names and contents of its members, by their local headers. */
export class ZipStream implements ByteSink {
  private pending: Buffer = NOTHING
  private member: Member | undefined
  /** Whether nothing more of the stream is packed. */
  isOver = false
  private readonly context: PackedContext

  constructor(context: PackedContext) {
    this.context = context
  }

  push(chunk: Buffer): ScanFinding | undefined {
    let rest = this.pending.length > 0 ? Buffer.concat([this.pending, chunk]) : chunk
    this.pending = NOTHING
    while (rest.length > 0 && !this.isOver) {
      const next =
        this.member === undefined ? this.readHeader(rest) : this.readMember(this.member, rest)
      if (next === undefined) {
        this.pending = rest
        return undefined
      }
      if (!Buffer.isBuffer(next)) return next
      rest = next
    }
    return undefined
  }

  end(): ScanFinding | undefined {
    return this.member?.inner.end()
  }

  /** What is behind the header, or undefined while it is not whole. */
  private readHeader(data: Buffer): Buffer | ScanFinding | undefined {
    if (data.length < 4) return undefined
    const magic = data.readUInt32LE(0)
    if (magic === DESCRIPTOR) return this.skipDescriptor(data)
    if (magic !== LOCAL) {
      this.isOver = true
      return NOTHING
    }
    if (data.length < LOCAL_HEADER_BYTES) return undefined
    const nameBytes = data.readUInt16LE(26)
    const bodyAt = LOCAL_HEADER_BYTES + nameBytes + data.readUInt16LE(28)
    if (data.length < LOCAL_HEADER_BYTES + nameBytes) return undefined
    const name = data
      .subarray(LOCAL_HEADER_BYTES, LOCAL_HEADER_BYTES + nameBytes)
      .toString('latin1')
    if (namesWeights(name)) return weights('zip-weights')
    if (data.length < bodyAt) return undefined
    const extra = data.subarray(LOCAL_HEADER_BYTES + nameBytes, bodyAt)
    return this.startMember(data, extra) ?? data.subarray(bodyAt)
  }

  private startMember(header: Buffer, extra: Buffer): ScanFinding | undefined {
    const flags = header.readUInt16LE(6)
    const method = header.readUInt16LE(8)
    if ((flags & ENCRYPTED) !== 0) return archive('zip-encrypted')
    if (method !== STORED && method !== DEFLATED) return archive('zip-method')
    const inner = this.context.open()
    if (isFinding(inner)) return inner
    const size = header.readUInt32LE(18)
    this.member = {
      inner,
      inflated:
        method === DEFLATED ? new InflatedStream(inner, this.context.spending, 'zip') : undefined,
      left: size === SIZE_ELSEWHERE ? zip64Size(extra) : size,
      isOpenEnded: (flags & HAS_DESCRIPTOR) !== 0 && size === 0,
    }
    return undefined
  }

  private readMember(member: Member, data: Buffer): Buffer | ScanFinding | undefined {
    const { inflated } = member
    const known = member.isOpenEnded ? data.length : Math.min(member.left, data.length)
    const own = data.subarray(0, known)
    if (inflated === undefined) {
      if (member.isOpenEnded) return this.readStored(member, data)
      const found = member.inner.push(own)
      if (found !== undefined) return found
      member.left -= own.length
      return this.behind(member, data, own.length)
    }
    const rest = inflated.push(own)
    if (typeof rest !== 'number') return rest
    member.left -= own.length - rest
    if (inflated.isBad && member.isOpenEnded) this.isOver = true
    if (inflated.isDone && member.isOpenEnded)
      return this.close(member) ?? data.subarray(own.length - rest)
    return this.behind(member, data, own.length)
  }

  /** A member that is not packed and says its size behind it: its end is where that is said. */
  private readStored(member: Member, data: Buffer): Buffer | ScanFinding | undefined {
    const at = descriptorAt(data)
    if (at < 0) {
      const kept = Math.min(DESCRIPTOR_MAGIC.length - 1, data.length)
      this.pending = data.subarray(data.length - kept)
      return member.inner.push(data.subarray(0, data.length - kept)) ?? NOTHING
    }
    if (at > 0) return member.inner.push(data.subarray(0, at)) ?? data.subarray(at)
    return data.length < DESCRIPTOR_BYTES_MAX + 4 ? undefined : (this.close(member) ?? data)
  }

  private behind(member: Member, data: Buffer, used: number): Buffer | ScanFinding {
    const isWhole = !member.isOpenEnded && member.left <= 0
    return (isWhole ? this.close(member) : undefined) ?? data.subarray(used)
  }

  private close(member: Member): ScanFinding | undefined {
    this.member = undefined
    return member.inner.end()
  }

  /** CRC and two sizes, of four bytes or (zip64) of eight: told apart by the magic that follows. */
  private skipDescriptor(data: Buffer): Buffer | undefined {
    if (data.length < DESCRIPTOR_BYTES_MAX + 4) return undefined
    return isMagic(data, 16) ? data.subarray(16) : data.subarray(24)
  }
}

interface Member {
  readonly inner: ByteSink
  readonly inflated: InflatedStream | undefined
  left: number
  /** Whether its size comes behind it. */
  readonly isOpenEnded: boolean
}

const NOTHING = Buffer.alloc(0)

function isMagic(data: Buffer, at: number): boolean {
  return data[at] === 0x50 && data[at + 1] === 0x4b
}

/** Where a descriptor begins that a header follows, or where one could that is not whole; or -1. */
function descriptorAt(data: Buffer): number {
  let at = data.indexOf(DESCRIPTOR_MAGIC)
  while (at >= 0 && at + DESCRIPTOR_BYTES_MAX + 4 <= data.length) {
    if (isMagic(data, at + 16) || isMagic(data, at + 24)) return at
    at = data.indexOf(DESCRIPTOR_MAGIC, at + 1)
  }
  return at
}

/** The compressed size in the zip64 field: the second of two, each of eight bytes. */
function zip64Size(extra: Buffer): number {
  for (let at = 0; at + 4 <= extra.length; at += 4 + extra.readUInt16LE(at + 2)) {
    if (extra.readUInt16LE(at) === 1 && extra.length >= at + 20) {
      return Number(extra.readBigUInt64LE(at + 12))
    }
  }
  return SIZE_ELSEWHERE
}

/** Whether a local header may begin at `at`: a known version and method, a short printable name. */
export function isZipHeader(data: Buffer, at: number): boolean {
  if (data.length < at + LOCAL_HEADER_BYTES || data.readUInt32LE(at) !== LOCAL) return false
  const nameBytes = data.readUInt16LE(at + 26)
  return data.readUInt16LE(at + 4) < 100 && nameBytes > 0 && nameBytes <= 512
}
