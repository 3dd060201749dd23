/** Longest key and longest value that are kept, in bytes as written, quotes included. */
export const KEY_BYTES_MAX = 512
export const VALUE_BYTES_MAX = 4096

/** A token whose text is wanted, wherever the pieces of its text are cut. */
export class KeptToken {
  /** Where it began in this piece, or -1. */
  start = -1
  private earlier: Buffer[] = []
  private earlierBytes = 0

  /** Whether all of what has come of it is in this piece. */
  get isWhole(): boolean {
    return this.earlierBytes === 0
  }

  /** Whether it is under way, and longer already than values may be. */
  get isLong(): boolean {
    return this.start >= 0 && this.earlierBytes > VALUE_BYTES_MAX
  }

  /** The token, which ends at `end` of this piece, if it is kept and no longer than that. */
  take(piece: Buffer, end: number, bytesMax: number): string | undefined {
    const { start } = this
    if (start < 0) return undefined
    this.start = -1
    if (this.isWhole) return end - start > bytesMax ? undefined : piece.toString('utf8', start, end)
    const size = this.earlierBytes + end
    const pieces = [...this.earlier, piece.subarray(0, end)]
    this.earlier = []
    this.earlierBytes = 0
    return size > bytesMax ? undefined : Buffer.concat(pieces).toString('utf8')
  }

  /** It goes on in the next piece. False when it is too long for a key. */
  carry(piece: Buffer): boolean {
    const part = piece.subarray(this.start)
    this.start = 0
    this.earlierBytes += part.length
    if (this.earlierBytes <= VALUE_BYTES_MAX) this.earlier.push(Buffer.from(part))
    else this.earlier = []
    return this.earlierBytes <= KEY_BYTES_MAX
  }
}

/** What a string means that was found good; with its quotes. */
export function unescaped(token: string): string {
  if (!token.includes('\\')) return token.slice(1, -1)
  // A string alone, of bounded length: there is no object to build.
  return JSON.parse(token) as string
}
