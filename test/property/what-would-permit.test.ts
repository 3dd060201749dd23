import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { AccessRequest, Truth } from '../../gateway/domain/access.ts'
import type { CompiledPolicy } from '../../gateway/pdp/compiled-policy.ts'
import { evaluationOf } from '../../gateway/pdp/decision/decision-point.ts'
import { whatWouldPermit } from '../../gateway/pdp/decision/what-would-permit.ts'
import { policyOf, requestOf, subjectOf } from '../support/policy.ts'

const CONDITIONS = `conditions:
  net: { kind: network, cidrs: [203.0.113.0/24] }
  dev: { kind: device, managed: true }
  mfa: { kind: mfa, required: true }
  clm: { kind: token, claims: { tier: gold } }
`

describe('what would permit, against trying everything out', () => {
  const names = ['net', 'dev', 'mfa', 'clm'] as const
  const when = fc.letrec<{ tree: string }>((tie) => ({
    tree: fc.oneof(
      { depthSize: 'small' },
      fc.constantFrom('always', ...names),
      tie('tree').map((a) => `!(${a})`),
      fc
        .tuple(tie('tree'), fc.constantFrom('&', '|'), tie('tree'))
        .map(([a, o, b]) => `(${a}) ${o} (${b})`),
    ),
  })).tree
  const row = fc
    .tuple(
      fc.constantFrom('role:anyone', 'role:r1', 'role:r2', 'group:g'),
      when,
      fc.constantFrom('allow', 'allow', 'deny'),
    )
    .map(([subject, text, effect]) => `p, ${subject}, read, model:*, ${text}, ${effect}`)
  const cases = fc.record({
    rows: fc.array(row, { minLength: 1, maxLength: 5 }),
    link: fc.constantFrom([], ['g, role:r1, role:r2'], ['g, group:g, role:r1']),
    roles: fc.subarray(['role:r1', 'role:r2']),
    facts: fc.record({
      inside: fc.boolean(),
      managed: fc.option(fc.boolean(), { nil: undefined }),
      mfa: fc.option(fc.boolean(), { nil: undefined }),
      tier: fc.option(fc.constantFrom('gold', 'tin'), { nil: undefined }),
    }),
  })
  interface Facts {
    inside: boolean
    managed?: boolean | undefined
    mfa?: boolean | undefined
    tier?: string | undefined
  }

  const requestFrom = (roles: string[], f: Facts): AccessRequest =>
    requestOf('read model:m', {
      subject: subjectOf({
        roles,
        authentication: f.mfa === undefined ? {} : { mfa: f.mfa },
        claims: new Map(f.tier === undefined ? [] : [['tier', f.tier]]),
      }),
      environment: {
        client: { ip: f.inside ? '203.0.113.1' : '198.51.100.1', source: 'peer' },
        ...(f.managed === undefined ? {} : { device: { managed: f.managed, source: 'token' } }),
      },
    })

  it('finds exactly the smallest sets of changes that permit', async () => {
    await fc.assert(
      fc.asyncProperty(cases, async ({ rows, link, roles, facts }) => {
        const policy = await policyOf([...rows, ...link].join('\n'), CONDITIONS).catch(
          () => undefined,
        )
        if (policy === undefined) return
        const request = requestFrom(roles, facts)
        if (permits(policy, request, new Map(), undefined)) return
        const found = whatWouldPermit(policy, request)
        expect(found.complete).toBe(true)
        const got = found.ways.map(({ hold, conditions }) =>
          JSON.stringify([hold ?? null, conditions.map((c) => [c.name, c.needed]).sort()]),
        )
        expect(got.sort()).toEqual(tried(policy, request, rows).sort())
      }),
      { numRuns: 300 },
    )
  }, 120_000)

  /** Every holder and every assignment of the four conditions, the smallest ones that permit. */
  function tried(
    policy: CompiledPolicy,
    request: AccessRequest,
    rows: readonly string[],
  ): string[] {
    const { holdings } = evaluationOf(policy, request)
    const allows = rows.filter((text) => text.endsWith('allow'))
    const holders = [...new Set(allows.map((text) => text.split(', ')[1] ?? ''))]
    const permitting: { hold: string | undefined; changes: [string, Truth][] }[] = []
    for (const hold of [undefined, ...holders.filter((one) => !holdings.has(one))]) {
      for (const changes of assignments(policy, request)) {
        if (permits(policy, request, new Map(changes), hold)) permitting.push({ hold, changes })
      }
    }
    const asksNoMore = (a: (typeof permitting)[number], b: (typeof permitting)[number]) =>
      (a.hold === undefined || heldWith(policy, request, b.hold).has(a.hold)) &&
      a.changes.every(([n, t]) => b.changes.some(([m, u]) => m === n && u === t))
    return permitting
      .filter((b) => !permitting.some((a) => a !== b && asksNoMore(a, b)))
      .map(({ hold, changes }) => JSON.stringify([hold ?? null, [...changes].sort()]))
  }

  function alsoHolding(request: AccessRequest, hold: string | undefined): AccessRequest {
    const { subject } = request
    if (hold === undefined) return request
    const { groups, roles } = subject
    const more = hold.startsWith('group:')
      ? { groups: [...groups, hold] }
      : { roles: [...roles, hold] }
    return { ...request, subject: { ...subject, ...more } }
  }

  function heldWith(policy: CompiledPolicy, request: AccessRequest, hold: string | undefined) {
    if (hold === undefined) return new Set<string>()
    return evaluationOf(policy, alsoHolding(request, hold)).holdings
  }

  function assignments(policy: CompiledPolicy, request: AccessRequest): [string, Truth][][] {
    const { truthOf } = evaluationOf(policy, request)
    let all: [string, Truth][][] = [[]]
    for (const name of names) {
      const others = (['true', 'false'] as const).filter((t) => t !== truthOf(name))
      all = all.flatMap((one) => [
        one,
        ...others.map((t): [string, Truth][] => [...one, [name, t]]),
      ])
    }
    return all
  }

  function permits(
    policy: CompiledPolicy,
    request: AccessRequest,
    changes: ReadonlyMap<string, Truth>,
    hold: string | undefined,
  ): boolean {
    const asked = alsoHolding(request, hold)
    const evaluation = evaluationOf(policy, asked, ({ name }) => changes.get(name))
    return policy.matcher.match(evaluation)?.effect === 'allow'
  }
})
