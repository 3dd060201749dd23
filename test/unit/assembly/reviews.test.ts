import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { ElevationGrant, ElevationRequest } from '../../../gateway/access/elevation.ts'
import { useKey } from '../../../gateway/access/reviews/privileges.ts'
import { emptyState } from '../../../gateway/access/state.ts'
import { globsMeet } from '../../../gateway/assembly/reviews/ghosts.ts'
import { rowOrigins, type OriginSource } from '../../../gateway/assembly/reviews/row-origins.ts'
import { createUsedBy } from '../../../gateway/assembly/reviews/used-by.ts'
import { globMatches } from '../../../gateway/domain/glob.ts'
import { createHolders } from '../../../gateway/pdp/analysis/standing-privileges.ts'
import { subjectOf } from '../../support/policy.ts'
import { listingOf } from '../../support/privileges.ts'
import { campaignOf, lineOf, personOf, stateWith } from '../../support/reviews.ts'

const NOW = Date.parse('2026-11-22T12:00:00Z')
const EXPORT = 'p, role:exporter, export, model:fraud-*, always, allow'
const POLICY = `
p,  role:exporter, export, model:fraud-*,   always, allow
p,  role:anyone,   read,   server:llm,      always, allow
p,  role:nobody,   infer,  model:*,         always, allow
p,  role:asserted, infer,  model:gone,      always, allow
p,  user:old/ann,  read,   *,               always, allow
p,  group:ops,     admin,  server:gate:*,   always, allow
p,  group:ops,     read,   server:away,     always, allow
p,  role:exporter, export, *,               always, deny
g,  group:ml,      role:ml
g,  role:ml,       role:exporter
`
const RESOURCES = 'models:\n  fraud-7b: { owner: group:fraud }\n'
const GRANTS = `
grants:
  night-export:
    to: [role:exporter]
    actions: [export]
    resources: ["model:fraud-7b@3"]
    expires: 2026-12-01T00:00:00Z
    approvals: [{ by: user:kc/boss, at: 2026-11-20T00:00:00Z }]
  over:
    to: [group:ml]
    actions: [export]
    resources: ["model:fraud-7b"]
    expires: 2026-11-01T00:00:00Z
`

const grant = {
  id: 'grant-1',
  request: 'req-1',
  holder: personOf('ann'),
  votes: [{ by: personOf('boss'), decision: 'approve' }],
  issuedAt: NOW - 10,
  expiresAt: NOW + 10,
  terms: { holder: 'user:kc/ann', actions: ['retrain'], resources: ['model:fraud-7b'] },
} as unknown as ElevationGrant

const request = {
  id: 'req-2',
  status: 'pending',
  createdAt: NOW - 5,
  expiresAt: NOW + 5,
  terms: { holder: 'user:kc/bob', actions: ['export'], resources: ['model:fraud-7b'] },
} as unknown as ElevationRequest

const STATE = {
  ...emptyState('0'),
  grants: new Map([[grant.id, grant]]),
  requests: new Map([[request.id, request]]),
}

const listing = () => listingOf({ policy: POLICY, resources: RESOURCES, grants: GRANTS })

describe('the listing of privileges', () => {
  it('has every allow row of everybody who comes to it, and every grant that is alive', async () => {
    const { lines, more } = await (await listing()).list(STATE, NOW, {})
    expect(more).toBe(false)
    const seen = lines.map(({ kind, holder, source, ghost }) => [kind, holder, source, ghost])
    expect(seen).toEqual([
      ['standing', 'role:nobody', 'policy.csv:4', true],
      ['standing', 'role:asserted', 'policy.csv:5', true],
      ['standing', 'user:old/ann', 'policy.csv:6', true],
      ['standing', 'group:ops', 'policy.csv:8', true],
      ['grant', 'group:ml', 'grants.yaml:3', false],
      ['standing', 'group:ml', 'policy.csv:2', false],
      ['standing', 'role:anyone', 'policy.csv:3', false],
      ['standing', 'group:ops', 'policy.csv:7', false],
      ['grant', 'user:kc/ann', 'req-1', false],
    ])
  })

  it('says who gave it, when it was used, and that it was taken away before', async () => {
    const uses = [
      { privilege: useKey(EXPORT, 'group:ml'), at: NOW - 7 },
      { privilege: useKey('grant night-export', 'group:ml'), at: NOW - 8 },
    ]
    const state = stateWith(campaignOf('9', [lineOf('1', 'group:ml', EXPORT, 'revoke')]))
    const found = await (
      await listingOf({ policy: POLICY, grants: GRANTS, uses })
    ).list(state, NOW, {
      holder: 'group:ml',
    })
    expect(found.lines).toMatchObject([
      { kind: 'grant', privilege: 'night-export', givenBy: ['user:kc/boss'], lastUsedAt: NOW - 8 },
      {
        kind: 'standing',
        privilege: EXPORT,
        givenBy: ['policy.csv'],
        lastUsedAt: NOW - 7,
        revokedIn: 'review-9',
      },
    ])
  })

  it.each([
    [{ action: 'export' }, ['group:ml', 'group:ml']],
    [{ action: 'export', kind: 'standing' }, ['group:ml']],
    [{ resource: 'model:fraud-7b@2', action: 'export' }, ['group:ml']],
    [{ resource: 'server:llm' }, ['user:old/ann', 'role:anyone']],
    [{ holder: 'group:nobody' }, []],
  ] as const)('is about %j alone when asked so', async (scope, holders) => {
    const { lines } = await (await listing()).list(STATE, NOW, scope)
    const own = lines.filter(({ source }) => source !== 'req-1')
    expect(own.map(({ holder }) => holder)).toEqual(holders)
  })
})

