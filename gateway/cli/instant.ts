import { GatewayError } from '../domain/errors.ts'

/**
 * An RFC 3339 time, milliseconds since the epoch; `option` is named when it is none, with `others`,
 * what else it takes. @throws ERR_USAGE
 */
export function instantIn(text: string, option: string, others = ''): number {
  const strict = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?(?:Z|[+-]\d{2}:\d{2})$/.test(
    text,
  )
  const time = strict ? Date.parse(text) : Number.NaN
  if (Number.isNaN(time) || !isCalendarDay(text)) {
    const example = '2026-11-23T10:30:00+01:00'
    throw new GatewayError(
      'ERR_USAGE',
      `${option} takes an RFC 3339 time such as ${example}${others}`,
    )
  }
  return time
}

/** `Date.parse('2026-02-30')` silently gives the second of March. */
function isCalendarDay(text: string): boolean {
  const day = text.slice(0, 10)
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day)
}
