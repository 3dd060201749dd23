import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { ACTIONS, type Action } from '../../../gateway/domain/vocabulary.ts'
import { createCompiledMatcher } from '../../../gateway/pdp/engine/compiled-engine.ts'
import {
  concerns,
  createEvaluation,
  matchByDefinition,
  type Evaluation,
} from '../../../gateway/pdp/engine/evaluation.ts'
import { parseExpression } from '../../../gateway/pdp/policy/expression.ts'
import { parseResourcePattern } from '../../../gateway/pdp/policy/resource-pattern.ts'
import type { Rule } from '../../../gateway/pdp/policy/rule.ts'
import { policyOf, requestOf } from '../../support/policy.ts'

const CONDITIONS = `
conditions:
  net: { kind: network, cidrs: [203.0.113.0/24] }
  dev: { kind: device, managed: true }
`

interface Columns {
  subject: string
  action: Action | '*'
  resource: string
  when?: string
  effect: Rule['effect']
}

function ruleOf({ subject, action, resource, when: whenText = 'always', effect }: Columns): Rule {
  const pattern = parseResourcePattern(resource)
  const when = parseExpression(whenText)
  if (!pattern.ok || !when.ok) throw new Error(resource)
  const reference = { file: 'policy.csv', line: 1, text: '' }
  return {
    reference,
    subject,
    action,
    resource: pattern.value,
    when: when.value,
    whenText,
    effect,
  }
}

const { conditions } = await policyOf('p, role:a, read, model:*, always, allow', CONDITIONS)
const engineOf = (rules: readonly Rule[]) => createCompiledMatcher(rules, conditions.numbers)
const evaluationOf = (operation: string, held: readonly string[]): Evaluation =>
  createEvaluation(requestOf(operation), new Set(held), conditions)
const placesOf = (rules: readonly Rule[], operation: string, held: readonly string[]) =>
  engineOf(rules)
    .concerning(evaluationOf(operation, held))
    .map((rule) => rules.indexOf(rule))

const base = { subject: 'role:a', action: 'infer', resource: 'model:*', effect: 'allow' } as const

