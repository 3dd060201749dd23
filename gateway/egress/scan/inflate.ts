import {
  DISTANCES,
  FIXED,
  huffmanTable,
  LENGTH_ORDER,
  LENGTHS,
  type HuffmanTable,
} from './inflate-tables.ts'

const WINDOW = 32_768
/** Entries of a table from here on are no literals. */
const LITERALS_END = 256 << 4

/**
 * Inflates a raw DEFLATE stream (RFC 1951) piece by piece, in step with its input. The runtime's own is
 * either asynchronous or wants the whole input; a body must be judged before it leaves.
 *
 * A symbol whose bits are not all there is put back and read again with the next piece. Memory: the
 * window of 32 KiB, as much again of output, and a header of a block.
 */
export class Inflate {
  /** Whether the last block has ended. */
  isDone = false
  /** Whether the input is no DEFLATE. */
  isBad = false
  private input: Buffer = Buffer.alloc(0)
  private pos = 0
  private bitBuffer = 0
  private bitCount = 0
  private isShort = false
  private isLast = false
  private storedLeft = -1
  private literals: HuffmanTable | undefined
  private distances: HuffmanTable | undefined
  private readonly out = Buffer.alloc(2 * WINDOW)
  private outStart = 0
  private outEnd = 0
  private readonly emit: (bytes: Buffer) => void

  /** @param emit takes inflated bytes, in order; they are its own */
  constructor(emit: (bytes: Buffer) => void) {
    this.emit = emit
  }

  /** Inflates the next piece. Returns how many of its bytes are behind the end, once that is there. */
  push(chunk: Buffer): number {
    this.input =
      this.pos < this.input.length ? Buffer.concat([this.input.subarray(this.pos), chunk]) : chunk
    this.pos = 0
    this.isShort = false
    while (this.goesOn()) this.step()
    this.flush()
    if (!this.isDone) return 0
    // Whole bytes that were taken into the bit buffer are not of this stream.
    return Math.min(chunk.length, this.input.length - this.pos + (this.bitCount >> 3))
  }

  private goesOn(): boolean {
    return !this.isDone && !this.isBad && !this.isShort
  }

  private step(): void {
    if (this.storedLeft >= 0) this.copyStored()
    else if (this.literals !== undefined) this.symbols()
    else if (this.isLast) this.isDone = true
    else this.readBlock()
  }

  private readBlock(): void {
    const saved = this.mark()
    const header = this.take(3)
    if (!this.isShort) this.startBlock(header)
    if (this.isShort) this.restore(saved)
    else this.isLast = (header & 1) === 1
  }

  private startBlock(header: number): void {
    const kind = header >> 1
    if (kind === 0) this.startStored()
    else if (kind === 1) [this.literals, this.distances] = [FIXED.literals, FIXED.distances]
    else if (kind === 2) this.readCodes()
    else this.isBad = true
  }

  private startStored(): void {
    this.take(this.bitCount & 7)
    const length = this.take(16)
    const check = this.take(16)
    if (this.isShort) return
    if ((length ^ check) !== 0xffff) this.isBad = true
    else this.storedLeft = length
  }

  private copyStored(): void {
    while (this.storedLeft > 0) {
      const byte = this.take(8)
      if (this.isShort) return
      this.write(byte)
      this.storedLeft--
    }
    this.storedLeft = -1
  }

  private readCodes(): void {
    const literalCount = this.take(5) + 257
    const distanceCount = this.take(5) + 1
    const lengthCount = this.take(4) + 4
    const ofLengths = new Uint8Array(19)
    for (let i = 0; i < lengthCount; i++) ofLengths[LENGTH_ORDER[i] ?? 0] = this.take(3)
    if (!this.goesOn()) return
    const code = huffmanTable(ofLengths)
    const lengths = new Uint8Array(literalCount + distanceCount)
    if (code === undefined || !this.readLengths(code, lengths)) {
      this.isBad = this.goesOn()
      return
    }
    this.literals = huffmanTable(lengths.subarray(0, literalCount))
    this.distances = huffmanTable(lengths.subarray(literalCount))
    if (this.literals === undefined || this.distances === undefined) this.isBad = true
  }

  private readLengths(code: HuffmanTable, lengths: Uint8Array): boolean {
    let at = 0
    while (at < lengths.length) {
      const symbol = this.decode(code)
      if (symbol < 0) return false
      if (symbol < 16) {
        lengths[at++] = symbol
        continue
      }
      if (symbol === 16 && at === 0) return false
      const value = symbol === 16 ? (lengths[at - 1] ?? 0) : 0
      const repeat = this.repeatOf(symbol)
      if (this.isShort || at + repeat > lengths.length) return false
      lengths.fill(value, at, at + repeat)
      at += repeat
    }
    return true
  }

