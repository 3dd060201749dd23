import { createUrlReader, type MaskPolicy } from './link-url.ts'

export type { MaskPolicy } from './link-url.ts'

/** What was masked. */
export type MaskedKind = 'signature' | 'storage' | 'token'

/** Masks one body. Give it the pieces in order. */
export interface LinkMask {
  /** What may leave now: as long as what came, except for a tail that has to wait. */
  push(chunk: Buffer): Buffer
  /** What was still waiting. */
  end(): Buffer
}

/** A text that ends where something to be masked may begin. */
interface Needle {
  readonly bytes: Buffer
  readonly kind: 'link' | 'token'
  /** What a piece must hold for it to be looked for: found at the speed of memory. */
  readonly gate?: number | string
}

const SLASH = 0x2f
const PERCENT = 0x25

const link = (text: string, gate: number | string): Needle => ({
  bytes: Buffer.from(text),
  kind: 'link',
  gate,
})
const token = (text: string): Needle => ({ bytes: Buffer.from(text), kind: 'token' })

/**
 * Every way `//` of a link is written: plain, escaped in JSON, as code units, percent-encoded; the
 * schemes that have one slash; and the ends of keys of JSON whose text is a credential of a store.
 * All are short and begin with a rare byte: looking for them is a few passes over memory.
 */
const NEEDLES: readonly Needle[] = [
  link('//', SLASH),
  link('\\/\\/', SLASH),
  link('dbfs:/', SLASH),
  link('dbfs:\\/', SLASH),
  link('\\u002f\\u002f', '\\u002'),
  link('\\u002F\\u002F', '\\u002'),
  link('%2f%2f', PERCENT),
  link('%2F%2F', PERCENT),
  token('Token"'),
  token('Url"'),
  token('Uri"'),
  token('Key"'),
  token('zation"'),
]

/** The keys themselves. */
const TOKEN_KEY =
  /"(?:accessToken|casUrl|sasUri|Authorization|[sS]ecretAccessKey|[sS]essionToken)"$/

/** Bytes kept of what has left, to see what stands before a needle and needles in two pieces. */
const TAIL_BYTES = 48

/** Most bytes that wait: a host that is not whole, or an escape. */
const HELD_BYTES_MAX = 2048

const DASH = 0x2d
const NOTHING = Buffer.alloc(0)

/**
 * Overwrites with `-`, byte for byte, what leads to stored weights: nothing becomes longer or
 * shorter, so that lengths, events and JSON stay what they were. `policy` says how much of a link
 * goes. Only a host that is not whole yet, or an escape, waits for the next piece (2 KiB at most).
 *
 * Not read: links in parts of several events or strings, encoded twice, in base64, or in escapes
 * that no serialiser mixes (`\u002f/`).
 */
export function createLinkMask(policy: MaskPolicy, onMask?: (kind: MaskedKind) => void): LinkMask {
  return new Masking(policy, onMask)
}

class Masking implements LinkMask {
  private held: Buffer = NOTHING
  private tail: Buffer = NOTHING
  private readonly reader: ReturnType<typeof createUrlReader>

  constructor(policy: MaskPolicy, onMask: ((kind: MaskedKind) => void) | undefined) {
    this.reader = createUrlReader(policy, onMask)
  }

  push(chunk: Buffer): Buffer {
    if (chunk.length === 0) return chunk
    return this.pass(this.held.length === 0 ? chunk : Buffer.concat([this.held, chunk]), false)
  }

  end(): Buffer {
    return this.held.length === 0 ? NOTHING : this.pass(this.held, true)
  }

