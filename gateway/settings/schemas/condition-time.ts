/** Conditions of kind `time`, and the calendars they refer to. */
import { z } from 'zod'
import {
  described,
  namedMap,
  NAME_PATTERN,
  NAME_PROBLEM,
  refuseRepeats,
  testsSomething,
  text,
} from './condition-fields.ts'

/** Days, in the order of a week that starts on Monday. */
export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

/** A window of local time; `24:00` only as the end, and the whole day only as `00:00-24:00`. */
const hours = z
  .string()
  .regex(
    /^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$/,
    'expected a window such as 08:00-18:00, or 22:00-06:00 over midnight',
  )
  .refine((window) => window.slice(0, 5) !== window.slice(6), {
    message: 'the window starts when it ends; write 00:00-24:00 for the whole day',
  })

const HOURS = {
  error:
    'expected a window such as 08:00-18:00, 22:00-06:00 over midnight or 00:00-24:00 for the ' +
    'whole day, or a list of such windows',
}

const zone = text.refine(isZone, {
  message: 'expected an IANA time zone such as Europe/Berlin, or UTC',
})

function isZone(name: string): boolean {
  // Offsets such as +02:00 are accepted by Intl but never change with the season.
  if (!/^[A-Za-z]/.test(name)) return false
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name })
    return true
  } catch {
    return false
  }
}

const DATE_PATTERN = /^\d{4}-\d{2}-\d{2}$/

/** `Date.parse('2026-02-30')` is 2 March, silently; this is not. */
const date = z
  .string()
  .regex(DATE_PATTERN, 'expected a date such as 2026-11-30')
  .refine(isDate, { message: 'this date does not exist' })

function isDate(day: string): boolean {
  const ms = Date.parse(`${day}T00:00:00Z`)
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day)
}

const entry = z.union(
  [
    date,
    z.strictObject({
      date: date.describe('The day.'),
      description: z.string().max(500).optional().describe('What day it is, for people.'),
    }),
  ],
  { error: 'expected a date such as 2026-12-25 that exists, or { date, description }' },
)

const dates = z
  .array(entry)
  .min(1)
  .max(4096)
  .transform((entries) => entries.map((one) => (typeof one === 'string' ? one : one.date)))
  .superRefine((days, context) => {
    refuseRepeats(days, (index, message) =>
      context.addIssue({ code: 'custom', path: [index], message }),
    )
  })
  .transform((days) => days.toSorted())

/** `calendars`: lists of days by name, sorted. */
export const calendars = namedMap(
  z.union(
    [
      dates,
      z
        .strictObject({ ...described, dates: dates.describe('The days.') })
        .transform((calendar) => calendar.dates),
    ],
    { error: 'expected a list of dates that exist, each once, or { description, dates }' },
  ),
)

const isReference = (day: string): boolean => NAME_PATTERN.test(day) || DATE_PATTERN.test(day)

/** The name of a calendar, or a date; a date starts with a digit and a name does not. */
const dayReference = z
  .string()
  .refine(isReference, { message: `expected a date or a calendar: ${NAME_PROBLEM}` })
  .refine((day) => !DATE_PATTERN.test(day) || isDate(day), { message: 'this date does not exist' })

const dayReferences = z.union(
  [dayReference.transform((day) => [day]), z.array(dayReference).min(1).max(256)],
  { error: 'expected the name of a calendar, or a list of calendars and dates that exist' },
)

/** Kind `time`. */
export const time = z
  .strictObject({
    kind: z.literal('time').describe('Days and hours in a time zone.'),
    ...described,
    zone: zone.describe('IANA time zone, such as Europe/Berlin.'),
    days: z
      .array(z.enum(DAYS))
      .min(1)
      .max(7)
      .optional()
      .describe('Days on which a window starts; every day when absent.'),
    hours: z
      .union([hours.transform((w) => [w]), z.array(hours).min(1).max(8)], HOURS)
      .optional()
      .describe('Windows of local time; one may end after midnight.'),
    from: date.optional().describe('First day, in the zone.'),
    until: date.optional().describe('Last day, in the zone.'),
    only: dayReferences
      .optional()
      .describe('Calendars and dates on which alone a window starts, such as release-days.'),
    except: dayReferences
      .optional()
      .describe('Calendars and dates on which no window starts, such as holidays.'),
  })
  .refine(testsSomething, {
    message: 'tests nothing; add days, hours, from, until, only or except',
  })
  .refine((c) => c.from === undefined || c.until === undefined || c.from <= c.until, {
    message: 'ends before it begins',
    path: ['until'],
  })
