import { archive, type ByteSink, type ScanFinding } from './finding.ts'
import { Inflate } from './inflate.ts'
import { mayInflate, type Spending } from './limits.ts'

/** Input that is inflated at once: bounds what a bomb can make of one piece. */
const STEP_BYTES = 4096

/** Inflates into another sink; `rest` says when the compressed data has ended. */
export class InflatedStream {
  private found: ScanFinding | undefined
  private inBytes = 0
  private outBytes = 0
  private readonly inflate: Inflate
  private readonly spending: Spending
  private readonly format: string

  constructor(inner: ByteSink, spending: Spending, format: string) {
    this.spending = spending
    this.format = format
    this.inflate = new Inflate((bytes) => {
      this.outBytes += bytes.length
      spending.inflatedBytes += bytes.length
      this.found ??= inner.push(bytes)
    })
  }

  get isDone(): boolean {
    return this.inflate.isDone
  }

  /** Whether it is no compressed data after all: what came before has been judged. */
  get isBad(): boolean {
    return this.inflate.isBad
  }

  /** Judges the next piece: a finding, or how many of its bytes are behind the end. */
  push(chunk: Buffer): ScanFinding | number {
    for (let at = 0; at < chunk.length; at += STEP_BYTES) {
      const step = chunk.subarray(at, at + STEP_BYTES)
      this.inBytes += step.length
      const rest = this.inflate.push(step)
      if (this.found !== undefined) return this.found
      if (!mayInflate(this.spending, this.inBytes, this.outBytes)) return archive(this.format)
      if (this.inflate.isBad) return 0
      if (this.inflate.isDone) return rest + chunk.length - Math.min(chunk.length, at + STEP_BYTES)
    }
    return 0
  }
}
