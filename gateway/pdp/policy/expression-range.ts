/** What an expression can come to at all, whatever its conditions say of a request. */
import type { Truth } from '../../domain/access.ts'
import { evaluate, namesIn, type Expression } from './expression.ts'

/** The values an expression can have. All `true` where that could not be worked out. */
export interface Range {
  readonly canBeTrue: boolean
  readonly canBeFalse: boolean
  readonly canBeUnknown: boolean
}

const ANY: Range = { canBeTrue: true, canBeFalse: true, canBeUnknown: true }

/** Past this many different conditions every combination would be too many to try. */
const NAMES_MAX = 10

/** Combinations that are tried in one file; expressions past it are taken to have any value. */
const TRIES_MAX = 200_000

/** Works out the range of expressions, each object once. */
export type RangeOf = (expression: Expression) => Range

/**
 * Starts the analysis of one file. Conditions are taken to be independent of one another;
 * `canBeUnknown` says which may miss what they test.
 *
 * Two values are enough to find what can be true and what can be false: Kleene's operators only
 * lose certainty when something is unknown. Whether it can be unknown shows when all that may be
 * unknown is, for each combination of the rest.
 */
export function createRanges(canBeUnknown: (name: string) => boolean): RangeOf {
  const known = new Map<Expression, Range>()
  let tries = 0
  const work = (expression: Expression): Range => {
    const names = namesIn(expression).map(({ name }) => name)
    const different = [...new Set(names)].filter((name) => name !== 'always')
    // Each condition used once and nothing constant: every value can be reached.
    if (different.length === names.length) {
      return { ...ANY, canBeUnknown: different.some(canBeUnknown) }
    }
    if (different.length > NAMES_MAX) return ANY
    tries += 2 ** (different.length + 1)
    if (tries > TRIES_MAX) return ANY
    const settled = valuesOf(expression, different)
    const unsettled = valuesOf(
      expression,
      different.filter((name) => !canBeUnknown(name)),
    )
    return {
      canBeTrue: settled.has('true'),
      canBeFalse: settled.has('false'),
      canBeUnknown: unsettled.has('unknown'),
    }
  }
  return (expression) => {
    const before = known.get(expression)
    if (before !== undefined) return before
    const range = work(expression)
    known.set(expression, range)
    return range
  }
}

/** The values over all combinations of `names`, every other condition being unknown. */
function valuesOf(expression: Expression, names: readonly string[]): ReadonlySet<Truth> {
  const values = new Set<Truth>()
  const bits = new Map(names.map((name, i) => [name, 1 << i]))
  for (let combination = 0; combination < 1 << names.length; combination++) {
    const truthOf = (name: string): Truth => {
      if (name === 'always') return 'true'
      const bit = bits.get(name)
      if (bit === undefined) return 'unknown'
      return (combination & bit) === 0 ? 'false' : 'true'
    }
    values.add(evaluate(expression, truthOf))
  }
  return values
}

/** The canonical texts of what `expression` demands together: the parts between its outermost `&`. */
export function* demandsOf(expression: Expression): Generator<Expression> {
  if (expression.type === 'and') {
    yield* demandsOf(expression.left)
    yield* demandsOf(expression.right)
  } else yield expression
}

/** The first condition that an allow needs to be known false, with where it is written. */
export function negatedIn(
  expression: Expression,
  matters: (name: string) => boolean,
  negated = false,
): { readonly name: string; readonly offset: number } | undefined {
  switch (expression.type) {
    case 'name':
      return negated && matters(expression.name) ? expression : undefined
    case 'not':
      return negatedIn(expression.operand, matters, !negated)
    case 'and':
    case 'or':
      return (
        negatedIn(expression.left, matters, negated) ??
        negatedIn(expression.right, matters, negated)
      )
  }
}