  private repeatOf(symbol: number): number {
    if (symbol === 16) return 3 + this.take(2)
    return symbol === 17 ? 3 + this.take(3) : 11 + this.take(7)
  }

  private symbols(): void {
    const { literals, distances } = this
    if (literals === undefined || distances === undefined) return
    while (this.literals !== undefined && !this.isBad) {
      this.literalRun(literals)
      const saved = this.mark()
      const symbol = this.decode(literals)
      if (symbol > 256) this.copyMatch(symbol - 257, distances)
      else if (symbol === 256) this.literals = undefined
      else if (symbol >= 0) this.write(symbol)
      if (this.isShort) {
        this.restore(saved)
        return
      }
    }
  }

  /** Decodes literals as long as there is input and room enough: most of the work, kept in locals. */
  private literalRun({ bits, entries }: HuffmanTable): void {
    const { input, out } = this
    const [mask, inputEnd, outMax] = [(1 << bits) - 1, input.length - 2, out.length]
    let { pos, bitBuffer, bitCount, outEnd } = this
    while (pos < inputEnd && outEnd < outMax) {
      while (bitCount < 15) {
        bitBuffer |= (input[pos++] ?? 0) << bitCount
        bitCount += 8
      }
      const entry = entries[bitBuffer & mask] ?? 0
      const length = entry & 15
      if (length === 0 || entry >= LITERALS_END) break
      bitBuffer >>>= length
      bitCount -= length
      out[outEnd++] = entry >> 4
    }
    this.pos = pos
    this.bitBuffer = bitBuffer
    this.bitCount = bitCount
    this.outEnd = outEnd
  }

  private copyMatch(lengthSymbol: number, code: HuffmanTable): void {
    const length = valueOf(LENGTHS, lengthSymbol) + this.take(LENGTHS.extra[lengthSymbol] ?? 0)
    const symbol = this.isShort ? -1 : this.decode(code)
    if (symbol < 0) {
      this.isBad = !this.isShort
      return
    }
    const distance = valueOf(DISTANCES, symbol) + this.take(DISTANCES.extra[symbol] ?? 0)
    if (this.isShort) return
    this.isBad = lengthSymbol >= 29 || symbol >= 30 || distance > this.outEnd
    if (!this.isBad) this.copy(length, distance)
  }

  private copy(length: number, distance: number): void {
    const { out } = this
    if (this.outEnd + length > out.length) {
      for (let i = 0; i < length; i++) this.write(out[this.outEnd - distance] ?? 0)
      return
    }
    let at = this.outEnd
    const end = at + length
    while (at < end) {
      out[at] = out[at - distance] ?? 0
      at++
    }
    this.outEnd = end
  }

  /** The next symbol, or -1 when there is none (`isShort`: not yet). */
  private decode({ bits, entries }: HuffmanTable): number {
    while (this.bitCount < bits && this.pos < this.input.length) this.fill()
    const entry = entries[this.bitBuffer & ((1 << bits) - 1)] ?? 0
    const length = entry & 15
    if (length === 0 || length > this.bitCount) {
      this.isShort ||= this.bitCount < bits
      return -1
    }
    this.bitBuffer >>>= length
    this.bitCount -= length
    return entry >> 4
  }

  private take(count: number): number {
    while (this.bitCount < count) {
      if (this.pos >= this.input.length) {
        this.isShort = true
        return 0
      }
      this.fill()
    }
    const value = this.bitBuffer & ((1 << count) - 1)
    this.bitBuffer >>>= count
    this.bitCount -= count
    return value
  }

  private fill(): void {
    this.bitBuffer |= (this.input[this.pos++] ?? 0) << this.bitCount
    this.bitCount += 8
  }

  private mark(): Mark {
    return { pos: this.pos, bitBuffer: this.bitBuffer, bitCount: this.bitCount }
  }

  private restore({ pos, bitBuffer, bitCount }: Mark): void {
    this.pos = pos
    this.bitBuffer = bitBuffer
    this.bitCount = bitCount
  }

  private write(byte: number): void {
    if (this.outEnd === this.out.length) {
      this.flush()
      this.out.copyWithin(0, WINDOW)
      this.outStart = WINDOW
      this.outEnd = WINDOW
    }
    this.out[this.outEnd++] = byte
  }

  private flush(): void {
    if (this.outEnd > this.outStart)
      this.emit(Buffer.from(this.out.subarray(this.outStart, this.outEnd)))
    this.outStart = this.outEnd
  }
}

function valueOf({ base }: { readonly base: Uint16Array }, symbol: number): number {
  return base[symbol] ?? 0
}

interface Mark {
  readonly pos: number
  readonly bitBuffer: number
  readonly bitCount: number
}
