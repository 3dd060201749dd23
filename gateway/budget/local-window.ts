/** A sliding window of one replica's own, for while the store cannot be asked. */
import type { Lease } from '../domain/shared-state.ts'

/** The window slides in steps of a sixteenth, to the safe side. */
const STEPS = 16

/**
 * Gives amounts so that in no period of `windowMs` more than `max` is given, by this replica alone.
 * Holds seventeen numbers.
 */
export class LocalWindow {
  private readonly given = new Float64Array(STEPS + 1)
  private step = Number.NaN
  private readonly stepMs: number

  constructor(windowMs: number) {
    this.stepMs = windowMs / STEPS
  }

  /** `nowMs`: of a clock that never goes back. */
  lease(amount: number, max: number, nowMs: number): Lease {
    this.slideTo(Math.floor(nowMs / this.stepMs))
    let used = 0
    for (const one of this.given) used += one
    const granted = Math.max(0, Math.min(amount, max - used))
    this.note(granted, nowMs)
    const retryAfterMs = granted === amount ? 0 : this.stepMs
    return { granted, left: Math.max(0, max - used - granted), retryAfterMs }
  }

  /** Counts what the store gave as given. */
  note(amount: number, nowMs: number): void {
    this.slideTo(Math.floor(nowMs / this.stepMs))
    const at = this.step % this.given.length
    this.given[at] = (this.given[at] ?? 0) + amount
  }

  /** Takes off what was given back to the store, what was given first at first. */
  takeOff(amount: number): void {
    let rest = amount
    for (let step = this.step - STEPS; step <= this.step; step++) {
      const at = ((step % this.given.length) + this.given.length) % this.given.length
      const taken = Math.min(this.given[at] ?? 0, rest)
      this.given[at] = (this.given[at] ?? 0) - taken
      rest -= taken
    }
  }

  private slideTo(step: number): void {
    if (!(step - this.step <= STEPS)) this.given.fill(0)
    else {
      for (let at = this.step + 1; at <= step; at++) this.given[at % this.given.length] = 0
    }
    this.step = step
  }
}
