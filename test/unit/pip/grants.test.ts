/** What `rules/grants.yaml` gives, to whom, and when it fits a request. */
import { describe, expect, it } from '@jest/globals'
import type { GrantAsk } from '../../../gateway/domain/ports.ts'
import type { Subject } from '../../../gateway/domain/subject.ts'
import type { Action, Resource } from '../../../gateway/domain/vocabulary.ts'
import { createGrantCatalog, loadGrants } from '../../../gateway/pip/grants.ts'

const NOW = Date.parse('2026-11-22T12:00:00Z')
const LATER = '2026-11-22T18:00:00Z'

const ALICE: Subject = {
  id: 'user:dev/alice',
  issuer: 'https://idp.test',
  issuerName: 'dev',
  groups: ['group:audit'],
  roles: [],
  issuedAt: 0,
  expiresAt: 8.64e15,
  authentication: {},
  claims: new Map(),
}

const yaml = (grants: Record<string, Record<string, unknown>>) => ({
  file: 'grants.yaml',
  text: JSON.stringify({ grants }),
})

const give = (more: Record<string, unknown> = {}) => ({
  to: ['user:dev/alice'],
  actions: ['export'],
  resources: ['model:fraud'],
  expires: LATER,
  ...more,
})

function catalogOf(grants: Record<string, Record<string, unknown>>) {
  const loaded = loadGrants(yaml(grants), NOW)
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics))
  return createGrantCatalog(loaded.value)
}

const op = (action: Action, name: string, version?: string) => ({
  action,
  resource: { kind: 'model', name, ...(version === undefined ? {} : { version }) } as Resource,
})

const ask = (more: Partial<GrantAsk> = {}): GrantAsk => ({
  subject: ALICE,
  operations: [op('export', 'fraud')],
  now: NOW,
  ...more,
})

const found = (grants: Record<string, Record<string, unknown>>, more: Partial<GrantAsk> = {}) =>
  catalogOf(grants).find(ask(more)).grant?.id

describe('a grant fits', () => {
  it.each([
    ['by the id of its holder', give(), {}],
    ['by a group', give({ to: ['group:audit'] }), {}],
    [
      'whatever the version, when it names none',
      give(),
      { operations: [op('export', 'fraud', '3')] },
    ],
    [
      'the version it names',
      give({ resources: ['model:fraud@3'] }),
      { operations: [op('export', 'fraud', '3')] },
    ],
    [
      'when only what is not privileged is not covered',
      give(),
      { operations: [op('read', 'other'), op('export', 'fraud')] },
    ],
  ])('%s', (_, grant, more) => expect(found({ g: grant }, more)).toBe('g'))

  it.each([
    ['another caller', give({ to: ['user:dev/bob', 'group:other'] }), {}],
    ['another action', give({ actions: ['deploy'] }), {}],
    ['another resource', give({ resources: ['model:fraud2', 'dataset:fraud'] }), {}],
    [
      'another version',
      give({ resources: ['model:fraud@3'] }),
      { operations: [op('export', 'fraud', '4')] },
    ],
    ['a request that names no version', give({ resources: ['model:fraud@3'] }), {}],
    [
      'one privileged operation of two',
      give(),
      { operations: [op('export', 'fraud'), op('export', 'b')] },
    ],
    ['before it starts', give({ starts: '2026-11-22T13:00:00Z' }), {}],
    ['when it has ended', give(), { now: Date.parse(LATER) }],
    ['when another is named', give(), { named: 'h' }],
    ['nothing privileged that it does not cover', give(), { operations: [op('read', 'fraud')] }],
  ])('not %s', (_, grant, more) => expect(found({ g: grant }, more)).toBeUndefined())

  it('takes the one that ends first, and the one that is named', () => {
    const grants = { late: give({ expires: '2026-11-23T18:00:00Z' }), soon: give() }
    expect(found(grants)).toBe('soon')
    expect(found(grants, { named: 'late' })).toBe('late')
    expect(found(grants, { named: '__proto__' })).toBeUndefined()
  })

  it('says to its holder which version it is for', () => {
    const catalog = catalogOf({ g: give({ resources: ['model:fraud@3'] }) })
    expect(catalog.find(ask()).hint).toBe('Grant g is for model:fraud@3 alone; name this version.')
    expect(catalog.find(ask({ subject: { ...ALICE, id: 'user:dev/bob' } })).hint).toBeUndefined()
    expect(catalog.find(ask({ named: 'h' })).hint).toMatch(/does not cover/)
  })

  it('counts what a subject holds through rows of the policy', () => {
    const loaded = loadGrants(yaml({ g: give({ to: ['role:auditor'] }) }), NOW)
    if (!loaded.ok) throw new Error('not loaded')
    const catalog = createGrantCatalog(loaded.value, () => new Set(['role:auditor']))
    expect(catalog.find(ask()).grant?.id).toBe('g')
  })
})

describe('the file', () => {
  const codes = (grants: Record<string, Record<string, unknown>>) => {
    const loaded = loadGrants(yaml(grants), NOW)
    return (loaded.ok ? loaded.warnings : loaded.diagnostics).map(({ code, severity }) => [
      severity,
      code,
    ])
  }

  it.each([
    ['is over', { g: give({ expires: '2026-11-22T11:00:00Z' }) }, 'grant-ended'],
    [
      'gives what another gives',
      { g: give(), h: give({ description: 'again' }) },
      'duplicate-grant',
    ],
    ['names one twice', { g: give({ to: ['user:dev/alice', 'user:dev/alice'] }) }, 'named-twice'],
    [
      'has a digest that nothing compares',
      { g: give({ actions: ['deploy'], digest: `sha256:${'0'.repeat(64)}` }) },
      'digest-without-export',
    ],
  ])('warns of a grant that %s', (_, grants, code) => {
    expect(codes(grants)).toContainEqual(['warning', code])
  })

  it.each([
    ['an unknown key', { g: give({ use: 1 }) }],
    ['a holder without a prefix', { g: give({ to: ['alice'] }) }],
    ['a holder with a star', { g: give({ to: ['group:*'] }) }],
    ['a resource with a star', { g: give({ resources: ['model:*'] }) }],
    ['a resource of no kind', { g: give({ resources: ['fraud'] }) }],
    ['an end before its start', { g: give({ starts: LATER, expires: '2026-11-22T13:00:00Z' }) }],
    ['a digest of another form', { g: give({ digest: 'sha256:ABC' }) }],
    ['an id that is none', { 'G 1': give() }],
  ])('refuses %s', (_, grants) => {
    const severities = codes(grants).map(([severity]) => severity)
    expect(severities).toContain('error')
  })
})
