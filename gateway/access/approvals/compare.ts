/** What is different between two sets of rules of approval, and whether it makes agreeing easier. */
import type { Requirement } from '../elevation.ts'
import type { ApprovalRule, ApprovalRules } from './rule.ts'

/**
 * What a change does to a request that the rule is about. `either`: it depends on what else matches,
 * or on what conditions mean; somebody has to look.
 */
export type ApprovalEffect = 'looser' | 'stricter' | 'either'

/** One thing that a rule says otherwise. */
export interface ApprovalPart {
  /** As the file has it: `require`, `grant_ttl_max`, `demands.ticket`. */
  readonly part: string
  /** In words; absent where it says nothing of it. */
  readonly old?: string
  readonly new?: string
  readonly effect: ApprovalEffect
}

/** A rule that is in one set only, or says something else. */
export interface ApprovalChange {
  readonly name: string
  readonly change: 'added' | 'removed' | 'changed'
  readonly parts: readonly ApprovalPart[]
}

/** Compares rule by rule, by name, in the order of names. The order in the file means nothing. */
export function compareApprovals(before: ApprovalRules, after: ApprovalRules): ApprovalChange[] {
  const [old, now] = [before, after].map(({ rules }) => new Map(rules.map((r) => [r.name, r])))
  const names = [...new Set([...(old?.keys() ?? []), ...(now?.keys() ?? [])])].sort()
  return names.flatMap((name): ApprovalChange[] => {
    const [was, is] = [old?.get(name), now?.get(name)]
    if (was === undefined || is === undefined) {
      const rule = was ?? is
      if (rule === undefined) return []
      const words = `${scopeOf(rule)}: ${requireWords(rule.require)}`
      // A rule makes things approvable, and demands something besides other rules: both can be it.
      return was === undefined
        ? [{ name, change: 'added', parts: [{ part: 'rule', new: words, effect: 'either' }] }]
        : [{ name, change: 'removed', parts: [{ part: 'rule', old: words, effect: 'either' }] }]
    }
    const parts = partsOf(was, is)
    return parts.length === 0 ? [] : [{ name, change: 'changed', parts }]
  })
}

/** What a rule says of one thing, and which of two sayings asks for more. */
interface Reading {
  readonly part: string
  readonly words: (rule: ApprovalRule) => string | undefined
  readonly effect: (old: ApprovalRule, now: ApprovalRule) => ApprovalEffect
}

const READINGS: readonly Reading[] = [
  { part: 'for', words: scopeOf, effect: () => 'either' },
  list('who_may_ask', (rule) => rule.whoMayAsk),
  seats('require', (rule) => rule.require),
  {
    part: 'deny',
    words: ({ denyBy }) => denyBy,
    effect: (_old, { denyBy }) => (denyBy === 'nobody' ? 'looser' : 'stricter'),
  },
  most('request_ttl', ({ requestTtlMs }) => requestTtlMs, duration),
  most('grant_ttl_max', ({ grantTtlMaxMs }) => grantTtlMaxMs, duration),
  most('uses_max', ({ usesMax }) => usesMax),
  most('bytes_max', ({ bytesMax }) => bytesMax),
  flag('demands.justification_min', ({ demands }) => demands.justificationMin),
  {
    part: 'demands.ticket',
    words: ({ demands }) => demands.ticket,
    effect: (old, now) => gainedOrLost(old.demands.ticket, now.demands.ticket),
  },
  flag('demands.risk_assessment', ({ demands }) => Number(demands.riskAssessment)),
  {
    part: 'demands.criteria',
    words: ({ demands }) => textOf([...demands.criteria].sort()),
    effect: (old, now) =>
      isWithin(old.demands.criteria, now.demands.criteria) ? 'stricter' : 'looser',
  },
  flag('demands.device', ({ demands }) => Number(demands.device)),
  flag('demands.network', ({ demands }) => Number(demands.network)),
  offered('auto', ({ auto }) => auto),
  {
    part: 'auto.when',
    words: ({ auto }) => auto?.when,
    effect: (old, now) => (old.auto && now.auto ? 'either' : now.auto ? 'looser' : 'stricter'),
  },
  most('auto.rate.count', ({ auto }) => auto?.rate.count, String, 0),
  {
    part: 'auto.rate.per',
    words: ({ auto }) => (auto === undefined ? undefined : duration(auto.rate.perMs)),
    effect: (old, now) =>
      (now.auto?.rate.perMs ?? Infinity) < (old.auto?.rate.perMs ?? Infinity)
        ? 'looser'
        : 'stricter',
  },
  most('auto.grant_ttl_max', ({ auto }) => auto?.grantTtlMaxMs, duration),
  offered('break_glass', ({ breakGlass }) => breakGlass),
  seats('break_glass.seal.require', ({ breakGlass }) => breakGlass?.seal),
  most('break_glass.valid_for', ({ breakGlass }) => breakGlass?.validForMs, duration, 0),
  most('break_glass.open_for_max', ({ breakGlass }) => breakGlass?.openForMaxMs, duration, 0),
  most('break_glass.review_within', ({ breakGlass }) => breakGlass?.reviewWithinMs, duration, 0),
  list('break_glass.reviewers', ({ breakGlass }) => breakGlass?.reviewers),
]

