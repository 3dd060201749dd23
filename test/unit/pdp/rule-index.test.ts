import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { ACTIONS, type Action } from '../../../gateway/domain/vocabulary.ts'
import {
  concerns,
  createEvaluation,
  type Evaluation,
} from '../../../gateway/pdp/engine/evaluation.ts'
import { parseExpression } from '../../../gateway/pdp/policy/expression.ts'
import { parseResourcePattern } from '../../../gateway/pdp/policy/resource-pattern.ts'
import { createRuleIndex } from '../../../gateway/pdp/engine/rule-index.ts'
import type { Rule } from '../../../gateway/pdp/policy/rule.ts'
import { policyOf, requestOf } from '../../support/policy.ts'

function ruleOf(subject: string, action: Action | '*', resource: string, effect: Rule['effect']) {
  const pattern = parseResourcePattern(resource)
  const when = parseExpression('always')
  if (!pattern.ok || !when.ok) throw new Error(resource)
  const reference = { file: 'policy.csv', line: 1, text: '' }
  const columns = { subject, action, resource: pattern.value, effect }
  return { reference, ...columns, when: when.value, whenText: 'always' } satisfies Rule
}

const { conditions } = await policyOf('p, role:a, read, model:*, always, allow')
const evaluationOf = (operation: string, held: readonly string[]): Evaluation =>
  createEvaluation(requestOf(operation), new Set(held), conditions)

describe('createRuleIndex', () => {
  it('finds the rules of the action, the held subjects and the resource, in their order', () => {
    const rules = [
      ruleOf('role:b', 'infer', 'model:*', 'deny'),
      ruleOf('role:a', 'infer', 'model:x-*', 'allow'),
      ruleOf('role:a', 'read', 'model:*', 'allow'),
      ruleOf('role:a', '*', '*', 'allow'),
      ruleOf('role:c', 'infer', 'model:*', 'allow'),
      ruleOf('role:a', 'infer', 'dataset:*', 'allow'),
    ]
    const found = createRuleIndex(rules).concerning(
      evaluationOf('infer model:x-1', ['role:a', 'role:b']),
    )
    expect(found.map((rule) => rules.indexOf(rule))).toEqual([0, 1, 3])
  })

  it('never lets a wildcard stand for a privileged action', () => {
    const index = createRuleIndex([ruleOf('role:a', '*', '*', 'allow')])
    expect(index.concerning(evaluationOf('export model:m', ['role:a']))).toEqual([])
    expect(index.concerning(evaluationOf('data:read dataset:d', ['role:a'])).length).toBe(1)
  })

  it('keeps a deny of one version when the version is not known', () => {
    const rules = [
      ruleOf('role:a', 'infer', 'model:m@2', 'deny'),
      ruleOf('role:a', 'infer', 'model:m@2', 'allow'),
    ]
    const found = createRuleIndex(rules).concerning(evaluationOf('infer model:m', ['role:a']))
    expect(found).toEqual([rules[0]])
  })

  it('leaves out exactly what does not concern the request', () => {
    const subject = fc.constantFrom('role:a', 'role:b', 'group:g', 'user:kc/alice')
    const rule = fc
      .tuple(
        subject,
        fc.constantFrom<Action | '*'>('*', ...ACTIONS),
        fc.constantFrom('*', 'model:*', 'model:a*', 'model:a@1', 'dataset:*', 'server:s'),
        fc.constantFrom<Rule['effect']>('allow', 'deny'),
      )
      .map((columns) => ruleOf(...columns))
    const operation = fc
      .tuple(fc.constantFrom(...ACTIONS), fc.constantFrom('model:a', 'model:b@1', 'dataset:d'))
      .map((words) => words.join(' '))
    fc.assert(
      fc.property(fc.array(rule), operation, fc.uniqueArray(subject), (rules, asked, held) => {
        const evaluation = evaluationOf(asked, held)
        const expected = rules.filter((one) => concerns(one, evaluation))
        expect(createRuleIndex(rules).concerning(evaluation)).toEqual(expected)
      }),
    )
  })
})
