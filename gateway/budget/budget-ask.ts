/** What the obligations of a request ask of budgets: whose use of what is counted, and how much. */
import { createHash } from 'node:crypto'
import type { DecidedOperation, Obligation } from '../domain/access.ts'
import type { BudgetName, BudgetOccasion } from '../domain/budget.ts'
import {
  BUDGET_SCOPES,
  BUDGET_UNITS,
  BUDGET_WINDOWS,
  type BudgetScope,
  type BudgetUnit,
  type BudgetWindow,
} from '../domain/obligations.ts'
import { refuse } from '../domain/refusal.ts'
import type { Subject } from '../domain/subject.ts'

/** One budget of one request. */
export interface BudgetAsk {
  /** Names the budget and whose it is; no two budgets share one. */
  readonly key: string
  readonly spec: BudgetSpec
}

/** An obligation, read once. */
export interface BudgetSpec extends BudgetName {
  /** 0 for streams and for one answer. */
  readonly windowMs: number
  /** Begins every key. */
  readonly prefix: string
}

/** An amount in `window`, or places for streams. Whether parameters are ones that can be counted. */
export function isBudget({ type, parameters }: Obligation): boolean {
  const { limit, per, unit, window, max } = parameters
  const isNamed = typeof limit === 'string' && limit.length > 0 && limit.length <= 64
  const isWhole = Number.isSafeInteger(max) && Number(max) > 0
  if (!isNamed || !isWhole || !BUDGET_SCOPES.includes(per as BudgetScope)) return false
  if (type === 'budget.streams') return true
  return type === 'budget.amount' && isWindowed(unit, window)
}

function isWindowed(unit: unknown, window: unknown): boolean {
  if (!BUDGET_UNITS.includes(unit as BudgetUnit)) return false
  const isWindow = typeof window === 'string' && Object.hasOwn(BUDGET_WINDOWS, window)
  return isWindow && (window !== 'request' || unit === 'bytes')
}

/** Obligations are shared by the requests of one revision: each is read once. */
const read = new WeakMap<Obligation, BudgetSpec>()

/**
 * The budgets of all decisions, each once; where two name one budget, the smaller maximum. An
 * obligation is the answer when it cannot be counted: it is not one of a budget, or it is about a
 * grant and none is in use.
 */
export function asksOf(occasion: BudgetOccasion): readonly BudgetAsk[] | Obligation {
  const asks: BudgetAsk[] = []
  for (const decided of occasion.decisions) {
    for (const obligation of decided.decision.obligations) {
      if (!obligation.type.startsWith('budget.')) continue
      const spec = read.get(obligation) ?? readSpec(obligation)
      const key = spec === undefined ? undefined : keyOf(spec, decided, occasion)
      if (spec === undefined || key === undefined) return obligation
      addTo(asks, { key, spec })
    }
  }
  return asks
}

/** The refusal of a request with an obligation that cannot be counted. */
export function notCountable({ source }: Obligation): ReturnType<typeof refuse> {
  return refuse('obligation_unknown', { detail: `It is written in ${source}.` })
}

function addTo(asks: BudgetAsk[], ask: BudgetAsk): void {
  const at = asks.findIndex(({ key }) => key === ask.key)
  const before = asks[at]
  if (before === undefined) asks.push(ask)
  else if (ask.spec.max < before.spec.max) asks[at] = ask
}

function readSpec(obligation: Obligation): BudgetSpec | undefined {
  if (!isBudget(obligation)) return undefined
  const { limit, per, unit, window, max } = obligation.parameters
  const isStreams = obligation.type === 'budget.streams'
  const counted = isStreams ? 'streams' : (unit as BudgetUnit)
  const over = isStreams ? undefined : (window as BudgetWindow)
  const spec: BudgetSpec = {
    limit: limit as string,
    per: per as BudgetScope,
    unit: counted,
    ...(over === undefined ? {} : { window: over }),
    max: max as number,
    source: obligation.source,
    windowMs: over === undefined ? 0 : BUDGET_WINDOWS[over],
    prefix: `${part(limit as string)}${per as string},${counted},${over ?? ''},`,
  }
  read.set(obligation, spec)
  return spec
}

/** The store takes keys of this length; subjects and resources may have longer names. */
const KEY_CHARS_MAX = 2_048

/** Whose use is counted: the caller by its id, whatever client or token it came with. */
function keyOf(
  { prefix, per }: BudgetSpec,
  { resource }: DecidedOperation,
  { subject, environment }: BudgetOccasion,
): string | undefined {
  let key = prefix
  if (per === 'grant') {
    if (environment.grant === undefined) return undefined
    return bounded(key + part(environment.grant.id))
  }
  if (per === 'subject') return keyOfSubject(prefix, subject)
  if (per !== 'model') key += part(subject.id)
  return bounded(key + part(resource.kind) + part(resource.name))
}

/** Subjects are shared by the requests of one token. */
const ofSubjects = new WeakMap<Subject, Map<string, string>>()

/** Limits have few budgets; a subject that has met more than so many begins anew. */
const KEYS_MAX = 256

function keyOfSubject(prefix: string, subject: Subject): string {
  let keys = ofSubjects.get(subject)
  if (keys === undefined || keys.size >= KEYS_MAX) {
    keys = new Map()
    ofSubjects.set(subject, keys)
  }
  let key = keys.get(prefix)
  if (key === undefined) {
    key = bounded(prefix + part(subject.id))
    keys.set(prefix, key)
  }
  return key
}

/** Prefixed with its length, so that no two lists of parts make one text. */
function part(text: string): string {
  return `${text.length}:${text}`
}

function bounded(key: string): string {
  if (key.length <= KEY_CHARS_MAX) return key
  return `sha256:${createHash('sha256').update(key).digest('hex')}`
}
