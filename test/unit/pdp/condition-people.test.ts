import { describe, expect, it } from '@jest/globals'
import type { AccessRequest, Approval } from '../../../gateway/domain/access.ts'
import { parseConditions } from '../../../gateway/pdp/conditions/condition-set.ts'
import { requestOf, subjectOf, WORKDAY } from '../../support/policy.ts'

function testOf(yaml: string): (request: AccessRequest) => { truth: string; detail: string } {
  const text = `conditions:\n  c: { ${yaml} }\n`
  const loaded = parseConditions({ file: 'conditions.yaml', text })
  if (!loaded.ok) throw new Error(loaded.diagnostics[0]?.message)
  return loaded.value.get('c').test
}

const approval = (by: string, groups: string, at = WORKDAY): Approval => ({
  by: `user:kc/${by}`,
  holds: [`user:kc/${by}`, ...groups.split(' ').map((group) => `group:${group}`)],
  at,
})
const approvedBy = (...approvals: Approval[]) =>
  requestOf('deploy model:x', { environment: { approvals } })

describe('approval', () => {
  const two = 'kind: approval, count: 2, from: [group:owners, group:security]'
  const each =
    'kind: approval, each: [{ from: [group:owners] }, { from: [group:security], count: 2 }]'
  const bob = approval('bob', 'owners')
  const eve = approval('eve', 'security')
  const mia = approval('mia', 'owners security')
  it.each<[string, string, Approval[], string]>([
    ['nobody', two, [], 'false'],
    ['one', two, [bob], 'false'],
    ['two', two, [bob, eve], 'true'],
    ['the same person twice', two, [bob, bob], 'false'],
    ['the same person by way of two groups', two, [mia, approval('mia', 'security')], 'false'],
    ['the caller never', two, [bob, approval('alice', 'owners')], 'false'],
    ['one who may not', two, [bob, approval('joe', 'interns')], 'false'],
    ['a group of another spelling', two, [bob, approval('joe', 'Owners')], 'false'],
    ['anyone, where nobody is named', 'kind: approval, count: 1', [approval('joe', 'x')], 'true'],
    ['but not the caller', 'kind: approval, count: 1', [approval('alice', 'x')], 'false'],
    ['by name', 'kind: approval, count: 1, from: ["user:kc/bob"]', [bob], 'true'],
    ['of the future', two, [bob, approval('eve', 'security', WORKDAY + 60_001)], 'false'],
    ['of no time', two, [bob, approval('eve', 'security', Number.NaN)], 'false'],
    ['of nobody', two, [bob, { ...eve, by: '' }], 'false'],
    [
      'long ago',
      `${two}, max_age: 1h`,
      [bob, approval('eve', 'x owners', WORKDAY - 3_600_001)],
      'false',
    ],
    [
      'an hour ago',
      `${two}, max_age: 1h`,
      [bob, approval('eve', 'x owners', WORKDAY - 3_600_000)],
      'true',
    ],
    ['each group has enough', each, [bob, eve, approval('sam', 'security')], 'true'],
    ['one group lacks one', each, [bob, eve], 'false'],
    ['too many of the other do not help', each, [bob, approval('ann', 'owners'), eve], 'false'],
    ['nobody counts for two groups', each, [mia, eve], 'false'],
    // Mia has to sit where nobody else can, whoever came first.
    ['a member of both fills the gap', each, [mia, bob, eve], 'true'],
    ['the other gap too', each, [mia, eve, approval('sam', 'security')], 'true'],
    ['in any order', each, [eve, approval('sam', 'security'), mia], 'true'],
  ])('%s', (_name, yaml, approvals, truth) => {
    expect(testOf(yaml)(approvedBy(...approvals)).truth).toBe(truth)
  })

  it('is unknown where approvals are not kept', () => {
    expect(testOf(two)(requestOf('deploy model:x')).truth).toBe('unknown')
  })

  it('names nobody in what it says', () => {
    const { detail } = testOf(each)(approvedBy(bob, eve))
    expect(detail).toBe(
      'not yet approved by 3 different other people who may approve, so many of each group that must',
    )
  })

  it.each([
    'kind: approval',
    'kind: approval, from: [group:a]',
    'kind: approval, count: 0',
    'kind: approval, count: 17',
    'kind: approval, count: 1, each: [{ from: [group:a] }]',
    'kind: approval, each: []',
    'kind: approval, each: [{ count: 1 }]',
    'kind: approval, count: 1, from: [owners]',
  ])('%s is refused', (yaml) => expect(() => testOf(yaml)).toThrow())
})

describe('grant', () => {
  const using = (expiresAt: number) =>
    requestOf('export model:x', { environment: { grant: { id: 'g1', expiresAt } } })
  it.each([
    ['in force', 'kind: grant', WORKDAY + 1, 'true'],
    ['at its end', 'kind: grant', WORKDAY, 'false'],
    ['long over', 'kind: grant', WORKDAY - 1e9, 'false'],
    ['of no end', 'kind: grant', Infinity, 'unknown'],
    ['of no moment', 'kind: grant', Number.NaN, 'unknown'],
    ['short enough', 'kind: grant, max_remaining: 1h', WORKDAY + 3_600_000, 'true'],
    ['too long', 'kind: grant, max_remaining: 1h', WORKDAY + 3_600_001, 'false'],
  ])('%s', (_name, yaml, expiresAt, truth) => {
    expect(testOf(yaml)(using(expiresAt)).truth).toBe(truth)
  })

  it('is unknown without one: it permits nothing, and no deny is escaped', () => {
    expect(testOf('kind: grant')(requestOf('export model:x'))).toEqual({
      truth: 'unknown',
      detail: 'no grant is in use',
    })
  })
})

describe('a caller', () => {
  it('is judged by the token that was used, not by the name in it', () => {
    const subject = subjectOf({ id: 'user:ci/alice' })
    const approvals = [approval('alice', 'owners')]
    const request = requestOf('deploy model:x', { subject, environment: { approvals } })
    expect(testOf('kind: approval, count: 1')(request).truth).toBe('true')
  })
})
