/**
 * One request under judgement: what its subject holds, and each condition looked at once at most.
 * Rules are judged against this object, so that all of them see the same moment and facts.
 */
import type { AccessRequest, Truth } from '../../domain/access.ts'
import type { ConditionNumbers } from '../conditions/condition-numbers.ts'
import type { ConditionSet } from '../conditions/condition-set.ts'
import type { Condition, Verdict } from '../conditions/condition.ts'
import { evaluate, type Expression } from '../policy/expression.ts'
import { coversResource, type RuleEffect } from '../policy/resource-pattern.ts'
import { coversAction, type Rule } from '../policy/rule.ts'
import { truthNumber, type TruthReader } from './when-program.ts'

/** See the module. */
export interface Evaluation {
  readonly request: AccessRequest
  /** Subjects of rules that the caller holds. */
  readonly holdings: ReadonlySet<string>
  readonly verdictOf: (name: string) => Verdict
  readonly truthOf: (name: string) => Truth
}

/** Replaces the test of a condition, for "what if": a truth, or `undefined` to leave it be. */
export type Assumption = (condition: Condition) => Truth | undefined

/** Starts the judgement of one request. An assumption never touches `always`. */
export function createEvaluation(
  request: AccessRequest,
  holdings: ReadonlySet<string>,
  conditions: ConditionSet,
  assume?: Assumption,
): RequestEvaluation {
  return new RequestEvaluation(request, holdings, conditions, assume)
}

/**
 * What {@link createEvaluation} makes. One is made for every request, so that everything it may not
 * need (most rules say `always`) is made when it is first asked for.
 */
export class RequestEvaluation implements Evaluation, TruthReader {
  readonly request: AccessRequest
  readonly holdings: ReadonlySet<string>
  readonly #conditions: ConditionSet
  readonly #assume: Assumption | undefined
  #verdicts: (Verdict | undefined)[] | undefined
  #verdictOf: Evaluation['verdictOf'] | undefined
  #truthOf: Evaluation['truthOf'] | undefined

  constructor(
    request: AccessRequest,
    holdings: ReadonlySet<string>,
    conditions: ConditionSet,
    assume: Assumption | undefined,
  ) {
    this.request = request
    this.holdings = holdings
    this.#conditions = conditions
    this.#assume = assume
  }

  /** Which numbers {@link truthAt} goes by. */
  get numbers(): ConditionNumbers {
    return this.#conditions.numbers
  }

  get verdictOf(): Evaluation['verdictOf'] {
    return (this.#verdictOf ??= (name) => {
      const number = this.numbers.numberOf(name)
      // The set says which error that is.
      return number === undefined ? this.#test(name) : this.#verdictAt(number)
    })
  }

  get truthOf(): Evaluation['truthOf'] {
    return (this.#truthOf ??= (name) => this.verdictOf(name).truth)
  }

  truthAt(number: number): number {
    return truthNumber(this.#verdictAt(number).truth)
  }

  #verdictAt(number: number): Verdict {
    const verdicts = (this.#verdicts ??= new Array<Verdict | undefined>(this.numbers.names.length))
    return (verdicts[number] ??= this.#test(this.numbers.names[number] ?? ''))
  }

  #test(name: string): Verdict {
    const condition = this.#conditions.get(name)
    const truth = name === 'always' ? undefined : this.#assume?.(condition)
    return truth === undefined ? condition.test(this.request) : { truth, detail: 'assumed' }
  }
}

/** Whether the rule speaks of this subject, action and resource, its conditions aside. */
export function concerns(rule: Rule, { request, holdings }: Evaluation): boolean {
  return (
    coversAction(rule.action, request.action) &&
    holdings.has(rule.subject) &&
    coversResource(rule.resource, request.resource, rule.effect)
  )
}

/** An allow needs its conditions to be true; a deny applies unless they are known to be false. */
export function isMet(when: Expression, effect: RuleEffect, evaluation: Evaluation): boolean {
  const truth = evaluate(when, evaluation.truthOf)
  return effect === 'allow' ? truth === 'true' : truth !== 'false'
}

/**
 * Finds the rule that decides: the first deny that applies in the order of the file, else the first
 * allow, else none. Pure and synchronous; throws when it cannot tell, never guesses.
 */
export interface RuleMatcher {
  match(evaluation: Evaluation): Rule | undefined
  /**
   * The rules about this subject, action and resource, their conditions aside, in the order of the
   * file: what {@link concerns} says of each, without looking at all of them where it can be helped.
   */
  concerning(evaluation: Evaluation): readonly Rule[]
}

/** The definition, read off the page; what an engine answers must never differ from it. */
export function matchByDefinition(
  rules: readonly Rule[],
  evaluation: Evaluation,
): Rule | undefined {
  const applies = (rule: Rule) =>
    concerns(rule, evaluation) && isMet(rule.when, rule.effect, evaluation)
  return (
    rules.find((rule) => rule.effect === 'deny' && applies(rule)) ??
    rules.find((rule) => rule.effect === 'allow' && applies(rule))
  )
}
