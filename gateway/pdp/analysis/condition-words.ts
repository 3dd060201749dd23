/** Conditions in words for people who do not read YAML: `Monday to Friday, 08:00-18:00 Europe/Berlin`. */
import { DAYS } from '../../settings/schemas/condition-time.ts'
import type { ConditionSpec, SpecOf } from '../../settings/schemas/conditions.ts'
import type { Expression } from '../policy/expression.ts'
import { durationText } from '../conditions/condition.ts'

/** What must be the case for the condition to hold. One sentence without its full stop. */
export function conditionWords(spec: ConditionSpec): string {
  switch (spec.kind) {
    case 'time':
      return timeWords(spec)
    case 'network':
      return networkWords(spec)
    case 'geo':
      return `from ${oneOfWords(spec.countries)}`
    case 'device':
      return deviceWords(spec)
    case 'mfa':
      return mfaWords(spec)
    case 'token':
      return tokenWords(spec)
    case 'resource':
      return resourceWords(spec)
    case 'grant':
      return grantWords(spec)
    case 'approval':
      return approvalWords(spec)
  }
}

const DAY_NAMES: Readonly<Record<(typeof DAYS)[number], string>> = {
  mon: 'Monday',
  tue: 'Tuesday',
  wed: 'Wednesday',
  thu: 'Thursday',
  fri: 'Friday',
  sat: 'Saturday',
  sun: 'Sunday',
}

function timeWords(spec: SpecOf<'time'>): string {
  const hours = spec.hours === undefined ? [] : [joined(spec.hours)]
  const when = [...dayWords(spec.days), ...hours]
  const parts = [`${[...when, ''].join(', ').replace(/, $/, '')} ${spec.zone} time`.trim()]
  if (spec.from !== undefined) parts.push(`from ${spec.from} on`)
  if (spec.until !== undefined) parts.push(`up to and including ${spec.until}`)
  if (spec.only !== undefined) parts.push(`only on ${joined(spec.only)}`)
  if (spec.except !== undefined) parts.push(`not on ${joined(spec.except)}`)
  return parts.join(', ')
}

/** Runs of three days and more as `Monday to Friday`, across Sunday too. */
function dayWords(days: readonly (typeof DAYS)[number][] | undefined): string[] {
  if (days === undefined || days.length === 7) return []
  const chosen = DAYS.filter((day) => days.includes(day))
  const start = chosen.find((day) => !days.includes(before(day)))
  const run = start === undefined ? [] : runFrom(start, days)
  if (run.length !== chosen.length || run.length < 3)
    return [joined(chosen.map((d) => DAY_NAMES[d]))]
  const [first = 'mon'] = run
  return [`${DAY_NAMES[first]} to ${DAY_NAMES[run.at(-1) ?? first]}`]
}

function before(day: (typeof DAYS)[number]): (typeof DAYS)[number] {
  return DAYS.at(DAYS.indexOf(day) - 1) ?? 'sun'
}

function runFrom(start: (typeof DAYS)[number], days: readonly (typeof DAYS)[number][]) {
  const from = DAYS.indexOf(start)
  const week = [...DAYS.slice(from), ...DAYS.slice(0, from)]
  const end = week.findIndex((day) => !days.includes(day))
  return week.slice(0, end < 0 ? week.length : end)
}

function networkWords(spec: SpecOf<'network'>): string {
  const zones = (spec.zones ?? []).map((zone) => `the zone ${zone}`)
  return `from ${oneOfWords([...zones, ...(spec.cidrs ?? [])])}`
}

function deviceWords(spec: SpecOf<'device'>): string {
  const flags = (['managed', 'compliant', 'encrypted'] as const).filter(
    (flag) => spec[flag] === true,
  )
  const parts = [flags.length === 0 ? 'on a device' : `on a device that is ${joined(flags)}`]
  if (spec.os !== undefined) parts.push(`running ${oneOfWords(spec.os)}`)
  if (spec.os_version_min !== undefined) {
    const minimums = Object.entries(spec.os_version_min).map(([os, version]) => `${os} ${version}`)
    parts.push(`with at least ${joined(minimums)}`)
  }
  if (spec.max_age !== undefined) parts.push(`assessed within ${durationText(spec.max_age)}`)
  if (spec.sources !== undefined) parts.push(`known from ${oneOfWords(spec.sources)}`)
  return parts.join(', ')
}

function mfaWords(spec: SpecOf<'mfa'>): string {
  const parts: string[] = []
  if (spec.required === true) parts.push('with a second factor')
  if (spec.amr !== undefined) parts.push(`authenticated by ${oneOfWords(spec.amr)}`)
  if (spec.acr !== undefined) parts.push(`at the level ${oneOfWords(spec.acr)}`)
  if (spec.acrs !== undefined) parts.push(`in the context ${oneOfWords(spec.acrs)}`)
  const age = spec.max_age
  if (typeof age === 'number') parts.push(`authenticated within ${durationText(age)}`)
  else if (age !== undefined) {
    const by = Object.entries(age.by_issuer).map(([name, ms]) => `${durationText(ms)} for ${name}`)
    parts.push(`authenticated within ${joined([...by, `${durationText(age.default)} otherwise`])}`)
  }
  return parts.join(', ')
}

