/**
 * Random matrices and requests against a reference that shares no code with the gateway: its own
 * globs (regex), its own logic (numbers), its own closure of roles.
 */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { AccessRequest, Environment } from '../../gateway/domain/access.ts'
import { ACTIONS } from '../../gateway/domain/vocabulary.ts'
import { createDecisionPoint } from '../../gateway/pdp/decision/decision-point.ts'
import { policyOf, requestOf, subjectOf } from '../support/policy.ts'

/** Each run loads a matrix, self-test included; slow machines may take their time. */
const TIMEOUT_MS = 120_000

const CONDITIONS = `
conditions:
  net: { kind: network, cidrs: [203.0.113.0/24] }
  dev: { kind: device, managed: true }
  mfa: { kind: mfa, required: true }
  res: { kind: resource, classification: [restricted] }
  clm: { kind: token, claims: { tier: gold } }
`

type Tree = string | { op: '!'; a: Tree } | { op: '&' | '|'; a: Tree; b: Tree }

interface Row {
  subject: string
  action: string
  kind: string
  name: string
  version: string | undefined
  when: Tree
  effect: 'allow' | 'deny'
}

/** What is known of a request; `undefined` is missing. */
interface Facts {
  action: string
  kind: string
  name: string
  version: string | undefined
  groups: string[]
  inside: boolean
  managed: boolean | undefined
  mfa: boolean | undefined
  classification: string | undefined
  tier: string | undefined
}

const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const tree: fc.Arbitrary<Tree> = fc.letrec<{ tree: Tree }>((tie) => ({
  tree: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('always', 'net', 'dev', 'mfa', 'res', 'clm'),
    fc.record({ op: fc.constant('!' as const), a: tie('tree') }),
    fc.record({ op: fc.constantFrom('&' as const, '|' as const), a: tie('tree'), b: tie('tree') }),
  ),
})).tree
const row: fc.Arbitrary<Row> = fc.record({
  subject: fc.constantFrom(
    'role:anyone',
    'role:r1',
    'role:r2',
    'role:r3',
    'group:g',
    'user:kc/alice',
  ),
  action: fc.constantFrom('*', ...ACTIONS),
  kind: fc.constantFrom('model', 'model', 'dataset', '*'),
  name: fc.constantFrom('*', 'a', 'a-*', '*-b', 'a-*-b', '*a*'),
  version: maybe(fc.constantFrom('1', '*', '1*')),
  when: tree,
  effect: fc.constantFrom('allow' as const, 'allow' as const, 'deny' as const),
})
const link = fc.tuple(
  fc.constantFrom('group:g', 'user:kc/alice', 'role:r1', 'role:anyone'),
  fc.constantFrom('role:r2', 'role:r3'),
)
const matrix = fc.record({
  rows: fc.array(row, { minLength: 1, maxLength: 12 }),
  links: fc.array(link, { maxLength: 4 }),
})
const facts: fc.Arbitrary<Facts> = fc.record({
  action: fc.constantFrom(...ACTIONS),
  kind: fc.constantFrom('model', 'dataset'),
  name: fc.constantFrom('a', 'a-b', 'a-x-b', 'b', 'ba'),
  version: maybe(fc.constantFrom('1', '12', '2')),
  groups: fc.subarray(['group:g', 'group:h']),
  inside: fc.boolean(),
  managed: maybe(fc.boolean()),
  mfa: maybe(fc.boolean()),
  classification: maybe(fc.constantFrom('restricted', 'public')),
  tier: maybe(fc.constantFrom('gold', 'tin')),
})

const written = (t: Tree): string =>
  typeof t === 'string'
    ? t
    : t.op === '!'
      ? `!(${written(t.a)})`
      : `(${written(t.a)}) ${t.op} (${written(t.b)})`
const resourceOf = (r: Row): string => {
  if (r.kind === '*') return '*'
  const version = r.kind === 'model' && r.version !== undefined ? `@${r.version}` : ''
  return `${r.kind}:${r.name}${version}`
}
const textOf = ({ rows, links }: { rows: Row[]; links: [string, string][] }) =>
  [
    ...rows.map(
      (r) => `p, ${r.subject}, ${r.action}, ${resourceOf(r)}, ${written(r.when)}, ${r.effect}`,
    ),
    ...links.map(([member, role]) => `g, ${member}, ${role}`),
  ].join('\n')

function requestFrom(f: Facts): AccessRequest {
  const environment: Partial<Environment> = {
    client: { ip: f.inside ? '203.0.113.1' : '198.51.100.1', source: 'peer' },
    ...(f.managed !== undefined && { device: { managed: f.managed, source: 'token' } }),
  }
  return requestOf(
    `${f.action} ${f.kind}:${f.name}${f.version === undefined ? '' : `@${f.version}`}`,
    {
      subject: subjectOf({
        groups: f.groups,
        authentication: f.mfa === undefined ? {} : { mfa: f.mfa },
        claims: new Map(f.tier === undefined ? [] : [['tier', f.tier]]),
      }),
      ...(f.classification !== undefined && {
        resourceAttributes: { classification: f.classification, tags: [] },
      }),
      environment,
    },
  )
}

