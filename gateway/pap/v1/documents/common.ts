/** Small things that several documents hold. */

/** ISO 8601 in UTC. */
export function instant(ms: number): string {
  return new Date(ms).toISOString()
}

/** Who ended something when and why. */
export function endedDocument({ by, at, reason }: Ended): {
  readonly by: string
  readonly at: string
  readonly reason: string
} {
  return { by, at: instant(at), reason }
}

interface Ended {
  readonly by: string
  readonly at: number
  readonly reason: string
}

/** `{ [name]: make(value) }`, or nothing when there is no value. */
export function given<N extends string, T, R>(
  name: N,
  value: T | undefined,
  make: (value: T) => R,
): Partial<Readonly<Record<N, R>>> {
  // One computed name makes an object of that name alone.
  return value === undefined ? {} : ({ [name]: make(value) } as Partial<Readonly<Record<N, R>>>)
}

/** As it is. */
export function same<T>(value: T): T {
  return value
}
