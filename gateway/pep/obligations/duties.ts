/**
 * What the decisions on one request demand, read once and checked. A demand that is not understood,
 * its parameters included, is no demand that could be met (XACML 3.0 §7.18).
 */
import type { DecidedOperation, Obligation } from '../../domain/access.ts'
import { OBLIGATION_TYPES, type ObligationType } from '../../domain/obligations.ts'
import { PARAMETER_NAMES, type ParameterName } from '../../domain/parameters.ts'

/** What is to become of one parameter. */
export interface ParameterDuty {
  /** The request is refused when it has the parameter. */
  refuse: boolean
  /** The parameter is removed. */
  strip: boolean
  /** Larger values are lowered to this. */
  max: number
  /** Written into requests that have no such parameter; `undefined` to leave them. */
  add: number | undefined
  /** Types of the obligations, for the metric. */
  readonly types: Set<ObligationType>
  /** Where it is written: `limits.yaml:12`. */
  source: string
}

/** Everything demanded of one exchange. */
export interface Duties {
  readonly parameters: Map<ParameterName, ParameterDuty>
  /** Most body bytes of the answer. */
  bytesMax: number | undefined
  /** JSON fields that must not leave. */
  readonly redact: Set<string>
}

/** Takes one obligation in; `false` when it is not understood. */
type Discharger = (obligation: Obligation, duties: Duties) => boolean

/** Every type that can be discharged. A type that is not here refuses the request. */
const DISCHARGERS: Readonly<Record<ObligationType, Discharger>> = {
  'parameter.cap': (obligation, duties) =>
    onParameter(obligation, duties, (duty, { max, add }) => {
      if (!isAmount(max) || (add !== undefined && typeof add !== 'boolean')) return false
      duty.max = Math.min(duty.max, max)
      if (add === true) duty.add = Math.min(duty.add ?? Infinity, max)
      return true
    }),
  'parameter.strip': (obligation, duties) =>
    onParameter(obligation, duties, (duty) => (duty.strip = true)),
  'parameter.refuse': (obligation, duties) =>
    onParameter(obligation, duties, (duty) => (duty.refuse = true)),
  'response.bytes': ({ parameters: { max } }, duties) => {
    if (!isAmount(max)) return false
    duties.bytesMax = Math.min(duties.bytesMax ?? Infinity, max)
    return true
  },
  'response.redact': ({ parameters: { fields } }, duties) => {
    if (!Array.isArray(fields) || fields.length === 0) return false
    for (const field of fields as unknown[]) {
      if (typeof field !== 'string' || !/^[A-Za-z0-9_.-]{1,64}$/.test(field)) return false
      duties.redact.add(field)
    }
    return true
  },
  // Not understood yet; what cannot be discharged refuses the request.
  'response.classes': () => false,
  'parameter.apart': () => false,
  'budget.amount': () => false,
  'budget.streams': () => false,
  'watch.extraction': () => false,
  'incident.lock': () => false,
}

/** The duties of `decisions` together, or the obligation that is not understood. */
export function dutiesOf(decisions: readonly DecidedOperation[]): Duties | Obligation {
  const duties: Duties = { parameters: new Map(), bytesMax: undefined, redact: new Set() }
  for (const { decision } of decisions) {
    for (const obligation of decision.obligations) {
      const type = OBLIGATION_TYPES.find((one) => one === obligation.type)
      if (type === undefined || !DISCHARGERS[type](obligation, duties)) return obligation
    }
  }
  // What is to be added may never be more than what may be asked for.
  for (const duty of duties.parameters.values()) {
    if (duty.add !== undefined) duty.add = Math.min(duty.add, duty.max)
  }
  return duties
}

function onParameter(
  { type, parameters, source }: Obligation,
  duties: Duties,
  take: (duty: ParameterDuty, parameters: Obligation['parameters']) => boolean,
): boolean {
  const name = PARAMETER_NAMES.find((one) => one === parameters['parameter'])
  if (name === undefined) return false
  const duty = duties.parameters.get(name) ?? {
    refuse: false,
    strip: false,
    max: Infinity,
    add: undefined,
    types: new Set(),
    source,
  }
  duties.parameters.set(name, duty)
  if (duty.source !== source) duty.source = `${duty.source}, ${source}`
  duty.types.add(type as ObligationType)
  return take(duty, parameters)
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
