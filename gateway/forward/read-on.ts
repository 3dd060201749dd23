import type { ForwardClient } from '../domain/ports.ts'

/**
 * The reading of an answer whose client has left, where somebody else needs to know how it ended.
 * Bounded by time and bytes, both counted from when the client left.
 */
export class ReadOn {
  /** Whether the client has left and the answer is read all the same. */
  isOn = false
  private bytes = 0
  private timer: NodeJS.Timeout | undefined
  private readonly bounds: ForwardClient['readsOn']

  constructor(bounds: ForwardClient['readsOn']) {
    this.bounds = bounds
  }

  /** False where the answer is of no use without its client. `onOver` is called when the time is up. */
  begin(onOver: () => void): boolean {
    if (this.bounds === undefined) return false
    this.isOn = true
    this.timer = setTimeout(onOver, this.bounds.ms)
    return true
  }

  /** Whether so many more bytes are within the bounds. */
  takes(bytes: number): boolean {
    if (!this.isOn) return true
    this.bytes += bytes
    return this.bytes <= (this.bounds?.bytes ?? 0)
  }

  end(): void {
    clearTimeout(this.timer)
  }
}
