/** Time, injected everywhere, so that tests pin it and no code reads it behind anyone's back. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number
  /** Monotonic milliseconds with a fraction, from an arbitrary origin. */
  monotonicMs(): number
}

/**
 * Writes instants in ISO 8601. Requests of one millisecond share the text of the one before: making
 * it takes longer than anything else in a record.
 */
export function createInstantText(): (epochMs: number) => string {
  let last = Number.NaN
  let text = ''
  return (epochMs) => {
    if (epochMs === last) return text
    text = new Date(epochMs).toISOString()
    last = epochMs
    return text
  }
}

/** The clock of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
}