function partsOf(old: ApprovalRule, now: ApprovalRule): ApprovalPart[] {
  const isOther = (whole: string): boolean =>
    (whole === 'auto' && (old.auto === undefined) !== (now.auto === undefined)) ||
    (whole === 'break_glass' && (old.breakGlass === undefined) !== (now.breakGlass === undefined))
  return READINGS.flatMap(({ part, words, effect }): ApprovalPart[] => {
    const [was, is] = [words(old), words(now)]
    const [whole = ''] = part.split('.', 1)
    // What came or went as a whole is one part.
    if (was === is || (whole !== part && isOther(whole))) return []
    return [
      {
        part,
        ...(was === undefined ? {} : { old: was }),
        ...(is === undefined ? {} : { new: is }),
        effect: effect(old, now),
      },
    ]
  })
}

/** The larger the looser; what is absent has no bound, or `absent` where it is given. */
function most(
  part: string,
  of: (rule: ApprovalRule) => number | undefined,
  words: (value: number) => string = String,
  absent = Infinity,
): Reading {
  return {
    part,
    words: (rule) => {
      const value = of(rule)
      return value === undefined ? undefined : words(value)
    },
    effect: (old, now) => ((of(now) ?? absent) > (of(old) ?? absent) ? 'looser' : 'stricter'),
  }
}

/** The smaller the looser. */
function flag(part: string, of: (rule: ApprovalRule) => number): Reading {
  return {
    part,
    words: (rule) => String(of(rule)),
    effect: (old, now) => (of(now) < of(old) ? 'looser' : 'stricter'),
  }
}

/** Something that makes it easier by being there. */
function offered(part: string, of: (rule: ApprovalRule) => object | undefined): Reading {
  return {
    part,
    words: (rule) => (of(rule) === undefined ? undefined : 'offered'),
    effect: (_old, now) => (of(now) === undefined ? 'stricter' : 'looser'),
  }
}

/** Names of whom any will do: the more the looser; absent is everybody. */
function list(part: string, of: (rule: ApprovalRule) => readonly string[] | undefined): Reading {
  return {
    part,
    words: (rule) => textOf(of(rule) && [...(of(rule) ?? [])].sort()),
    effect: (old, now) => {
      const [was, is] = [of(old), of(now)]
      if (was === undefined) return 'stricter'
      return is !== undefined && isWithin(is, was) ? 'stricter' : 'looser'
    },
  }
}

/** Who has to agree. Stricter only where every seat of before is still there, and none is easier. */
function seats(
  part: string,
  of: (rule: ApprovalRule) => readonly Requirement[] | undefined,
): Reading {
  return {
    part,
    words: (rule) => {
      const required = of(rule)
      return required === undefined ? undefined : requireWords(required)
    },
    effect: (old, now) => (isAsStrict(of(now) ?? [], of(old) ?? []) ? 'stricter' : 'looser'),
  }
}

function isAsStrict(now: readonly Requirement[], old: readonly Requirement[]): boolean {
  const left = [...now]
  return old.every((was) => {
    const at = left.findIndex(
      (is) =>
        is.count >= was.count &&
        isWithin(is.from, was.from) &&
        (was.filter === undefined || is.filter === was.filter),
    )
    if (at < 0) return false
    left.splice(at, 1)
    return true
  })
}

function gainedOrLost(old: string | undefined, now: string | undefined): ApprovalEffect {
  if (now === undefined) return 'looser'
  return old === undefined ? 'stricter' : 'either'
}

function isWithin(inner: readonly string[], outer: readonly string[]): boolean {
  return inner.every((one) => outer.includes(one))
}

function requireWords(required: readonly Requirement[]): string {
  const words = required.map(({ count, from, filter }) => {
    const who = `${count} of ${[...from].sort().join(' or ')}`
    return filter === undefined ? who : `${who} when ${filter}`
  })
  return words.sort().join(', and ')
}

function scopeOf({ actions, resources, classification, environment, tags }: ApprovalRule): string {
  const more = { classification, environment, tags }
  const words = Object.entries(more).flatMap(([key, values]) =>
    values === undefined ? [] : [` ${key} ${[...values].sort().join('|')}`],
  )
  return `${[...actions].sort().join(', ')} on ${[...resources].sort().join(', ')}${words.join('')}`
}

function textOf(names: readonly string[] | undefined): string | undefined {
  return names === undefined || names.length === 0 ? undefined : names.join(', ')
}

function duration(ms: number): string {
  return `${ms / 1_000} s`
}