describe('the rules that concern a request', () => {
  it('are those of the action, the held subjects and the resource, in their order', () => {
    const rules = [
      ruleOf({ ...base, subject: 'role:b', effect: 'deny' }),
      ruleOf({ ...base, resource: 'model:x-*' }),
      ruleOf({ ...base, action: 'read' }),
      ruleOf({ ...base, action: '*', resource: '*' }),
      ruleOf({ ...base, subject: 'role:c' }),
      ruleOf({ ...base, resource: 'dataset:*' }),
    ]
    expect(placesOf(rules, 'infer model:x-1', ['role:a', 'role:b'])).toEqual([0, 1, 3])
    expect(placesOf(rules, 'infer model:x-1', [])).toEqual([])
  })

  it('of a privileged action are never those of a wildcard', () => {
    const rules = [ruleOf({ ...base, action: '*', resource: '*' })]
    expect(placesOf(rules, 'export model:m', ['role:a'])).toEqual([])
    expect(placesOf(rules, 'data:read dataset:d', ['role:a'])).toEqual([0])
  })

  it('include a deny of one version when the version is not known, and no allow of one', () => {
    const rules = [
      ruleOf({ ...base, resource: 'model:m@2', effect: 'deny' }),
      ruleOf({ ...base, resource: 'model:m@2' }),
      ruleOf({ ...base, resource: 'model:m@*', effect: 'deny' }),
      ruleOf({ ...base, resource: 'model:m' }),
    ]
    expect(placesOf(rules, 'infer model:m', ['role:a'])).toEqual([0, 2, 3])
    expect(placesOf(rules, 'infer model:m@1', ['role:a'])).toEqual([2, 3])
    expect(placesOf(rules, 'infer model:m@2', ['role:a'])).toEqual([0, 1, 2, 3])
  })

  it('are found whether the caller holds more subjects than the pattern has, or fewer', () => {
    const rules = Array.from({ length: 300 }, (_, i) =>
      ruleOf({ ...base, subject: `role:r${i % 100}`, resource: 'model:m' }),
    )
    expect(placesOf(rules, 'infer model:m', ['role:r7', 'role:r99'])).toEqual([
      7, 99, 107, 199, 207, 299,
    ])
    const many = Array.from({ length: 1000 }, (_, i) => `role:r${i + 42}`)
    expect(placesOf(rules, 'infer model:m', many)).toHaveLength(3 * 58)
  })

  it('are what the definition says, on random rules', () => {
    const subject = fc.constantFrom('role:a', 'role:b', 'group:g', 'user:kc/alice')
    const rule = fc
      .record({
        subject,
        action: fc.constantFrom<Action | '*'>('*', ...ACTIONS),
        resource: fc.constantFrom('*', 'model:*', 'model:a*', 'model:a@1', 'dataset:*', 'server:s'),
        when: fc.constantFrom('always', 'net', 'dev', '!dev', 'net & dev', 'net | !dev'),
        effect: fc.constantFrom<Rule['effect']>('allow', 'deny'),
      })
      .map(ruleOf)
    const operation = fc
      .tuple(fc.constantFrom(...ACTIONS), fc.constantFrom('model:a', 'model:b@1', 'dataset:d'))
      .map((words) => words.join(' '))
    fc.assert(
      fc.property(fc.array(rule), operation, fc.uniqueArray(subject), (rules, asked, held) => {
        const engine = engineOf(rules)
        const evaluation = evaluationOf(asked, held)
        const expected = rules.filter((one) => concerns(one, evaluation))
        expect(engine.concerning(evaluation)).toEqual(expected)
        expect(engine.match(evaluation)).toBe(matchByDefinition(rules, evaluation))
      }),
    )
  })
})

describe('conditions of a compiled rule', () => {
  it('are looked at once for each request, and only when a rule comes to them', () => {
    const asked: string[] = []
    const watched = {
      ...conditions,
      get(name: string) {
        asked.push(name)
        return conditions.get(name)
      },
    }
    const rules = [
      ruleOf({ ...base, when: 'net & dev' }),
      ruleOf({ ...base, when: 'dev | net' }),
      ruleOf({ ...base, when: 'net & net' }),
    ]
    const request = requestOf('infer model:m')
    const evaluation = createEvaluation(request, new Set(['role:a']), watched)
    expect(engineOf(rules).match(evaluation)).toBe(rules[1])
    expect(asked.sort()).toEqual(['dev', 'net'])
  })

  it('go by their names when the evaluation numbers them otherwise', async () => {
    const other = await policyOf(
      'p, role:a, read, model:*, always, allow',
      `
conditions:
  dev: { kind: device, managed: true }
  net: { kind: network, cidrs: [203.0.113.0/24] }
`,
    )
    const rules = [ruleOf({ ...base, when: 'dev' }), ruleOf({ ...base, when: 'net' })]
    const request = requestOf('infer model:m')
    const evaluation = createEvaluation(request, new Set(['role:a']), other.conditions)
    expect(engineOf(rules).match(evaluation)).toBe(rules[1])
  })

  it('never change what `always` says, whatever is assumed', () => {
    const rules = [ruleOf(base)]
    const evaluation = createEvaluation(
      requestOf('infer model:m'),
      new Set(['role:a']),
      conditions,
      () => 'false',
    )
    expect(engineOf(rules).match(evaluation)).toBe(rules[0])
    expect(matchByDefinition(rules, evaluation)).toBe(rules[0])
  })
})

describe('an action that is none', () => {
  it('is an error and no decision', () => {
    const evaluation = evaluationOf('fly model:m', ['role:a'])
    expect(() => engineOf([ruleOf(base)]).match(evaluation)).toThrow('not an action')
  })
})