function tokenWords(spec: SpecOf<'token'>): string {
  const parts: string[] = []
  if (spec.issuers !== undefined) parts.push(`with a token of ${oneOfWords(spec.issuers)}`)
  if (spec.clients !== undefined) parts.push(`through the client ${oneOfWords(spec.clients)}`)
  for (const [claim, wanted] of Object.entries(spec.claims ?? {})) {
    parts.push(`with the claim ${claim} ${claimWords(wanted)}`)
  }
  if (spec.max_age !== undefined) parts.push(`issued within ${durationText(spec.max_age)}`)
  if (spec.max_remaining !== undefined) {
    parts.push(`that expires within ${durationText(spec.max_remaining)}`)
  }
  if (spec.max_lifetime !== undefined) {
    parts.push(`that lives for at most ${durationText(spec.max_lifetime)}`)
  }
  return parts.join(', ')
}

function claimWords(wanted: NonNullable<SpecOf<'token'>['claims']>[string]): string {
  if (typeof wanted !== 'object') return `equal to ${String(wanted)}`
  if (Array.isArray(wanted)) return `equal to ${oneOfWords(wanted.map(String))}`
  const { min, max } = wanted as { min?: number; max?: number }
  if (min === undefined) return `at most ${String(max)}`
  return max === undefined ? `at least ${min}` : `from ${min} to ${max}`
}

function resourceWords(spec: SpecOf<'resource'>): string {
  const parts: string[] = []
  for (const field of ['classification', 'environment', 'owner'] as const) {
    const allowed = spec[field]
    if (allowed !== undefined) parts.push(`whose ${field} is ${oneOfWords(allowed)}`)
  }
  if (spec.tags_any !== undefined) parts.push(`that has the tag ${oneOfWords(spec.tags_any)}`)
  if (spec.tags_all !== undefined) parts.push(`that has the tags ${joined(spec.tags_all)}`)
  return `for a resource ${joined(parts)}`
}

function grantWords(spec: SpecOf<'grant'>): string {
  const end = spec.max_remaining
  return `with a grant in force${end === undefined ? '' : ` that ends within ${durationText(end)}`}`
}

function approvalWords(spec: SpecOf<'approval'>): string {
  const people = (count: number, from: readonly string[] | undefined) =>
    `${count} ${count === 1 ? 'person' : 'people'}${from === undefined ? '' : ` of ${oneOfWords(from)}`}`
  const who = spec.each?.map(({ count, from }) => people(count, from)) ?? [
    people(spec.count ?? 1, spec.from),
  ]
  const age = spec.max_age === undefined ? '' : ` within ${durationText(spec.max_age)}`
  return `approved by ${joined(who)} other than the caller${age}`
}

/** Past this a condition is called by its name; the glossary has the words. */
const SPELLED_MAX = 72

/** A `when` in words; conditions whose words are too long stand with their names. */
export function whenWords(
  when: Expression,
  specOf: (name: string) => ConditionSpec | undefined,
): string {
  switch (when.type) {
    case 'name': {
      const spec = specOf(when.name)
      const words = spec === undefined ? when.name : conditionWords(spec)
      return words.length > SPELLED_MAX ? when.name : words
    }
    case 'not':
      return `not ${wrapped(when.operand, specOf)}`
    case 'and':
      return `${wrapped(when.left, specOf, 'and')}, and ${wrapped(when.right, specOf, 'and')}`
    case 'or':
      return `${wrapped(when.left, specOf, 'or')}, or ${wrapped(when.right, specOf, 'or')}`
  }
}

/** In parentheses where it would read otherwise without. */
function wrapped(
  when: Expression,
  specOf: (name: string) => ConditionSpec | undefined,
  around?: Expression['type'],
): string {
  const words = whenWords(when, specOf)
  if (when.type === around || (around !== undefined && when.type === 'name')) return words
  return /,| or | and /.test(words) ? `(${words})` : words
}

/** `a, b and c`, all of them. */
export function joined(items: readonly string[]): string {
  return listWords(items, 'and')
}

/** `a, b or c`; long lists are cut. */
function oneOfWords(items: readonly string[]): string {
  return listWords(items, 'or')
}

const LISTED_MAX = 12

function listWords(items: readonly string[], last: 'and' | 'or'): string {
  if (items.length < 2) return items[0] ?? ''
  if (items.length > LISTED_MAX) {
    return `${items.slice(0, LISTED_MAX).join(', ')} ${last} ${items.length - LISTED_MAX} more`
  }
  return `${items.slice(0, -1).join(', ')} ${last} ${items.at(-1) ?? ''}`
}