  private pass(bytes: Buffer, isLast: boolean): Buffer {
    const { reader } = this
    const work = new Work(bytes, this.tail)
    let at = reader.isReading ? reader.read(work, 0, isLast) : 0
    for (let found = this.nextOf(work, at); found !== undefined; found = this.nextOf(work, at)) {
      const before = work.before(found.end)
      if (found.kind === 'link') reader.open(before)
      else if (TOKEN_KEY.test(before)) reader.openToken()
      at = reader.isReading ? reader.read(work, found.end, isLast) : found.end
    }
    if (!reader.isReading) at = bytes.length
    const waits = bytes.length - at > HELD_BYTES_MAX || isLast ? 0 : bytes.length - at
    const left = waits === 0 ? work.out : work.out.subarray(0, at)
    // A copy: what waits is written to when it is read again.
    this.held = waits === 0 ? NOTHING : Buffer.from(work.out.subarray(at))
    this.keepTail(left)
    return left
  }

  private nextOf(work: Work, from: number): ReturnType<Work['next']> {
    return this.reader.isReading ? undefined : work.next(from)
  }

  private keepTail(left: Buffer): void {
    this.tail =
      left.length >= TAIL_BYTES
        ? left.subarray(left.length - TAIL_BYTES)
        : Buffer.concat([this.tail, left]).subarray(-TAIL_BYTES)
  }
}

/** One piece with what stood before it, and where the needles in it are. */
class Work {
  /** The piece, or a copy of it once something of it was masked. */
  out: Buffer
  private isCopy = false
  private readonly ends: number[]
  private readonly joint: Buffer
  private readonly gates = new Map<number | string, boolean>()
  private readonly tail: Buffer
  readonly bytes: Buffer

  constructor(bytes: Buffer, tail: Buffer) {
    this.bytes = bytes
    this.out = bytes
    this.tail = tail
    this.ends = NEEDLES.map(() => -2)
    this.joint = Buffer.concat([tail, bytes.subarray(0, TAIL_BYTES)])
  }

  mask(from: number, to: number): void {
    if (!this.isCopy) {
      this.out = Buffer.from(this.bytes)
      this.isCopy = true
    }
    this.out.fill(DASH, from, to)
  }

  /** The first needle that ends after `from`; those that began in the tail included. */
  next(from: number): { readonly end: number; readonly kind: Needle['kind'] } | undefined {
    let best: { end: number; kind: Needle['kind'] } | undefined
    for (let i = 0; i < NEEDLES.length; i++) {
      const needle = NEEDLES[i]
      if (needle === undefined) continue
      const end = this.endOf(needle, i, from)
      if (end !== undefined && (best === undefined || end < best.end)) {
        best = { end, kind: needle.kind }
      }
    }
    return best
  }

  /** The bytes before `end`, as latin1, as far as they are known. */
  before(end: number): string {
    const own = this.bytes.toString('latin1', Math.max(0, end - TAIL_BYTES), end)
    if (end >= TAIL_BYTES) return own
    const earlier = Math.max(0, this.tail.length - (TAIL_BYTES - end))
    return this.tail.toString('latin1', earlier) + own
  }

  private endOf({ bytes: needle, gate }: Needle, index: number, from: number): number | undefined {
    const known = this.ends[index] ?? -2
    if (known === Infinity) return undefined
    if (known > from) return known
    if (gate !== undefined && !this.passes(gate)) return undefined
    let end = from < needle.length ? this.endInJoint(needle, from) : undefined
    if (end === undefined) {
      // What ends after `from` begins at the earliest so far before it.
      const at = this.bytes.indexOf(needle, Math.max(0, from - needle.length + 1))
      end = at < 0 ? Infinity : at + needle.length
    }
    this.ends[index] = end
    return end === Infinity ? undefined : end
  }

  private passes(gate: number | string): boolean {
    let isIn = this.gates.get(gate)
    if (isIn === undefined) {
      isIn = this.bytes.includes(gate) || this.joint.includes(gate)
      this.gates.set(gate, isIn)
    }
    return isIn
  }

  /** A needle whose beginning has left already. */
  private endInJoint(needle: Buffer, from: number): number | undefined {
    const { joint, tail } = this
    const first = Math.max(0, tail.length + from - needle.length + 1)
    const at = joint.indexOf(needle, first)
    if (at < 0 || at >= tail.length) return undefined
    const end = at + needle.length - tail.length
    return end > from ? end : undefined
  }
}