const isEqual = (a: string | undefined, b: string) => (a === undefined ? undefined : a === b)

/** 1 is true, 0 is false, a half is unknown. */
function value(t: Tree, f: Facts): number {
  const known = (v: boolean | undefined) => (v === undefined ? 0.5 : Number(v))
  if (t === 'always') return 1
  if (t === 'net') return Number(f.inside)
  if (t === 'dev') return known(f.managed)
  if (t === 'mfa') return known(f.mfa)
  if (t === 'res') return known(isEqual(f.classification, 'restricted'))
  if (t === 'clm') return known(isEqual(f.tier, 'gold'))
  if (typeof t === 'string') throw new Error(t)
  if (t.op === '!') return 1 - value(t.a, f)
  const sides = [value(t.a, f), value(t.b, f)]
  return t.op === '&' ? Math.min(...sides) : Math.max(...sides)
}

const globRegex = (glob: string) => new RegExp(`^${glob.split('*').join('[^]*')}$`)

function reference(
  m: { rows: Row[]; links: [string, string][] },
  f: Facts,
): { effect: string; line?: number } {
  const held = new Set(['user:kc/alice', 'role:anyone', ...f.groups])
  for (let i = 0; i < 10; i++) for (const [a, b] of m.links) if (held.has(a)) held.add(b)
  const matches = (r: Row) => {
    if (!held.has(r.subject)) return false
    if (
      r.action === '*' ? !['read', 'infer', 'data:read'].includes(f.action) : r.action !== f.action
    )
      return false
    if (r.kind === '*') return true
    if (r.kind !== f.kind || !globRegex(r.name).test(f.name)) return false
    if (r.kind !== 'model' || r.version === undefined) return true
    return f.version === undefined ? r.effect === 'deny' : globRegex(r.version).test(f.version)
  }
  const deny = m.rows.findIndex((r) => r.effect === 'deny' && matches(r) && value(r.when, f) > 0)
  if (deny >= 0) return { effect: 'deny', line: deny + 1 }
  const allow = m.rows.findIndex(
    (r) => r.effect === 'allow' && matches(r) && value(r.when, f) === 1,
  )
  if (allow >= 0) return { effect: 'permit', line: allow + 1 }
  return {
    effect: m.rows.some((r) => r.effect === 'allow' && matches(r)) ? 'deny' : 'not-applicable',
  }
}

describe('decisions on random matrices', () => {
  it(
    'are those of an independent reference, down to the rule',
    async () => {
      await fc.assert(
        fc.asyncProperty(
          matrix,
          fc.array(facts, { minLength: 1, maxLength: 12 }),
          async (m, asked) => {
            const point = createDecisionPoint(await policyOf(textOf(m), CONDITIONS), {
              onFailure(error) {
                throw error
              },
            })
            for (const f of asked) {
              const decision = point.decide(requestFrom(f))
              const expected = reference(m, f)
              expect(decision.effect).toBe(expected.effect)
              if (expected.line !== undefined) expect(decision.rule?.line).toBe(expected.line)
            }
          },
        ),
        { numRuns: 200 },
      )
    },
    TIMEOUT_MS,
  )

  it(
    'never become a permit because an attribute is missing',
    async () => {
      const removable = ['version', 'managed', 'mfa', 'classification', 'tier'] as const
      await fc.assert(
        fc.asyncProperty(
          matrix,
          facts,
          fc.subarray([...removable], { minLength: 1 }),
          async (m, f, gone) => {
            const point = createDecisionPoint(await policyOf(textOf(m), CONDITIONS))
            if (point.decide(requestFrom(f)).effect === 'permit') return
            const less = { ...f, ...Object.fromEntries(gone.map((name) => [name, undefined])) }
            expect(point.decide(requestFrom(less)).effect).not.toBe('permit')
          },
        ),
        { numRuns: 200 },
      )
    },
    TIMEOUT_MS,
  )

  it(
    'offer step-up exactly when a second factor would turn them into a permit',
    async () => {
      await fc.assert(
        fc.asyncProperty(matrix, facts, async (m, f) => {
          const point = createDecisionPoint(await policyOf(textOf(m), CONDITIONS))
          const decision = point.decide(requestFrom(f))
          const stronger = point.decide(requestFrom({ ...f, mfa: true }))
          const helps = decision.effect !== 'permit' && stronger.effect === 'permit'
          expect(decision.reason === 'step_up_required').toBe(helps)
        }),
        { numRuns: 200 },
      )
    },
    TIMEOUT_MS,
  )
})
