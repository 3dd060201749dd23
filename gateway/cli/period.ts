import { GatewayError } from '../domain/errors.ts'

/** A stretch of time, milliseconds since the epoch. */
export interface Period {
  readonly from: number
  /** The first instant that is no longer part of it. */
  readonly to: number
}

/** What periods look like, for messages. */
export const PERIOD_FORMS = '2026, 2026-Q3, 2026-07, 2026-07-14, today, last-month or last-quarter'

const FORM = /^(\d{4})(?:-(?:Q([1-4])|(0[1-9]|1[0-2])(?:-(\d{2}))?))?$/
const DAY_MS = 86_400_000

/** A year, quarter, month or day in UTC, or one counted from `nowMs`; `undefined` when it is none. */
export function periodIn(text: string, nowMs: number): Period | undefined {
  return countedFrom(text, new Date(nowMs)) ?? written(text)
}

/** A period an option must name. @throws ERR_USAGE */
export function periodOf(text: string, option: string, nowMs: number): Period {
  const period = periodIn(text, nowMs)
  if (period !== undefined) return period
  throw new GatewayError('ERR_USAGE', `${option} takes a period such as ${PERIOD_FORMS}`)
}

/** The day `text` names in UTC; `undefined` when it is none. */
export function dayIn(text: string): Period | undefined {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) ? written(text) : undefined
}

function written(text: string): Period | undefined {
  const [, yearText, quarter, month, day] = FORM.exec(text) ?? []
  if (yearText === undefined) return undefined
  const year = Number(yearText)
  if (quarter !== undefined) return months(year, (Number(quarter) - 1) * 3, 3)
  if (month === undefined) return months(year, 0, 12)
  if (day === undefined) return months(year, Number(month) - 1, 1)
  const from = Date.parse(`${text}T00:00:00Z`)
  // `2026-02-30` is no day, though a Date would make one of it.
  if (Number.isNaN(from) || !new Date(from).toISOString().startsWith(text)) return undefined
  return { from, to: from + DAY_MS }
}

function months(year: number, month: number, count: number): Period {
  return { from: Date.UTC(year, month), to: Date.UTC(year, month + count) }
}

function countedFrom(text: string, now: Date): Period | undefined {
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth()]
  const midnight = Date.UTC(year, month, now.getUTCDate())
  const quarter = month - (month % 3)
  switch (text) {
    case 'today':
      return { from: midnight, to: midnight + DAY_MS }
    case 'yesterday':
      return { from: midnight - DAY_MS, to: midnight }
    case 'last-month':
      return months(year, month - 1, 1)
    case 'last-quarter':
      return months(year, quarter - 3, 3)
    case 'last-year':
      return months(year - 1, 0, 12)
    default:
      return undefined
  }
}
