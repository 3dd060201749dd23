/**
 * What the decisions on one request demand, read once and checked. A demand that is not understood,
 * its parameters included, is no demand that could be met (XACML 3.0 §7.18).
 */
import { isBudget } from '../../budget/budget-ask.ts'
import type { DecidedOperation, Obligation } from '../../domain/access.ts'
import { readTreatment, stricter, type Treatment } from '../../domain/data-classes.ts'
import { OBLIGATION_TYPES, type ObligationType } from '../../domain/obligations.ts'
import type { ExtractionWatch } from '../../detect/subject-window.ts'
import { PARAMETER_NAMES, type ParameterName } from '../../domain/parameters.ts'
import type { Resource } from '../../domain/vocabulary.ts'
import { extractionWatchOf } from './extraction-watch.ts'
import { addClassDuty, type ClassDuties } from '../classes/class-duties.ts'

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
  /** What becomes of classes of data, by resource. */
  readonly classes: ClassDuties
  /** Parameters of which one request may have one only. */
  readonly apart: ApartDuty[]
  /** What is watched for, by limit. */
  readonly watches: Map<string, ExtractionWatch>
}

/** Parameters that must not come together. */
export interface ApartDuty {
  readonly names: readonly ParameterName[]
  /** Where it is written: `limits.yaml:12`. */
  readonly source: string
}

/** Takes one obligation in; `false` when it is not understood. */
type Discharger = (obligation: Obligation, duties: Duties, resource: Resource) => boolean

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
  'response.classes': ({ parameters: { treatments } }, { classes }, resource) => {
    const read = treatmentsOf(treatments)
    if (read === undefined) return false
    addClassDuty(classes, resource, read)
    return true
  },
  'parameter.apart': (obligation, duties) => {
    const { names } = obligation.parameters
    if (!Array.isArray(names) || names.length < 2) return false
    const known = PARAMETER_NAMES.filter((name) => names.includes(name))
    if (known.length !== names.length) return false
    duties.apart.push({ names: known, source: obligation.source })
    // They are looked for like any that is limited.
    for (const parameter of known) {
      onParameter({ ...obligation, parameters: { parameter } }, duties, (duty) => {
        // It is one duty, and counted once.
        if (parameter !== known[0]) duty.types.delete('parameter.apart')
        return true
      })
    }
    return true
  },
  'watch.extraction': (obligation, { watches }) => {
    const watch = extractionWatchOf(obligation)
    if (watch !== undefined) watches.set(watch.limit, watch)
    return watch !== undefined
  },
  // Not understood yet; what cannot be discharged refuses the request.
  // Counted by the stage `budget` and around the answer.
  'budget.amount': (obligation) => isBudget(obligation),
  'budget.streams': (obligation) => isBudget(obligation),
  // Kept by whatever raises an incident: see `incidents.ts`.
  'incident.lock': ({ parameters: { ms } }) => isAmount(ms) && ms > 0,
}

/** The duties of `decisions` together, or the obligation that is not understood. */
export function dutiesOf(decisions: readonly DecidedOperation[]): Duties | Obligation {
  const duties: Duties = {
    parameters: new Map(),
    bytesMax: undefined,
    redact: new Set(),
    classes: new Map(),
    apart: [],
    watches: new Map(),
  }
  for (const { decision, resource } of decisions) {
    for (const obligation of decision.obligations) {
      const type = OBLIGATION_TYPES.find((one) => one === obligation.type)
      if (type === undefined || !DISCHARGERS[type](obligation, duties, resource)) return obligation
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

/** Whether nothing is to become of a parameter by itself: it is looked for, to be kept apart. */
export function isWatchedOnly({ refuse, strip, max, add }: ParameterDuty): boolean {
  return !refuse && !strip && max === Infinity && add === undefined
}

/** The treatments of an obligation, by class; `undefined` when one is not understood. */
export function treatmentsOf(words: unknown): ReadonlyMap<string, Treatment> | undefined {
  if (!Array.isArray(words)) return undefined
  const read = new Map<string, Treatment>()
  for (const word of words as unknown[]) {
    const [, name, rest] = /^([a-z][a-z0-9-]{0,63})=(.*)$/.exec(String(word)) ?? []
    const treatment = rest === undefined ? undefined : readTreatment(rest)
    if (name === undefined || treatment === undefined) return undefined
    read.set(name, stricter(read.get(name) ?? 'pass', treatment))
  }
  return read
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0
}
