import type { FailedCondition } from '../../domain/access.ts'
import type { Evaluation } from '../engine/evaluation.ts'
import { blamesIn, namesIn, type Expression } from '../policy/expression.ts'

/** Conditions named in a decision; a rule rarely has more than a few. */
const NAMED_MAX = 16

/** What keeps `when` from being true, in order, each once, bounded. */
export function failedConditions(when: Expression, evaluation: Evaluation): FailedCondition[] {
  const failed: FailedCondition[] = []
  for (const { name, negated, truth } of blamesIn(when, evaluation.truthOf)) {
    if (failed.length === NAMED_MAX) break
    const { detail } = evaluation.verdictOf(name)
    const isFalse = negated && truth === 'false'
    failed.push({ name, truth, detail: isFalse ? 'must not hold, and holds' : detail })
  }
  return failed
}

/** The conditions of `when` that are unknown, for a deny that applies because they are. */
export function unknownConditions(when: Expression, evaluation: Evaluation): FailedCondition[] {
  const names = new Set(namesIn(when).map(({ name }) => name))
  return [...names].slice(0, NAMED_MAX).flatMap((name) => {
    const { truth, detail } = evaluation.verdictOf(name)
    return truth === 'unknown' ? [{ name, truth, detail }] : []
  })
}
