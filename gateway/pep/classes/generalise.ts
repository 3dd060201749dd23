/** What is left of a value that is generalised. What is not understood is `undefined`. */
import type { Generalisation } from '../../domain/data-classes.ts'
import { ipText, parseIp } from '../../domain/network.ts'

/** A number as JSON writes it, or the text of a string. */
export interface PlainValue {
  readonly kind: 'string' | 'number'
  readonly text: string
}

type Rule = (value: PlainValue) => string | undefined

const RULES: Readonly<Record<Generalisation, Rule>> = {
  year: (value) => ofDate(value, 'year'),
  month: (value) => ofDate(value, 'month'),
  decade: ({ text }) => lowerBound(text, 10n),
  hundred: ({ text }) => lowerBound(text, 100n),
  thousand: ({ text }) => lowerBound(text, 1000n),
  network: ({ kind, text }) => (kind === 'string' ? networkOf(text) : undefined),
  initial: ({ kind, text }) => (kind === 'string' ? initialOf(text) : undefined),
}

/**
 * The year or month of an ISO 8601 date or of an epoch (then its first moment, in the same unit); the
 * lower bound of a number; the /24 or /48 of an address; the first letter.
 */
export function generalise(value: PlainValue, as: Generalisation): string | undefined {
  return RULES[as](value)
}

type DatePart = 'year' | 'month'

const ISO_DATE = /^(\d{4})-(0[1-9]|1[0-2])(?:-(?:0[1-9]|[12]\d|3[01])(?:[T ][0-9:.,Zz+-]{0,40})?)?$/
const YEAR = /^\d{4}$/
const EPOCH = /^-?\d{5,15}(?:\.\d{1,9})?$/
/** From here on an epoch is in milliseconds; seconds would be in the year 5138. */
const MILLISECONDS_FROM = 1e11
const MILLISECONDS_MAX = 1e14

function ofDate({ text }: PlainValue, part: DatePart): string | undefined {
  const [, year, month] = ISO_DATE.exec(text) ?? []
  if (year !== undefined) return part === 'year' ? year : `${year}-${month ?? ''}`
  if (YEAR.test(text)) return text
  if (!EPOCH.test(text)) return undefined
  const epoch = Number(text)
  if (Math.abs(epoch) >= MILLISECONDS_MAX) return undefined
  const isMs = Math.abs(epoch) >= MILLISECONDS_FROM
  const date = new Date(isMs ? epoch : epoch * 1000)
  const from = Date.UTC(date.getUTCFullYear(), part === 'year' ? 0 : date.getUTCMonth())
  // Date.UTC reads the years 0 to 99 as 1900 to 1999.
  if (date.getUTCFullYear() < 1000) return undefined
  return String(isMs ? from : from / 1000)
}

const DECIMAL = /^(-?\d{1,40})(?:\.(\d{1,400}))?$/
const SCIENTIFIC = /^-?\d{1,20}(?:\.\d{1,20})?[eE][+-]?\d{1,2}$/

function lowerBound(text: string, step: bigint): string | undefined {
  const [, whole, fraction] = DECIMAL.exec(text) ?? []
  if (whole !== undefined) {
    const below = whole.startsWith('-') && /[1-9]/.test(fraction ?? '') ? 1n : 0n
    return floorTo(BigInt(whole) - below, step)
  }
  const value = SCIENTIFIC.test(text) ? Math.floor(Number(text)) : NaN
  return Number.isSafeInteger(value) ? floorTo(BigInt(value), step) : undefined
}

function floorTo(value: bigint, step: bigint): string {
  const rest = value % step
  return String(value - rest - (rest < 0n ? step : 0n))
}

function networkOf(text: string): string | undefined {
  const ip = parseIp(text)
  if (ip === undefined) return undefined
  const [kept, bits] = ip.family === 4 ? [3, 24] : [6, 48]
  const bytes = ip.bytes.map((byte, at) => (at < kept ? byte : 0))
  return `${ipText({ family: ip.family, bytes })}/${bits}`
}

function initialOf(text: string): string | undefined {
  const [letter] = /^\p{L}/u.exec(text.slice(0, 2)) ?? []
  return letter === undefined ? undefined : `${letter}…`
}
