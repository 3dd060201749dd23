import { describe, expect, it } from '@jest/globals'
import { createDecisionPoint } from '../../../gateway/pdp/decision/decision-point.ts'
import { createHoldings } from '../../../gateway/pdp/policy/role-links.ts'
import { errorsOf, policyOf, requestOf, subjectOf, warningsOf } from '../../support/policy.ts'

const OK = 'p, role:r0, read, model:*, always, allow\n'

const chainRows = (links: number) =>
  Array.from({ length: links }, (_, i) => `g, role:r${i + 1}, role:r${i}\n`)
const chain = (links: number) => chainRows(links).join('')

describe('g rows', () => {
  it.each([
    ['a self link', 'g, role:a, role:a\n', ['2:4 role-self-link']],
    ['a cycle of two', 'g, role:a, role:b\ng, role:b, role:a\n', ['2:4 role-cycle']],
    [
      'a cycle of three',
      'g, role:a, role:b\ng, role:b, role:c\ng, role:c, role:a\n',
      ['2:4 role-cycle'],
    ],
    ['a chain of nine', chain(9), ['10:4 role-depth']],
    ['a chain of eleven, from its end', [...chainRows(11)].reverse().join(''), ['2:4 role-depth']],
    ['members of role:anyone', 'g, group:a, role:anyone\n', ['2:13 role-anyone-member']],
    ['a group as the role', 'g, user:a, group:b\n', ['2:12 subject-prefix']],
    ['a member without prefix', 'g, alice, role:b\n', ['2:4 subject-prefix']],
    ['a third column', 'g, group:a, role:b, tenant\n', ['2:1 column-count']],
    ['a g2 row', 'g2, group:a, role:b\n', ['2:1 unknown-row-type']],
  ])('refuses %s', async (_name, rows, expected) => {
    expect(await errorsOf(OK + rows)).toEqual(expected)
  })

  it('refuses more than 64 roles for one member, and answers at once for a dense graph', async () => {
    const rows = Array.from({ length: 65 }, (_, i) => `g, user:a, role:x${i}\n`).join('')
    expect(await errorsOf(OK + rows)).toEqual(['66:4 role-fan-out'])
    const dense: string[] = []
    for (let i = 0; i < 60; i++) {
      for (let j = 0; j < 60; j++) if (i !== j) dense.push(`g, role:x${i}, role:x${j}\n`)
    }
    expect(await errorsOf(OK + dense.join(''))).toEqual(['2:4 role-cycle'])
  })

  it('accepts a chain of eight and follows it to the end', async () => {
    const policy = await policyOf(OK + chain(8))
    const request = requestOf('read model:x', { subject: subjectOf({ roles: ['role:r8'] }) })
    expect(createDecisionPoint(policy).decide(request).effect).toBe('permit')
  })

  it('warns of a role that no rule names, with what was meant', async () => {
    expect(await warningsOf(`${OK}g, group:a, role:r00\n`)).toEqual([
      '1:4 unheld-role',
      '2:4 idle-role',
    ])
  })
})

describe('what a subject holds', () => {
  const links = [
    { line: 1, column: 1, member: 'group:ds', role: 'role:reader' },
    { line: 2, column: 1, member: 'role:reader', role: 'role:lister' },
    { line: 3, column: 1, member: 'user:kc/alice', role: 'role:owner' },
    { line: 4, column: 1, member: 'role:anyone', role: 'role:guest' },
  ]

  it('is its id, groups and roles, role:anyone, and what they lead to', () => {
    const holdings = createHoldings(links)(subjectOf({ groups: ['group:ds'], roles: ['role:x'] }))
    expect([...holdings].sort()).toEqual(
      [
        'user:kc/alice',
        'group:ds',
        'role:x',
        'role:anyone',
        'role:reader',
        'role:lister',
        'role:owner',
        'role:guest',
      ].sort(),
    )
  })

  it('is worked out once per subject object', () => {
    const holdingsOf = createHoldings(links)
    const subject = subjectOf()
    expect(holdingsOf(subject)).toBe(holdingsOf(subject))
  })

  it('never turns a user named like a role into that role', async () => {
    const point = createDecisionPoint(await policyOf('p, role:admin, admin, *, always, allow\n'))
    for (const id of ['user:admin', 'user:role:admin', 'user:kc/role:admin']) {
      const request = requestOf('admin server:x', { subject: subjectOf({ id }) })
      expect(point.decide(request).reason).toBe('no_rule')
    }
  })

  it.each([
    [{ id: '' }],
    [{ id: 'user:' }],
    [{ id: 'admin' }],
    [{ id: 'role:admin' }],
    [{ groups: ['role:admin'] }],
    [{ groups: [''] }],
    [{ roles: ['admin'] }],
    [{ roles: [['role:admin']] as unknown as string[] }],
  ])('is refused for the malformed subject %j', async (more) => {
    const point = createDecisionPoint(await policyOf('p, role:anyone, read, *, always, allow\n'))
    const decision = point.decide(requestOf('read model:x', { subject: subjectOf(more) }))
    expect(decision.effect).toBe('indeterminate')
    expect(decision.reason).toBe('indeterminate')
  })
})
