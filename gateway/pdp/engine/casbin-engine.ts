/**
 * Rules on Casbin's interpreter: the specification of what a rule means. One enforcer per revision,
 * built whole before anyone can ask it and never loaded again: `loadPolicy()` on a live one
 * empties it first, and for that moment the denies are gone.
 *
 * Only the strict readers of this room feed it, and its matcher calls only the four total functions
 * below. Casbin's own are not there at all: `keyMatch2('/x/:')` never returns, `regexMatch` is not
 * anchored, `ipMatch` reads /33 as everything.
 */
import {
  Enforcer,
  FunctionMap,
  newEnforcerWithClass,
  newModelFromString,
  type Adapter,
} from 'casbin'
import type { Model } from 'casbin'
import { invariant } from '../../domain/errors.ts'
import { isAction, type Resource } from '../../domain/vocabulary.ts'
import { concerns, isMet, type Evaluation, type RuleMatcher } from './evaluation.ts'
import type { Expression } from '../policy/expression.ts'
import { MODEL_TEXT } from '../policy/model-conf.ts'
import {
  coversResource,
  type ResourcePattern,
  type RuleEffect,
} from '../policy/resource-pattern.ts'
import { coversAction, type PolicyTable, type Rule } from '../policy/rule.ts'

/** An enforcer with an empty function table; everything callable is added by name below. */
class BareEnforcer extends Enforcer {
  constructor() {
    super()
    this.fm = new FunctionMap()
  }
}

/**
 * Builds a matcher over `all` rules, in the order of the file. The rows are already validated; the
 * promise never waits on I/O. It looks at every rule for every decision: that is what makes it the
 * specification, and what the compiled engine is compared with.
 */
export async function createCasbinMatcher(
  all: readonly Rule[],
  links: PolicyTable['links'],
): Promise<RuleMatcher> {
  const ordered = inMatchingOrder(all)
  const rows = new Map(ordered.map((rule) => [rule, rowOf(rule)]))
  const rules = new Map(ordered.map((rule) => [rows.get(rule), rule]))
  const model = newModelFromString(MODEL_TEXT)
  const adapter = createTableAdapter([...rows.values()], links)
  const enforcer = await newEnforcerWithClass(BareEnforcer, model, adapter)
  await addFunctions(enforcer, all)
  const judge = createJudge(enforcer, [...rows.values()])
  return {
    concerning: (evaluation) => all.filter((rule) => concerns(rule, evaluation)),
    match(evaluation) {
      const [permitted, row] = judge(evaluation)
      // Casbin answers with the very row object it was given, or an empty list for none.
      const rule = rules.get(row)
      if (rule === undefined) {
        invariant(!isTrue(permitted) && row.length === 0, 'Casbin named a rule it was not given')
        return undefined
      }
      invariant(isTrue(permitted) === (rule.effect === 'allow'), 'Casbin contradicts its own rule')
      return rule
    },
  }
}

/** Casbin's verdict on a request: whether it is permitted, and by which row. */
type Judge = (evaluation: Evaluation) => [boolean, string[]]

function createJudge(enforcer: BareEnforcer, rows: string[][]): Judge {
  const table = enforcer.getModel().model.get('p')?.get('p')
  invariant(table !== undefined && rows.length > 0, 'Casbin lost its rules')
  // Its own copies of the rows would not be found again in the map from row to rule.
  table.policy = rows
  return (evaluation) => {
    const { request, holdings } = evaluation
    return enforcer.enforceExSync(holdings, request.action, request.resource, evaluation)
  }
}

/** Casbin declares a boolean and can return other things; only `true` itself counts. */
function isTrue(value: unknown): boolean {
  return value === true
}

/**
 * Denies first, in the order of the file, because the scan ends at the first that applies; then
 * allows from last to first, because the interpreter names the last one that held. The effect does
 * not depend on order; so the rule it names is always the first in the file.
 */
function inMatchingOrder(rules: readonly Rule[]): Rule[] {
  const denies = rules.filter((rule) => rule.effect === 'deny')
  const allows = rules.filter((rule) => rule.effect === 'allow')
  return [...denies, ...allows.reverse()]
}

function rowOf(rule: Rule): string[] {
  return [rule.subject, rule.action, rule.resource.text, rule.whenText, rule.effect]
}

/**
 * Gives Casbin the checked rows as they are. `g` rows are loaded, so that its model is complete,
 * but the matcher does not call `g()`: it is reflexive by name (a user named like a role would have
 * it), and the groups of a token differ from request to request, while its memory goes by name.
 * The closure of a subject is computed by `createHoldings` and asked through `holdsSubject`.
 */
function createTableAdapter(rules: readonly string[][], roles: PolicyTable['links']): Adapter {
  const readOnly = () => Promise.reject(new Error('the rules of a revision never change'))
  return {
    loadPolicy(model: Model) {
      const links = roles.map(({ member, role }) => [member, role])
      // One call each: adding row by row compares every row with every other.
      const [added] = model.addPolicies('p', 'p', [...rules])
      invariant(added, 'Casbin did not take the rules')
      if (links.length > 0) model.addPolicies('g', 'g', links)
      return Promise.resolve()
    },
    savePolicy: readOnly,
    addPolicy: readOnly,
    removePolicy: readOnly,
    removeFilteredPolicy: readOnly,
  }
}

/** The four functions of the matcher. Each throws on what it was not built for; none coerces. */
async function addFunctions(enforcer: BareEnforcer, rules: readonly Rule[]): Promise<void> {
  const patterns = new Map<string, ResourcePattern>()
  const expressions = new Map<string, Expression>()
  for (const rule of rules) {
    patterns.set(rule.resource.text, rule.resource)
    expressions.set(rule.whenText, rule.when)
  }
  await Promise.all([
    enforcer.addFunction('coversAction', (act: unknown, column: unknown) => {
      invariant(typeof act === 'string' && isAction(act), 'not an action')
      invariant(column === '*' || (typeof column === 'string' && isAction(column)), 'not a column')
      return coversAction(column, act)
    }),
    enforcer.addFunction('holdsSubject', (holdings: ReadonlySet<string>, subject: unknown) => {
      invariant(typeof subject === 'string' && subject !== '', 'not a subject')
      return holdings.has(subject)
    }),
    enforcer.addFunction('matchesResource', (resource: Resource, text: string, eft: unknown) => {
      const pattern = patterns.get(text)
      invariant(pattern !== undefined && isRuleEffect(eft), 'not a pattern of this revision')
      return coversResource(pattern, resource, eft)
    }),
    enforcer.addFunction('holdsCondition', (evaluation: Evaluation, text: string, eft: unknown) => {
      const when = expressions.get(text)
      invariant(when !== undefined && isRuleEffect(eft), 'not a condition of this revision')
      return isMet(when, eft, evaluation)
    }),
  ])
}

function isRuleEffect(value: unknown): value is RuleEffect {
  return value === 'allow' || value === 'deny'
}
