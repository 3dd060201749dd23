import type { ScanFinding } from './finding.ts'
import { LOOK_AHEAD, LOOK_BEHIND } from './needle-search.ts'

/** Searches one piece: starts from `from` on, with what is before as context. */
export type Search = (data: Buffer, from: number, to: number) => ScanFinding | undefined

const NOTHING = Buffer.alloc(0)

/** Below so many bytes a piece is joined to what came before; above, only its beginning is. */
const JOIN_MAX = 4096

/**
 * Hands the pieces of a stream to a search in such a way that it sees every place with enough of what
 * is before and behind it. No piece is copied but the ends of it.
 */
export class Carry {
  /** What the tail is the end of: cut off only where another piece comes. */
  private last: Buffer = NOTHING
  private readonly search: Search
  private readonly kept: number

  /** @param around bytes before and from a place on that the search may look at */
  constructor(search: Search, around = { behind: LOOK_BEHIND, ahead: LOOK_AHEAD }) {
    this.search = search
    this.behind = around.behind
    this.kept = around.behind + around.ahead
  }

  private readonly behind: number
  /** Where in the tail the places begin that are not decided. */
  private open = 0

  push(chunk: Buffer): ScanFinding | undefined {
    const tail = this.tail()
    if (tail.length === 0) {
      const found = this.search(chunk, 0, chunk.length)
      this.keep(chunk)
      return found
    }
    if (chunk.length <= JOIN_MAX) {
      const joined = Buffer.concat([tail, chunk])
      const found = this.search(joined, this.open, joined.length)
      this.keep(joined)
      return found
    }
    const seam = Buffer.concat([tail, chunk.subarray(0, 2 * this.kept)])
    const found = this.search(seam, this.open, tail.length + this.kept)
    if (found !== undefined) return found
    this.keep(chunk)
    return this.search(chunk, this.behind, chunk.length)
  }

  private tail(): Buffer {
    const { last, kept } = this
    return last.length <= kept ? last : last.subarray(last.length - kept)
  }

  private keep(data: Buffer): void {
    this.last = data
    this.open = data.length <= this.kept ? 0 : this.behind
  }
}
