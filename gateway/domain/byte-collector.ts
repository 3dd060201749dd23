/** Bytes that are put together piece by piece: one growing buffer, however small the pieces are. */
export class ByteCollector {
  private buffer = Buffer.alloc(0)
  private used = 0

  /** Bytes held. */
  get length(): number {
    return this.used
  }

  /** Copies `piece` to the end, and gives the copy, which may be changed until more is added. */
  add(piece: Uint8Array): Buffer {
    const end = this.used + piece.length
    if (end > this.buffer.length) this.grow(end)
    this.buffer.set(piece, this.used)
    const copy = this.buffer.subarray(this.used, end)
    this.used = end
    return copy
  }

  /** Gives everything, and begins anew with a buffer of its own. */
  take(): Buffer {
    const whole = this.buffer.subarray(0, this.used)
    this.buffer = Buffer.alloc(0)
    this.used = 0
    return whole
  }

  private grow(needed: number): void {
    const larger = Buffer.alloc(Math.max(needed, this.buffer.length * 2))
    this.buffer.copy(larger, 0, 0, this.used)
    this.buffer = larger
  }
}
