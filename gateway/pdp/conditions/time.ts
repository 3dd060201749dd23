/**
 * Kind `time`: days, hours and dates of a time zone. A window that passes midnight belongs to the
 * day it starts on, and so do `days`, `from`, `until`, `only` and `except`. When clocks go back, both passes of the
 * repeated hour are inside a window that names it; when they go forward, the hour does not occur.
 */
import { DAYS } from '../../settings/schemas/condition-time.ts'
import type { SpecOf } from '../../settings/schemas/conditions.ts'
import { GatewayError } from '../../domain/errors.ts'
import { fails, HOLDS, listed, unknown, type Test, type Verdict } from './condition.ts'
import { isDateText, type Definitions } from './definitions.ts'

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000
/** The widest moment a JavaScript date can hold. */
const MOMENT_MS_MAX = 8.64e15

interface Window {
  /** Minutes since midnight; `end` is exclusive and up to 1440. */
  readonly start: number
  readonly end: number
}

interface Local {
  /** Midnight of the local calendar day, counted as if it were UTC; used for arithmetic only. */
  readonly dayMs: number
  readonly minute: number
}

/**
 * Compiles a `time` condition. The schema has checked zone, hours and dates.
 * @throws ERR_RULES_INVALID on a calendar that is not defined
 */
export function timeTest(spec: SpecOf<'time'>, definitions: Pick<Definitions, 'calendars'>): Test {
  const localOf = createLocalClock(spec.zone)
  const windows = (spec.hours ?? ['00:00-24:00']).map(windowOf)
  const startsOn = dayTest(spec, definitions)
  const outside = fails(describe(spec))
  const noTime = unknown('the time is not known')
  // One minute is remembered: offsets of zones in use are whole minutes, so nothing changes in it.
  let memo: { minute: number; verdict: Verdict } | undefined
  return ({ environment: { now } }) => {
    if (!Number.isFinite(now) || Math.abs(now) > MOMENT_MS_MAX) return noTime
    const minute = Math.floor(now / MINUTE_MS)
    if (memo?.minute === minute) return memo.verdict
    const local = localOf(now)
    const verdict = windows.some((w) => isInside(w, local, startsOn)) ? HOLDS : outside
    memo = { minute, verdict }
    return verdict
  }
}

function isInside(window: Window, local: Local, startsOn: (dayMs: number) => boolean): boolean {
  const { start, end } = window
  if (start < end) return local.minute >= start && local.minute < end && startsOn(local.dayMs)
  if (local.minute >= start) return startsOn(local.dayMs)
  return local.minute < end && startsOn(local.dayMs - DAY_MS)
}

function dayTest(
  spec: SpecOf<'time'>,
  { calendars }: Pick<Definitions, 'calendars'>,
): (dayMs: number) => boolean {
  const days = new Set<string>(spec.days ?? DAYS)
  const from = spec.from === undefined ? -Infinity : midnightOf(spec.from)
  const until = spec.until === undefined ? Infinity : midnightOf(spec.until)
  const only = spec.only && datesOf(spec.only, calendars)
  const except = spec.except && datesOf(spec.except, calendars)
  return (dayMs) => {
    // Sunday is 0 to JavaScript and the last day of the week to people.
    const day = DAYS[(new Date(dayMs).getUTCDay() + 6) % 7] ?? ''
    if (!days.has(day) || dayMs < from || dayMs > until) return false
    return only?.has(dayMs) !== false && except?.has(dayMs) !== true
  }
}

/** Midnights of the days that calendars and dates name. */
function datesOf(
  references: readonly string[],
  calendars: Definitions['calendars'],
): ReadonlySet<number> {
  const dates = references.flatMap((one) => (isDateText(one) ? [one] : calendarOf(one, calendars)))
  return new Set(dates.map(midnightOf))
}

function calendarOf(name: string, calendars: Definitions['calendars']): readonly string[] {
  const dates = calendars.get(name)
  if (dates === undefined) {
    throw new GatewayError('ERR_RULES_INVALID', `no calendar is named ${name}`)
  }
  return dates
}

const midnightOf = (date: string): number => Date.parse(`${date}T00:00:00Z`)

function windowOf(text: string): Window {
  const minuteOf = (clock: string) => Number(clock.slice(0, 2)) * 60 + Number(clock.slice(3, 5))
  return { start: minuteOf(text.slice(0, 5)), end: minuteOf(text.slice(6)) }
}

/** Local wall time through one cached formatter; building one costs a hundred formats. */
function createLocalClock(zone: string): (now: number) => Local {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    // With `hour12: false` half past midnight reads 24:30.
    hourCycle: 'h23',
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
  })
  return (now) => {
    const parts = new Map(format.formatToParts(now).map((part) => [part.type, part.value]))
    const read = (type: Intl.DateTimeFormatPartTypes) => Number(parts.get(type))
    return {
      dayMs: Date.UTC(read('year'), read('month') - 1, read('day')),
      minute: read('hour') * 60 + read('minute'),
    }
  }
}

function describe(spec: SpecOf<'time'>): string {
  const parts = [spec.hours?.join(', '), spec.days?.join(' '), spec.zone]
  if (spec.from !== undefined) parts.push(`from ${spec.from}`)
  if (spec.until !== undefined) parts.push(`until ${spec.until}`)
  if (spec.only !== undefined) parts.push(`only ${listed(spec.only)}`)
  if (spec.except !== undefined) parts.push(`except ${listed(spec.except)}`)
  return `outside ${parts.filter((part) => part !== undefined).join(' ')}`
}
