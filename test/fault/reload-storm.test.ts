/**
 * Rules that change faster than anyone should change them, under load. A few seconds each; a minute
 * each with `MODELGATE_STORM_SECONDS=60`.
 */
import { describe, expect, it } from '@jest/globals'
import { runStorm, type StormVariant } from '../support/reload-storm.ts'

const SECONDS = Number(process.env['MODELGATE_STORM_SECONDS'] ?? '3')

/** The gateway takes files for settled that were left alone for 250 ms at the least when written in place. */
const QUIET_MS = 250

describe('a storm of reloads', () => {
  it.each<[StormVariant, number]>([
    ['symlink', 20],
    ['rename', 10],
    ['in-place', 10],
  ])(
    'by %s, %d times a second, leaves no decision that its revision does not explain',
    async (variant, changesPerSecond) => {
      const storm = { variant, seconds: SECONDS, changesPerSecond, requestsPerSecond: 200 }
      const report = await runStorm(storm)
      process.stdout.write(`reload storm: ${JSON.stringify(report)}\n`)
      expect(report.changes).toBeGreaterThan(SECONDS * 2)
      expect(Object.keys(report.statuses).sort()).toEqual(['200', '403'])
      const { a, b } = report.decisions
      expect(a + b).toBeGreaterThan(SECONDS * 50)
      // Files that are not swapped at once are waited for: in so short a time one set may be all, and
      // what is written in place without a rest may be read for the first time when the storm is over.
      if (variant !== 'in-place' || SECONDS >= 30) expect(report.reloads).toBeGreaterThan(1)
      if (variant === 'symlink' || SECONDS >= 30) expect(Math.min(a, b)).toBeGreaterThan(0)
      // A writer that was itself held up for longer than that has left a half-written set to settle.
      if (variant !== 'in-place' || report.longestWriteMs < QUIET_MS) expect(report.wrong).toBe(0)
    },
    (SECONDS + 40) * 1000,
  )
})
