import { describe, expect, it } from '@jest/globals'
import { parseConditions } from '../../../gateway/pdp/conditions/condition-set.ts'
import { requestOf } from '../../support/policy.ts'

function verdictAt(yaml: string, now: string | number) {
  const text = `conditions:\n  c: { kind: time, ${yaml} }\n`
  const loaded = parseConditions({ file: 'conditions.yaml', text })
  if (!loaded.ok) throw new Error(loaded.diagnostics[0]?.message)
  const ms = typeof now === 'string' ? Date.parse(now) : now
  return loaded.value.get('c').test(requestOf('read model:x', { environment: { now: ms } }))
}

const truthAt = (yaml: string, now: string | number) => verdictAt(yaml, now).truth

describe('a window over midnight belongs to the day it starts on', () => {
  const fridays = 'zone: UTC, days: [fri], hours: 22:00-06:00'
  it.each([
    ['Fri 23:00', '2026-11-06T23:00:00Z', 'true'],
    ['Sat 05:59', '2026-11-07T05:59:59Z', 'true'],
    ['Sat 06:00', '2026-11-07T06:00:00Z', 'false'],
    ['Thu 23:00', '2026-11-05T23:00:00Z', 'false'],
    ['Sat 23:00', '2026-11-07T23:00:00Z', 'false'],
    ['Fri 05:00', '2026-11-06T05:00:00Z', 'false'],
    ['Fri 22:00', '2026-11-06T22:00:00Z', 'true'],
    ['Fri 21:59', '2026-11-06T21:59:59Z', 'false'],
  ])('%s', (_name, now, truth) => expect(truthAt(fridays, now)).toBe(truth))

  it('does so at the ends of months, years and date ranges too', () => {
    const newYear = 'zone: UTC, hours: 22:00-06:00, from: 2026-12-31, until: 2026-12-31'
    expect(truthAt(newYear, '2027-01-01T05:59:00Z')).toBe('true')
    expect(truthAt(newYear, '2026-12-31T05:59:00Z')).toBe('false')
    const march = 'zone: UTC, hours: 22:00-06:00, until: 2028-02-29'
    expect(truthAt(march, '2028-03-01T01:00:00Z')).toBe('true')
    expect(truthAt(march, '2028-03-01T22:00:00Z')).toBe('false')
  })
})

describe('clocks that go back and forward', () => {
  it.each([
    [
      'Berlin, first 02:30',
      'zone: Europe/Berlin, hours: 02:00-03:00',
      '2026-10-25T00:30:00Z',
      'true',
    ],
    [
      'Berlin, second 02:30',
      'zone: Europe/Berlin, hours: 02:00-03:00',
      '2026-10-25T01:30:00Z',
      'true',
    ],
    [
      'Berlin, 03:00 after',
      'zone: Europe/Berlin, hours: 02:00-03:00',
      '2026-10-25T02:00:00Z',
      'false',
    ],
    [
      'Berlin, the hour skipped',
      'zone: Europe/Berlin, hours: 02:00-03:00',
      '2026-03-29T01:00:00Z',
      'false',
    ],
    [
      'New York, first 01:30',
      'zone: America/New_York, hours: 01:00-02:00',
      '2026-11-01T05:30:00Z',
      'true',
    ],
    [
      'New York, second 01:30',
      'zone: America/New_York, hours: 01:00-02:00',
      '2026-11-01T06:30:00Z',
      'true',
    ],
    [
      'Lord Howe, 01:59',
      'zone: Australia/Lord_Howe, hours: 01:30-02:00',
      '2026-04-04T14:59:00Z',
      'true',
    ],
    [
      'Lord Howe, 01:30',
      'zone: Australia/Lord_Howe, hours: 01:30-02:00',
      '2026-04-04T15:00:00Z',
      'true',
    ],
    [
      'Lord Howe, 02:00',
      'zone: Australia/Lord_Howe, hours: 01:30-02:00',
      '2026-04-04T15:30:00Z',
      'false',
    ],
  ])('%s', (_name, yaml, now, truth) => {
    expect(truthAt(yaml, now)).toBe(truth)
  })

  it('reads half past midnight as 00:30, never 24:30', () => {
    expect(truthAt('zone: UTC, hours: 00:00-01:00', '2026-11-04T00:30:00Z')).toBe('true')
    expect(truthAt('zone: UTC, hours: 23:00-24:00', '2026-11-04T00:30:00Z')).toBe('false')
    expect(truthAt('zone: UTC, hours: 23:00-24:00', '2026-11-04T23:59:59Z')).toBe('true')
  })
})

