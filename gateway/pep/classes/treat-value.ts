import type { Generalisation, ChangingTreatment } from '../../domain/data-classes.ts'
import type { DataTokens, TokenValue } from '../../egress/tokens/data-tokens.ts'
import type { FieldRule } from './field-rule.ts'
import { generalise } from './generalise.ts'

/** A value as it stands: the text of a string, anything else as JSON writes it. */
export interface StandingValue {
  readonly kind: 'string' | 'number' | 'boolean' | 'object' | 'array'
  readonly text: string
}

/** What stands in its place: a string, the text of a number, or nothing (`null`). */
export interface TreatedValue {
  readonly kind: 'string' | 'number' | 'null'
  readonly text: string
  /** What was done in the end: what cannot be generalised or tokenised is masked. */
  readonly as: ChangingTreatment
}

const MASKED: Readonly<Record<StandingValue['kind'], TreatedValue>> = {
  string: { kind: 'string', text: '***', as: 'mask' },
  number: { kind: 'null', text: '', as: 'mask' },
  boolean: { kind: 'null', text: '', as: 'mask' },
  object: { kind: 'null', text: '', as: 'mask' },
  array: { kind: 'null', text: '', as: 'mask' },
}

/** What `rule` leaves of a value. */
export function treatValue(
  value: StandingValue,
  { treatment, dataset, dataClass }: FieldRule,
  tokens: DataTokens | undefined,
): TreatedValue {
  if (treatment === 'remove') return { kind: 'null', text: '', as: 'remove' }
  if (treatment === 'tokenise') {
    const token = tokens?.tokenFor(dataset, dataClass, asPlain(value))
    if (token !== undefined) return { kind: 'string', text: token, as: 'tokenise' }
  }
  if (treatment.startsWith('generalise:')) return generalised(value, treatment)
  return MASKED[value.kind]
}

/** Half of a surrogate pair has no UTF-8: such a string is kept as JSON writes it. */
function asPlain({ kind, text }: StandingValue): TokenValue {
  if (kind !== 'string') return { kind: 'json', text }
  return LONE_SURROGATE.test(text)
    ? { kind: 'json', text: JSON.stringify(text) }
    : { kind: 'string', text }
}

const LONE_SURROGATE = /\p{Surrogate}/u

function generalised(value: StandingValue, treatment: string): TreatedValue {
  const { kind, text } = value
  if (kind !== 'string' && kind !== 'number') return MASKED[kind]
  const as = treatment.slice('generalise:'.length) as Generalisation
  const left = generalise({ kind, text }, as)
  return left === undefined ? MASKED[kind] : { kind, text: left, as: 'generalise' }
}
