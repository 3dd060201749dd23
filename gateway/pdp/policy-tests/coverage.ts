/** Which rules and conditions a run of tests has put to the proof. */
import type { Decision, RuleReference, Truth } from '../../domain/access.ts'
import type { CompiledPolicy } from '../compiled-policy.ts'
import type { Evaluation } from '../engine/evaluation.ts'
import { namesIn } from '../policy/expression.ts'

/** A condition that has not been seen both ways. */
export interface HalfSeenCondition {
  readonly name: string
  readonly missing: readonly ('true' | 'false')[]
}

/** What was covered. */
export interface Coverage {
  readonly rules: {
    readonly total: number
    /** Denies that denied and allows that permitted at least one case. */
    readonly covered: number
    readonly uncovered: readonly RuleReference[]
  }
  /** Of the conditions that rules use. */
  readonly conditions: {
    readonly total: number
    /** Seen true in one case and false in another, where a rule about the case named them. */
    readonly covered: number
    readonly uncovered: readonly HalfSeenCondition[]
  }
}

/** Collects coverage, decision by decision. */
export interface CoverageCollector {
  see(evaluation: Evaluation, decision: Decision): void
  result(): Coverage
}

/** Starts with nothing covered. Shadow rules are not enforced and not counted. */
export function createCoverage({ table, matcher }: CompiledPolicy): CoverageCollector {
  const decided = new Set<string>()
  const seen = new Map<string, Set<Truth>>()
  const used = table.rules.flatMap(({ when }) => namesIn(when).map(({ name }) => name))
  for (const name of used) if (name !== 'always') seen.set(name, new Set())
  return {
    see(evaluation, decision) {
      const decides = decision.effect === 'permit' || decision.reason === 'denied_by_rule'
      if (decides && decision.rule !== undefined) decided.add(keyOf(decision.rule))
      for (const { when } of matcher.concerning(evaluation)) {
        for (const { name } of namesIn(when)) seen.get(name)?.add(evaluation.truthOf(name))
      }
    },
    result() {
      const uncovered = table.rules.filter((rule) => !decided.has(keyOf(rule.reference)))
      const halfSeen = [...seen].flatMap(([name, truths]) => {
        const missing = (['true', 'false'] as const).filter((truth) => !truths.has(truth))
        return missing.length === 0 ? [] : [{ name, missing }]
      })
      const total = table.rules.length
      return {
        rules: {
          total,
          covered: total - uncovered.length,
          uncovered: uncovered.map(({ reference }) => reference),
        },
        conditions: {
          total: seen.size,
          covered: seen.size - halfSeen.length,
          uncovered: halfSeen,
        },
      }
    },
  }
}

/** The place of a rule; there is one rule to a line. */
function keyOf({ file, line }: RuleReference): string {
  return `${file}:${line}`
}

/** Rules covered, as a percentage rounded down to a tenth: 100 only when all are. */
export function coveredPercent({ rules }: Coverage): number {
  return rules.total === 0 ? 100 : Math.floor((rules.covered * 1000) / rules.total) / 10
}