describe('holidays', () => {
  const calendars = {
    holidays: ['2026-12-26', '2026-12-25'],
    'release-days': { description: 'When we ship.', dates: [{ date: '2026-11-04' }, '2026-11-18'] },
  }
  const at = (yaml: string, now: string) => {
    const conditions = `conditions:\n  c: { kind: time, zone: Europe/Berlin, ${yaml} }\n`
    const text = `${conditions}calendars: ${JSON.stringify(calendars)}\n`
    const loaded = parseConditions({ file: 'conditions.yaml', text })
    if (!loaded.ok) throw new Error(loaded.diagnostics[0]?.message)
    const environment = { now: Date.parse(now) }
    return loaded.value.get('c').test(requestOf('read model:x', { environment }))
  }
  const office = 'hours: 08:00-18:00, except: holidays'
  const nights = 'hours: 22:00-06:00, except: [holidays, 2027-01-01]'
  const releases = 'hours: 22:00-02:00, only: [release-days]'
  it.each([
    ['a working day', office, '2026-12-24T09:00:00Z', 'true'],
    ['a holiday', office, '2026-12-25T09:00:00Z', 'false'],
    ['the second one', office, '2026-12-26T09:00:00Z', 'false'],
    ['the day after', office, '2026-12-27T09:00:00Z', 'true'],
    // The window belongs to the day it starts on, in the zone and not in UTC.
    ['the night before a holiday, after midnight', nights, '2026-12-25T03:00:00Z', 'true'],
    ['the night of a holiday', nights, '2026-12-25T22:00:00Z', 'false'],
    ['that night, after midnight', nights, '2026-12-27T04:00:00Z', 'false'],
    ['that night, over', nights, '2026-12-27T21:00:00Z', 'true'],
    ['a date among calendars', nights, '2027-01-01T21:30:00Z', 'false'],
    ['New Year, still the night of the year before', nights, '2027-01-01T04:59:00Z', 'true'],
    [
      '23:30 UTC on the day before, 00:30 in Berlin',
      'except: holidays',
      '2026-12-24T23:30:00Z',
      'false',
    ],
    ['a release day', releases, '2026-11-04T22:00:00Z', 'true'],
    ['its night, after midnight', releases, '2026-11-05T00:59:00Z', 'true'],
    ['the day after', releases, '2026-11-05T22:00:00Z', 'false'],
    ['the whole of a date', 'only: 2026-11-04', '2026-11-04T22:59:59Z', 'true'],
    ['the whole of a date, over', 'only: 2026-11-04', '2026-11-04T23:00:00Z', 'false'],
    [
      'except wins over only',
      'only: release-days, except: 2026-11-04',
      '2026-11-04T10:00:00Z',
      'false',
    ],
    ['days and only, both', 'days: [thu], only: release-days', '2026-11-04T10:00:00Z', 'false'],
  ])('%s', (_name, yaml, now, truth) => expect(at(yaml, now).truth).toBe(truth))

  it('are named in what is said', () => {
    expect(at(office, '2026-12-25T09:00:00Z').detail).toBe(
      'outside 08:00-18:00 Europe/Berlin except holidays',
    )
  })
})