describe('who has what', () => {
  it('is by rule, by grant and by request', async () => {
    const asked = { resource: 'model:fraud-7b', action: 'export' }
    const { privileges } = await (await listing()).whoHas(STATE, NOW, asked)
    expect(privileges.map(({ by, holder, expiresAt }) => [by, holder, expiresAt])).toEqual([
      ['rule', 'group:ml', undefined],
      ['grant', 'group:ml', Date.parse('2026-12-01T00:00:00Z')],
      ['request', 'user:kc/bob', NOW + 5],
    ])
  })

  it('counts for a user what their last token gave them, and what everybody has', async () => {
    const people = new Map([['user:kc/ann', personOf('ann', ['group:ml'])]])
    const state = { ...STATE, people }
    const { privileges } = await (await listing()).whoHas(state, NOW, { holder: 'user:kc/ann' })
    expect(privileges.map(({ by, holder }) => `${by} ${holder}`)).toEqual([
      'rule group:ml',
      'rule role:anyone',
      'grant group:ml',
      'grant user:kc/ann',
    ])
  })
})

describe('the origin of a row', () => {
  const at = (day: number) => `2026-11-0${day}T00:00:00.000Z`
  const historyOf = (
    sets: readonly (readonly [by: string, rows: readonly string[] | undefined])[],
    first: string | null = null,
  ): OriginSource => ({
    index: {
      read: () =>
        Promise.resolve(
          sets.map(([by], i) => ({
            revision: String(i),
            at: at(i + 1),
            how: 'file' as const,
            by,
            previous: i === 0 ? first : String(i - 1),
            rules: 1,
          })),
        ),
    },
    store: {
      read(revision) {
        const rows = sets[Number(revision)]?.[1]
        if (rows === undefined) return Promise.resolve({ ok: false, diagnostics: [] })
        const policy = { file: 'policy.csv', text: rows.map((row) => `${row}\n`).join('') }
        return Promise.resolve({
          ok: true,
          value: { files: { policy } as never, signature: undefined },
          warnings: [],
        })
      },
    },
  })
  const A = 'p, role:a, read, *, always, allow'
  const B = 'p, role:b, read, *, always, allow'

  it.each([
    [
      'the revision that brought it',
      historyOf([
        ['x', [A]],
        ['y', [A, B]],
      ]),
      B,
      'y',
    ],
    [
      'the first revision there ever was',
      historyOf([
        ['x', [A]],
        ['y', [A, B]],
      ]),
      A,
      'x',
    ],
    [
      'whoever brought it again',
      historyOf([
        ['x', [B]],
        ['y', [A]],
        ['z', [A, B]],
      ]),
      B,
      'z',
    ],
    [
      'the same in other spacing',
      historyOf([
        ['x', [A.replaceAll(' ', '')]],
        ['y', [A]],
      ]),
      A,
      'x',
    ],
    [
      'nobody, before the history',
      historyOf(
        [
          ['x', [A]],
          ['y', [A, B]],
        ],
        '?',
      ),
      A,
      undefined,
    ],
    [
      'nobody, behind a lost set',
      historyOf([
        ['x', [A]],
        ['y', undefined],
        ['z', [A]],
      ]),
      A,
      undefined,
    ],
    ['nobody, when it is not there', historyOf([['x', [A]]]), B, undefined],
  ] as const)('is %s', async (_, history, row, by) => {
    expect((await rowOrigins([row], history)).get(row)?.by).toBe(by)
  })
})

describe('globs that meet', () => {
  it('are those with a text that both match', () => {
    const glob = fc.array(fc.constantFrom('a', 'b', '*'), { maxLength: 5 }).map((p) => p.join(''))
    const texts = [''].concat(
      ...[1, 2, 3, 4, 5, 6, 7, 8].map((n) =>
        Array.from({ length: 2 ** n }, (_, i) =>
          i.toString(2).padStart(n, '0').replaceAll('0', 'a').replaceAll('1', 'b'),
        ),
      ),
    )
    fc.assert(
      fc.property(glob, glob, (a, b) => {
        const meet = texts.some((text) => globMatches(a, text) && globMatches(b, text))
        expect(globsMeet(a, b)).toBe(meet)
      }),
      { numRuns: 500 },
    )
  })
})

describe('whose privilege is used', () => {
  it('is that of every name of the token that comes to the rule', () => {
    const links = [
      ['group:ml', 'role:ml'],
      ['role:ml', 'role:exporter'],
      ['group:all', 'role:reader'],
    ].map(([member = '', role = ''], line) => ({ line, column: 1, member, role }))
    const usedBy = createUsedBy(createHolders(links, new Set(['role:exporter'])))
    const subject = subjectOf({ groups: ['group:ml', 'group:all'], roles: ['role:exporter'] })
    expect(usedBy(subject, 'role:exporter')).toEqual(['group:ml', 'role:exporter'])
    expect(usedBy(subject, 'role:exporter')).toBe(usedBy(subject, 'role:exporter'))
    expect(usedBy(subject, 'role:anyone')).toEqual(['role:anyone'])
    expect(usedBy(subject, 'group:all')).toEqual(['group:all'])
  })
})
