/** Rules of approval: how they are read, and which of them a request has to satisfy. */
import { describe, expect, it } from '@jest/globals'
import { loadApprovals } from '../../../gateway/access/approvals/load.ts'
import { rulesFor } from '../../../gateway/access/approvals/match.ts'
import type { ResourceAttributes } from '../../../gateway/domain/access.ts'
import type { Action } from '../../../gateway/domain/vocabulary.ts'
import { rule, rulesOf } from '../../support/elevation.ts'

const about = (matching: Record<string, unknown>) =>
  rule({ for: { actions: ['export'], ...matching } })

function names(
  rules: Record<string, unknown>,
  resource: string,
  attributes?: ResourceAttributes,
  action: Action = 'export',
): string {
  const facts = { rules: rulesOf(rules), attributesOf: () => attributes }
  const found = rulesFor(facts, { actions: [action], resources: [resource] })
  return 'declined' in found ? found.declined : found.map(({ name }) => name).join(' ')
}

describe('rules for a request', () => {
  const rules = {
    all: about({}),
    fraud: about({ resources: ['model:fraud-*'] }),
    three: about({ resources: ['model:fraud-7b@3'] }),
    secret: about({ classification: ['secret'] }),
    prod: about({ environment: ['prod'] }),
    tagged: about({ tags: ['gdpr', 'pci'] }),
  }
  const plain = { classification: 'public', environment: 'dev', tags: [] }

  it.each<[string, ResourceAttributes | undefined, string]>([
    ['model:x', plain, 'all'],
    ['model:fraud-1', plain, 'all fraud'],
    ['model:fraud-7b@3', plain, 'all fraud three'],
    ['model:fraud-7b@4', plain, 'all fraud'],
    // The upstream could choose version 3.
    ['model:fraud-7b', plain, 'all fraud three'],
    ['model:x', { ...plain, classification: 'secret' }, 'all secret'],
    ['model:x', { ...plain, environment: 'prod' }, 'all prod'],
    ['model:x', { ...plain, tags: ['pci'] }, 'all tagged'],
    // What is not known of it could be what a rule is about.
    ['model:x', undefined, 'all secret prod tagged'],
    ['server:llm', undefined, 'all secret prod tagged'],
  ])('on %s with %j are %s', (resource, attributes, expected) => {
    expect(names(rules, resource, attributes)).toBe(expected)
  })

  it('are none where it is only not known that none is about it', () => {
    const { secret, prod } = rules
    expect(names({ secret, prod }, 'model:x')).toBe('no_approval_rule')
    expect(names({ secret }, 'model:x', plain)).toBe('no_approval_rule')
    expect(names({ three: rules.three }, 'model:fraud-7b', plain)).toBe('no_approval_rule')
    expect(names(rules, 'model:x', plain, 'deploy')).toBe('no_approval_rule')
  })

  it('are those of all it is for, and each part must be in one', () => {
    const facts = { rules: rulesOf({ fraud: rules.fraud }), attributesOf: () => plain }
    const ask = { actions: ['export'] as const, resources: ['model:fraud-1', 'model:x'] }
    expect(rulesFor(facts, ask)).toMatchObject({ declined: 'no_approval_rule' })
  })
})

describe('approvals.yaml', () => {
  const read = (text: string) => loadApprovals({ file: 'approvals.yaml', text })

  it.each([
    ['approvals: {}\nmore: 1', 'approvals.yaml:2:1 unknown-key'],
    ['approvals: { A: {} }', 'approvals.yaml:1:'],
    ['approvals:\n  r:\n    for: { actions: [fly] }', 'approvals.yaml:3:22'],
    ['approvals:\n  r:\n    for: { actions: [export] }\n    require: []', 'approvals.yaml:4:14'],
    [
      'approvals:\n  r:\n    for: { actions: [export] }\n    require: [{ from: [bob] }]',
      'approvals.yaml:4:24',
    ],
    [
      "approvals:\n  r:\n    for: { actions: [export], resources: ['model:**'] }",
      'approvals.yaml:3:43',
    ],
  ])('%j is refused, with a place', (text, place) => {
    const loaded = read(text)
    if (loaded.ok) throw new Error('it was read')
    const places = loaded.diagnostics.map(
      ({ file, line, column, code }) => `${file}:${line}:${column} ${code}`,
    )
    expect(places.some((one) => one.startsWith(place))).toBe(true)
  })

  it('takes two people to seal', () => {
    const seal = { require: [{ count: 1, from: ['role:a'] }] }
    const text = JSON.stringify({
      approvals: { r: rule({ break_glass: { seal, reviewers: ['role:b'] } }) },
    })
    const loaded = read(text)
    expect(loaded.ok ? [] : loaded.diagnostics[0]?.message).toMatch(/two people/)
  })

  it('says where people and conditions are named', () => {
    const loaded = read(
      [
        'approvals:',
        '  r:',
        '    for: { actions: [export] }',
        '    who_may_ask: [role:a]',
        '    require:',
        '      - { from: [role:b, group:c], filter: mfa }',
        '    auto: { when: always, rate: { count: 1, per: 1h } }',
        '',
      ].join('\n'),
    )
    if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics))
    const places = [...loaded.value.holders, ...loaded.value.expressions].map(
      ({ text, position: { line, column } }) => `${text} ${line}:${column}`,
    )
    expect(places).toEqual([
      'role:a 4:19',
      'role:b 6:18',
      'group:c 6:26',
      'mfa 6:44',
      'always 7:19',
    ])
  })
})
