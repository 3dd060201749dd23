/** What a rule has to say to be about the control API, as every reader of rules takes it. */
import { describe, expect, it } from '@jest/globals'
import { compareRules } from '../../../gateway/pdp/analysis/diff.ts'
import { createCasbinMatcher } from '../../../gateway/pdp/engine/casbin-engine.ts'
import { createCompiledMatcher } from '../../../gateway/pdp/engine/compiled-engine.ts'
import { createEvaluation, matchByDefinition } from '../../../gateway/pdp/engine/evaluation.ts'
import { analysed } from '../../support/analysis.ts'
import { policyOf, requestOf, warningsOf } from '../../support/policy.ts'

/** Whether the one row `row` of role:a decides on `operation`, as each engine says. */
async function isReached(row: string, operation: string): Promise<boolean> {
  const policy = await policyOf(`p, role:a, ${row}`)
  const { rules } = policy.table
  const { conditions } = policy
  const evaluation = () => createEvaluation(requestOf(operation), new Set(['role:a']), conditions)
  const casbin = await createCasbinMatcher(rules, policy.table.links)
  const found = [
    createCompiledMatcher(rules, conditions.numbers).match(evaluation()),
    casbin.match(evaluation()),
    matchByDefinition(rules, evaluation()),
  ].map((rule) => rule !== undefined)
  expect(new Set(found).size).toBe(1)
  return found[0] === true
}

describe('an allow', () => {
  it.each([
    ['server:*', false],
    ['server:*:reviews', false],
    ['server:g*', false],
    ['server:gate*', false],
    ['*', false],
    ['server:gate:*', true],
    ['server:gate:re*', true],
    ['server:gate:reviews', true],
    ['server:gate:locks', false],
  ])('of %s reaches the control API: %s', async (resource, expected) => {
    for (const action of ['read', 'admin']) {
      const row = `${action}, ${resource}, always, allow`
      expect(await isReached(row, `${action} server:gate:reviews`)).toBe(expected)
    }
  })

  it.each(['server:*', 'server:g*', '*'])('of %s reaches other servers', async (resource) => {
    expect(await isReached(`read, ${resource}, always, allow`, 'read server:gpu')).toBe(true)
    expect(await isReached(`read, ${resource}, always, allow`, 'read server:gate')).toBe(true)
  })
})

describe('a deny', () => {
  it.each(['server:*', 'server:g*', '*', 'server:gate:*', 'server:gate:reviews'])(
    'of %s reaches the control API',
    async (resource) => {
      const row = `read, ${resource}, always, deny`
      expect(await isReached(row, 'read server:gate:reviews')).toBe(true)
    },
  )
})

const NONE = 'conditions: {}\n'

describe('what is said about rules', () => {
  const rows = (...resources: string[]) =>
    resources.map((one) => `p, role:a, read, ${one}, always, allow`).join('\n')

  it('does not take a row for the control API as covered by one for every server', async () => {
    const covered = (warnings: readonly string[]) =>
      warnings.filter((one) => one.endsWith('covered-rule'))
    expect(covered(await warningsOf(rows('server:*', 'server:gate:locks')))).toEqual([])
    expect(covered(await warningsOf(rows('*', 'server:gate:*')))).toEqual([])
    expect(covered(await warningsOf(rows('server:gate:*', 'server:gate:locks')))).toHaveLength(1)
    expect(covered(await warningsOf(rows('*', 'server:llm')))).toHaveLength(1)
  })

  it('shows a row for it as a gain of its own, and every server as before', async () => {
    const gained = async (...added: string[]) => {
      const before = await analysed({ policy: rows('server:llm'), conditions: NONE })
      const after = await analysed({ policy: rows('server:llm', ...added), conditions: NONE })
      return compareRules(before, after).gains.map(({ resources }) => resources.text)
    }
    expect(await gained('server:gate:*')).toEqual(['server:gate:*'])
    expect(await gained('server:*')).toEqual(['server:* except server:llm'])
    expect(await gained('server:*', 'server:gate:locks')).toHaveLength(2)
  })
})
