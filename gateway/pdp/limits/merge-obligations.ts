/** Several limits at once: of what they demand of one thing, the strictest counts. */
import type { Obligation } from '../../domain/access.ts'
import type { Limit } from './limit-index.ts'

/** The strictest first. */
const PARAMETER_TYPES = ['parameter.refuse', 'parameter.strip', 'parameter.cap']

/** Of these every one counts: each has a count of its own, or they are joined where they are met. */
const ADDING_UP: ReadonlySet<string> = new Set([
  'response.classes',
  'parameter.apart',
  'budget.amount',
  'budget.streams',
  'watch.extraction',
  'incident.lock',
])

/**
 * What all of `limits` demand together. Of a parameter: refuse before strip before the smallest cap;
 * a cap that is to be added stays besides a refusal, since the two never meet in one request. Of the
 * answer: the fewest bytes, and every field that any of them redacts.
 */
export function mergeObligations(limits: readonly Limit[]): readonly Obligation[] {
  const all = limits.flatMap((limit) => limit.obligations)
  const byParameter = new Map<unknown, Obligation[]>()
  for (const one of all) {
    const { parameter } = one.parameters
    if (parameter !== undefined)
      byParameter.set(parameter, [...(byParameter.get(parameter) ?? []), one])
  }
  const bytes = leastOf(all.filter(({ type }) => type === 'response.bytes'))
  const redact = unionOf(all.filter(({ type }) => type === 'response.redact'))
  return Object.freeze([
    ...[...byParameter.values()].flatMap(strictestOf),
    ...(bytes === undefined ? [] : [bytes]),
    ...(redact === undefined ? [] : [redact]),
    ...all.filter(({ type }) => ADDING_UP.has(type)),
  ])
}

function strictestOf(demands: readonly Obligation[]): readonly Obligation[] {
  const type = PARAMETER_TYPES.find((one) => demands.some((demand) => demand.type === one))
  const caps = demands.filter((demand) => demand.type === 'parameter.cap')
  const adding = caps.find(({ parameters }) => parameters['add'] === true)
  const cap = added(leastOf(caps), adding)
  if (type === 'parameter.cap') return cap === undefined ? [] : [cap]
  const strictest = demands.filter((demand) => demand.type === type).slice(0, 1)
  return adding === undefined || cap === undefined ? strictest : [...strictest, cap]
}

function added(cap: Obligation | undefined, adding: Obligation | undefined) {
  if (cap === undefined || adding === undefined || cap === adding) return cap
  return Object.freeze({
    ...cap,
    parameters: { ...cap.parameters, add: true },
    source: sourcesOf([cap, adding]),
  })
}

function leastOf(demands: readonly Obligation[]): Obligation | undefined {
  let least: Obligation | undefined
  for (const demand of demands) {
    if (least === undefined || Number(demand.parameters['max']) < Number(least.parameters['max'])) {
      least = demand
    }
  }
  return least
}

function unionOf(demands: readonly Obligation[]): Obligation | undefined {
  const [only] = demands
  if (only === undefined || demands.length === 1) return only
  const fields = demands.flatMap(({ parameters }) => parameters['fields'] as readonly string[])
  return Object.freeze({
    type: only.type,
    parameters: { fields: [...new Set(fields)] },
    source: sourcesOf(demands),
  })
}

function sourcesOf(demands: readonly Obligation[]): string {
  return [...new Set(demands.map(({ source }) => source))].join(', ')
}
