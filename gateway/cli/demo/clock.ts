import { systemClock, type Clock } from '../../domain/clock.ts'
import { invariant } from '../../domain/errors.ts'

/** A clock that runs at the speed of the machine's and can be put forward. */
export interface DemoClock extends Clock {
  /** Goes on from `time` (milliseconds since the epoch). A ledger does not like time to go back. */
  moveTo(time: number): void
}

/** Moments of the demo; its rules speak of Berlin, where it is an hour later than in UTC. */
export const MOMENTS = {
  morning: Date.parse('2026-11-24T10:00:00+01:00'),
  evening: Date.parse('2026-11-24T21:00:00+01:00'),
  nextMorning: Date.parse('2026-11-25T10:00:00+01:00'),
} as const

/** One of {@link MOMENTS}. */
export type Moment = keyof typeof MOMENTS

/** A clock that says `time` now. Waiting times (`monotonicMs`) are never moved. */
export function createDemoClock(time: number): DemoClock {
  let from = time
  let sinceMs = systemClock.monotonicMs()
  const now = (): number => Math.floor(from + systemClock.monotonicMs() - sinceMs)
  return {
    now,
    monotonicMs: () => systemClock.monotonicMs(),
    moveTo(next) {
      invariant(next >= now(), 'the clock of the demo only goes forward')
      from = next
      sinceMs = systemClock.monotonicMs()
    },
  }
}

/** `Tuesday 24 November 2026, 10:00 in Berlin`. */
export function momentText(time: number): string {
  const zone = { timeZone: 'Europe/Berlin' } as const
  const weekday = new Intl.DateTimeFormat('en-GB', { ...zone, weekday: 'long' }).format(time)
  const day = new Intl.DateTimeFormat('en-GB', { ...zone, dateStyle: 'long' }).format(time)
  const hour = new Intl.DateTimeFormat('en-GB', { ...zone, timeStyle: 'short' }).format(time)
  return `${weekday} ${day}, ${hour} in Berlin`
}