describe('days on which clocks change', () => {
  // Case 196 and 197 of the fall; these are the springs, and windows over the change.
  it.each([
    ['Berlin, 01:59 before the gap', 'hours: 01:00-03:00', '2026-03-29T00:59:00Z', 'true'],
    ['Berlin, 03:00 is the next minute', 'hours: 01:00-03:00', '2026-03-29T01:00:00Z', 'false'],
    ['Berlin, a window that ends in the gap', 'hours: 22:00-02:30', '2026-03-29T00:59:00Z', 'true'],
    ['Berlin, and is over after it', 'hours: 22:00-02:30', '2026-03-29T01:00:00Z', 'false'],
    [
      'Berlin, a night is 23 hours long',
      'days: [sat], hours: 22:00-06:00',
      '2026-03-29T03:59:00Z',
      'true',
    ],
    [
      'Berlin, and ends on the wall',
      'days: [sat], hours: 22:00-06:00',
      '2026-03-29T04:00:00Z',
      'false',
    ],
    [
      'Berlin, a night of the fall',
      'days: [sat], hours: 22:00-06:00',
      '2026-10-25T04:59:00Z',
      'true',
    ],
    ['Berlin, over too', 'days: [sat], hours: 22:00-06:00', '2026-10-25T05:00:00Z', 'false'],
  ])('%s', (_name, yaml, now, truth) => {
    expect(truthAt(`zone: Europe/Berlin, ${yaml}`, now)).toBe(truth)
  })

  it('New York and Lord Howe skip an hour and half an hour', () => {
    const york = 'zone: America/New_York, hours: 02:00-03:00'
    expect(truthAt(york, '2026-03-08T06:59:00Z')).toBe('false')
    expect(truthAt(york, '2026-03-08T07:00:00Z')).toBe('false')
    const howe = 'zone: Australia/Lord_Howe, hours: 02:00-02:30'
    expect(truthAt(howe, '2026-10-03T15:29:00Z')).toBe('false')
    expect(truthAt(howe, '2026-10-03T15:30:00Z')).toBe('false')
    expect(truthAt('zone: Australia/Lord_Howe, hours: 02:30-02:31', '2026-10-03T15:30:00Z')).toBe(
      'true',
    )
  })

  it('29 February is a day in leap years alone', () => {
    expect(truthAt('zone: UTC, only: 2028-02-29', '2028-02-29T12:00:00Z')).toBe('true')
    expect(() => truthAt('zone: UTC, only: 2027-02-29', 0)).toThrow()
  })
})

describe('days, dates and hours', () => {
  it('judges the local day, not the day of UTC', () => {
    const monday = 'zone: Asia/Tokyo, days: [mon]'
    expect(truthAt(monday, '2026-11-01T15:00:00Z')).toBe('true')
    expect(truthAt(monday, '2026-11-01T14:59:59Z')).toBe('false')
  })

  it('takes both dates as part of the range, and several windows', () => {
    const range = 'zone: UTC, from: 2026-11-02, until: 2026-11-03'
    expect(truthAt(range, '2026-11-01T23:59:59Z')).toBe('false')
    expect(truthAt(range, '2026-11-02T00:00:00Z')).toBe('true')
    expect(truthAt(range, '2026-11-03T23:59:59Z')).toBe('true')
    expect(truthAt(range, '2026-11-04T00:00:00Z')).toBe('false')
    const twice = 'zone: UTC, hours: [08:00-12:00, 13:00-17:00]'
    expect(truthAt(twice, '2026-11-04T12:30:00Z')).toBe('false')
    expect(truthAt(twice, '2026-11-04T13:00:00Z')).toBe('true')
  })

  it('is unknown when the time is no moment', () => {
    for (const now of [Number.NaN, Infinity, -Infinity, 9e15]) {
      expect(truthAt('zone: UTC, hours: 00:00-24:00', now)).toBe('unknown')
    }
  })

  it('says what it asks for', () => {
    const yaml = 'zone: Europe/Berlin, days: [mon, fri], hours: 08:00-18:00, until: 2026-12-31'
    expect(verdictAt(yaml, '2026-11-04T10:00:00Z').detail).toBe(
      'outside 08:00-18:00 mon fri Europe/Berlin until 2026-12-31',
    )
  })
})

describe('what is refused when it is loaded', () => {
  it.each([
    'zone: UTC',
    'zone: UTC, hours: 00:00-00:00',
    'zone: UTC, hours: 08:00-08:00',
    'zone: UTC, hours: 24:00-06:00',
    'zone: UTC, hours: 25:00-26:00',
    'zone: UTC, hours: 9:00-17:00',
    'zone: UTC, hours: 09:00:60-17:00',
    'zone: UTC, hours: 09:00-17:60',
    'zone: UTC, hours: []',
    'zone: Europe/Berln, hours: 08:00-18:00',
    'zone: "+02:00", hours: 08:00-18:00',
    'hours: 08:00-18:00',
    'zone: UTC, days: [monday]',
    'zone: UTC, days: [1]',
    'zone: UTC, days: []',
    'zone: UTC, from: 2026-02-30',
    'zone: UTC, from: 2026-2-3',
    'zone: UTC, until: 2027-02-29',
    'zone: UTC, from: 2026-02-02, until: 2026-02-01',
    'zone: UTC, hours: 08:00-18:00, hour: 1',
    'zone: UTC, only: []',
    'zone: UTC, only: 2026-02-30',
    'zone: UTC, except: [2026-2-3]',
    'zone: UTC, except: 20261225',
    'zone: UTC, except: Holidays',
    'zone: UTC, except: holidays',
  ])('%s', (yaml) => expect(() => truthAt(yaml, 0)).toThrow())
})
