/** Says which models have a budget of their own that nobody can work with. */
import type { Diagnostic } from '../domain/diagnostics.ts'
import { weightsMax } from '../pdp/limits/demands.ts'
import type { ResourceDirectory } from '../pip/resources.ts'
import type { WeightsSpec } from '../settings/schemas/limits.ts'

/** Answers of a day are seldom less than this. */
const BYTES_MIN = 1024 * 1024

const HOURS_OF_DAY = 24

/** A warning for each size that makes the budget of a subject less than a mebibyte in a day. */
export function smallBudgets(
  { budget, window }: WeightsSpec,
  sized: ResourceDirectory['sized'],
): readonly Diagnostic[] {
  if (budget === 'none') return []
  const windows = window === 'hour' ? HOURS_OF_DAY : 1
  return sized
    .map((one) => ({ ...one, max: weightsMax(one.bytes, budget) }))
    .filter(({ max }) => max * windows < BYTES_MIN)
    .map(({ model, max, position }) => ({
      ...position,
      severity: 'warning',
      code: 'small-budget',
      message: `one subject may have ${max} bytes in answers of ${model} in ${window === 'hour' ? 'an hour' : 'a day'}`,
      remedy:
        'Set weights.budget in limits.yaml to a larger share, or to none, or leave bytes out.',
    }))
}
