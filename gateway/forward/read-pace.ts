import type { ResponseGuard } from '../domain/ports.ts'

/** What reads an upstream's answer. */
export interface PacedReader {
  /** Nothing of the upstream counts any more. */
  isOver(): boolean
  pause(): void
  resume(): void
  /** The upstream had said everything while the guard was busy. */
  end(): void
}

/**
 * When more of an answer may be read: not while the client has more than it takes, nor while the
 * guard cannot judge ({@link ResponseGuard.ready}).
 */
export class ReadPace {
  isReaderSlow = false
  isGuardBusy = false
  /** The upstream has said everything, while the guard was busy. */
  isEndDue = false
  private readonly guard: Pick<ResponseGuard, 'ready'>
  private readonly reader: PacedReader

  constructor(guard: Pick<ResponseGuard, 'ready'>, reader: PacedReader) {
    this.guard = guard
    this.reader = reader
  }

  /** Reads no further until the guard can judge again, then does `next`; false when it can now. */
  waitForGuard(next: () => void): boolean {
    const { reader } = this
    const ready = reader.isOver() || this.isGuardBusy ? undefined : this.guard.ready?.()
    if (ready === undefined) return this.isGuardBusy
    this.isGuardBusy = true
    reader.pause()
    void ready.then(() => {
      this.isGuardBusy = false
      if (reader.isOver()) return
      next()
      if (!this.waitForGuard(next)) this.goOn()
    })
    return true
  }

  /** Reads on, or ends, when nothing stands against it. */
  goOn(): void {
    if (this.reader.isOver() || this.isReaderSlow || this.isGuardBusy) return
    if (this.isEndDue) {
      this.isEndDue = false
      this.reader.end()
    } else this.reader.resume()
  }
}
