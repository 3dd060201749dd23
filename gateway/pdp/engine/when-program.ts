/**
 * `when` expressions as functions over numbered conditions. Kleene's logic as arithmetic: false is
 * 0, unknown 1, true 2; `&` is the least, `|` the greatest, `!` the distance from 2.
 */
import type { Truth } from '../../domain/access.ts'
import { ALWAYS_NUMBER, type ConditionNumbers } from '../conditions/condition-numbers.ts'
import type { Expression } from '../policy/expression.ts'

/** Numbers of truths, see the module. */
export const FALSE = 0
export const UNKNOWN = 1
export const TRUE = 2

/** Says how true the condition of that number is; {@link ConditionNumbers}. */
export interface TruthReader {
  truthAt(condition: number): number
}

/** A compiled expression: {@link FALSE}, {@link UNKNOWN} or {@link TRUE}. */
export type WhenProgram = (truths: TruthReader) => number

/** The number of a truth. */
export function truthNumber(truth: Truth): number {
  if (truth === 'true') return TRUE
  return truth === 'false' ? FALSE : UNKNOWN
}

const always: WhenProgram = () => TRUE

/** Compiles; names were checked when the rules were read. @throws RangeError for one that was not */
export function compileWhen(when: Expression, numbers: ConditionNumbers): WhenProgram {
  switch (when.type) {
    case 'name': {
      const condition = numbers.numberOf(when.name)
      if (condition === undefined) throw new RangeError(`no condition is named ${when.name}`)
      return condition === ALWAYS_NUMBER ? always : (truths) => truths.truthAt(condition)
    }
    case 'not': {
      const operand = compileWhen(when.operand, numbers)
      return (truths) => TRUE - operand(truths)
    }
    case 'and': {
      const left = compileWhen(when.left, numbers)
      const right = compileWhen(when.right, numbers)
      return (truths) => {
        const first = left(truths)
        return first === FALSE ? FALSE : Math.min(first, right(truths))
      }
    }
    case 'or': {
      const left = compileWhen(when.left, numbers)
      const right = compileWhen(when.right, numbers)
      return (truths) => {
        const first = left(truths)
        return first === TRUE ? TRUE : Math.max(first, right(truths))
      }
    }
  }
}
