/** What a limit demands, as obligations, each with the line it is written on. */
import type { AccessRequest, Obligation, ResourceAttributes } from '../../domain/access.ts'
import { BUDGET_UNITS, BUDGET_WINDOWS, type ObligationType } from '../../domain/obligations.ts'
import type { ParameterName } from '../../domain/parameters.ts'
import type { DocumentPath } from '../../settings/document.ts'
import type {
  ClassTreatment,
  LimitSpec,
  TreatmentSpec,
  WeightsSpec,
} from '../../settings/schemas/limits.ts'
import type { BudgetSpec, DetectSpec } from '../../settings/schemas/limits-use.ts'

/** `limits.yaml:12` for a path within the document. */
type SourceOf = (path: DocumentPath) => string

/** Every obligation that the limit `name` puts on a permit. */
export function demandsOf(
  name: string,
  spec: LimitSpec,
  sourceOf: (path: DocumentPath) => string,
): readonly Obligation[] {
  const at: SourceOf = (path) => sourceOf(['limits', name, ...path])
  return Object.freeze([
    ...parameterDemands(spec, at),
    ...answerDemands(spec, at),
    ...[spec.budget ?? []].flat().flatMap((budget, i) => {
      const path = Array.isArray(spec.budget) ? ['budget', i] : ['budget']
      return budgetDemands(name, budget, at(path))
    }),
    ...(spec.detect === undefined ? [] : [detection(name, spec.detect, at(['detect']))]),
    ...(spec.on_incident === undefined
      ? []
      : [obligation('incident.lock', { ms: spec.on_incident.lock }, at(['on_incident', 'lock']))]),
  ])
}

/**
 * The budget that a model of a declared size has by itself: a share of its bytes, for each subject,
 * in any window. `export` is what it keeps others from, and has none.
 */
export function weightsDemand(
  { action, resource, resourceAttributes }: AccessRequest,
  { budget, window }: WeightsSpec,
  source: string,
): Obligation | undefined {
  if (budget === 'none' || resource.kind !== 'model') return undefined
  if (resourceAttributes?.bytes === undefined) return undefined
  const { bytes } = resourceAttributes
  if (action === 'export') return undefined
  const max = weightsMax(bytes, budget)
  const known = made.get(resourceAttributes)
  if (known?.source === source && isSame(known, window, max)) return known
  const what = { limit: 'weights', per: 'subject-model', unit: 'bytes', window, max }
  const demand = obligation('budget.amount', what, source)
  made.set(resourceAttributes, demand)
  return demand
}

/** Attributes are shared by the requests of one revision, and so is what follows from them. */
const made = new WeakMap<ResourceAttributes, Obligation>()

function isSame({ parameters }: Obligation, window: string, max: number): boolean {
  return parameters['window'] === window && parameters['max'] === max
}

/** The bytes of a share of a model; at least one. */
export function weightsMax(bytes: number, share: number): number {
  return Math.max(1, Math.floor(bytes * share))
}

function parameterDemands({ parameters, apart }: LimitSpec, at: SourceOf): Obligation[] {
  const given = Object.entries(parameters ?? {}) as [ParameterName, TreatmentSpec][]
  return [
    ...given.map(([name, spec]) => parameterDemand(name, spec, at(['parameters', name]))),
    ...(apart ?? []).map((names, i) => obligation('parameter.apart', { names }, at(['apart', i]))),
  ]
}

function parameterDemand(name: ParameterName, spec: TreatmentSpec, source: string): Obligation {
  if (typeof spec === 'string') return obligation(`parameter.${spec}`, { parameter: name }, source)
  const add = spec.add === true ? { add: true } : {}
  return obligation('parameter.cap', { parameter: name, max: spec.max, ...add }, source)
}

function answerDemands({ response }: LimitSpec, at: SourceOf): Obligation[] {
  const { bytes, redact, classes } = response ?? {}
  const demands: Obligation[] = []
  const add = (type: ObligationType, key: string, parameters: Obligation['parameters']): void => {
    demands.push(obligation(type, parameters, at(['response', key])))
  }
  if (bytes !== undefined) add('response.bytes', 'bytes', { max: bytes })
  if (redact !== undefined) add('response.redact', 'redact', { fields: redact })
  if (classes !== undefined) {
    const treatments = Object.entries(classes).map(([name, one]) => `${name}=${wordOf(one)}`)
    add('response.classes', 'classes', { treatments })
  }
  return demands
}

function wordOf(treatment: ClassTreatment): string {
  return typeof treatment === 'string' ? treatment : `generalise:${treatment.generalise}`
}

function budgetDemands(limit: string, spec: BudgetSpec, source: string): Obligation[] {
  const { per, streams } = spec
  const amounts = BUDGET_UNITS.flatMap((unit) => {
    const windows: Readonly<Partial<Record<string, number>>> = spec[unit] ?? {}
    return Object.keys(BUDGET_WINDOWS).flatMap((window) => {
      const max = windows[window]
      if (max === undefined) return []
      return [obligation('budget.amount', { limit, per, unit, window, max }, source)]
    })
  })
  if (streams === undefined) return amounts
  return [...amounts, obligation('budget.streams', { limit, per, max: streams }, source)]
}

function detection(limit: string, spec: DetectSpec, source: string): Obligation {
  const { window, distinct_prompts: distinct, vectors, logits, sweep } = spec
  const what = {
    limit,
    window_ms: window,
    ...(distinct === undefined ? {} : { distinct_prompts: distinct }),
    ...(vectors === undefined ? {} : { vectors }),
    ...(logits === undefined ? {} : { logit_share: logits.share, logit_of: logits.of }),
    ...(sweep === undefined ? {} : { sweep_share: sweep.share, sweep_of: sweep.of }),
  }
  return obligation('watch.extraction', what, source)
}

function obligation(
  type: ObligationType,
  parameters: Obligation['parameters'],
  source: string,
): Obligation {
  return Object.freeze({ type, parameters: Object.freeze(parameters), source })
}
