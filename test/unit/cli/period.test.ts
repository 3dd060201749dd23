import { describe, expect, it } from '@jest/globals'
import { dayIn, periodIn, periodOf } from '../../../gateway/cli/period.ts'

const NOW = Date.parse('2026-02-10T15:30:00Z')
const spelled = (text: string) => {
  const period = periodIn(text, NOW)
  return period && [period.from, period.to].map((at) => new Date(at).toISOString().slice(0, 16))
}

describe('periods', () => {
  it.each([
    ['2026', '2026-01-01T00:00', '2027-01-01T00:00'],
    ['2026-Q1', '2026-01-01T00:00', '2026-04-01T00:00'],
    ['2026-Q4', '2026-10-01T00:00', '2027-01-01T00:00'],
    ['2026-12', '2026-12-01T00:00', '2027-01-01T00:00'],
    ['2028-02-29', '2028-02-29T00:00', '2028-03-01T00:00'],
    ['today', '2026-02-10T00:00', '2026-02-11T00:00'],
    ['yesterday', '2026-02-09T00:00', '2026-02-10T00:00'],
    ['last-month', '2026-01-01T00:00', '2026-02-01T00:00'],
    ['last-quarter', '2025-10-01T00:00', '2026-01-01T00:00'],
    ['last-year', '2025-01-01T00:00', '2026-01-01T00:00'],
  ])('%s is from %s to %s', (text, from, to) => {
    expect(spelled(text)).toEqual([from, to])
  })

  it.each(['2026-Q5', '2026-13', '2026-00', '2026-02-30', '26', '2026-q3', '2026-7', '', '7d'])(
    '%j is none',
    (text) => {
      expect(periodIn(text, NOW)).toBeUndefined()
      expect(() => periodOf(text, '--during', NOW)).toThrow('--during takes a period')
    },
  )

  it('of a day is told from longer ones', () => {
    expect(dayIn('2026-07-14')).toBeDefined()
    expect(dayIn('2026-07')).toBeUndefined()
    expect(dayIn('2026-07-14T10:00:00Z')).toBeUndefined()
  })
})
