/**
 * A decision record holds everything that was judged: the request that is read back from the line is
 * the one that was judged, and deciding it again under the same rules gives the same answer.
 */
import { beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { createReplay } from '../../gateway/assembly/replay.ts'
import { recordedDecision } from '../../gateway/assembly/recorded-request.ts'
import type { AccessRequest, Environment } from '../../gateway/domain/access.ts'
import type { DecisionPoint, ResourceCatalog } from '../../gateway/domain/ports.ts'
import type { Subject } from '../../gateway/domain/subject.ts'
import { ACTIONS } from '../../gateway/domain/vocabulary.ts'
import { createDecisionPoint } from '../../gateway/pdp/decision/decision-point.ts'
import { policyOf, WORKDAY } from '../support/policy.ts'
import { recordOf } from '../support/recorded.ts'

const POLICY = `p, role:reader, read, model:*, always, allow
p, role:r1, infer, model:a*, net | mfa, allow
p, group:g, *, dataset:*, dev & !clm, allow
p, role:r2, export, model:*, mfa & dev & tok, allow
p, role:r2, retrain, model:*, appr, allow
p, role:anyone, export, model:a-b@2, !net, deny
p, role:anyone, infer, model:ab, clm, deny
p, user:kc/alice, deploy, model:*, cls & cli, allow
g, group:h, role:reader
g, role:r2, role:r1
`
const CONDITIONS = `conditions:
  net: { kind: network, cidrs: [203.0.113.0/24] }
  dev: { kind: device, managed: true, os: [macos], os_version_min: { macos: '14.5' }, max_age: 10m }
  mfa: { kind: mfa, amr: [otp], max_age: 1h }
  clm: { kind: token, claims: { tier: [gold, 3, true] } }
  tok: { kind: token, issuers: [kc], max_age: 30m, max_remaining: 1h }
  cli: { kind: token, clients: [web] }
  cls: { kind: resource, classification: [restricted] }
  appr: { kind: approval, count: 2, from: [group:owners, role:security] }
`
const catalog: ResourceCatalog = {
  attributesOf: ({ kind }) =>
    kind === 'server' ? undefined : { classification: 'restricted', tags: [] },
}

let point: DecisionPoint
beforeAll(async () => {
  point = createDecisionPoint(await policyOf(POLICY, CONDITIONS))
})

const maybe = <T>(one: fc.Arbitrary<T>) => fc.option(one, { nil: undefined })
/** Without the members that are `undefined`: the gateway never writes such. */
const exact = <T extends object>(value: T): T =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as T
const moment = fc.integer({ min: WORKDAY - 7_200_000, max: WORKDAY + 60_000 })
const words = fc.array(fc.string({ unit: 'binary', maxLength: 12 }), { maxLength: 5 })
const scalar = fc.oneof(
  fc.constantFrom('gold', 'tin', 3, true),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => (Object.is(n, -0) ? 0 : n)),
)
const claims = fc
  .array(
    fc.tuple(
      fc.oneof(fc.constantFrom('tier', '__proto__', 'constructor', '~left', '1'), fc.string()),
      fc.oneof(scalar, fc.array(scalar, { maxLength: 4 })),
    ),
    { maxLength: 4 },
  )
  .map((list) => new Map(list.filter(([name]) => name !== '~left')))

const subject: fc.Arbitrary<Subject> = fc
  .record({
    id: fc.constantFrom('user:kc/alice', 'user:kc/bob/x', 'user:other/ "\u2028'),
    issuer: fc.constantFrom('https://idp.example.com', 'spiffe://x'),
    clientId: maybe(fc.constantFrom('web', 'cli')),
    tokenId: maybe(fc.constant('jti')),
    groups: fc.subarray(['group:g', 'group:h', 'group:é\u202e']),
    roles: fc.subarray(['role:r1', 'role:r2', 'role:reader']),
    issuedAt: moment,
    expiresAt: fc.integer({ min: WORKDAY, max: WORKDAY + 7_200_000 }),
    authentication: fc
      .record({
        amr: maybe(fc.oneof(words, fc.constant(['otp']))),
        acr: maybe(fc.string()),
        acrs: maybe(words),
        authTime: maybe(moment),
        mfa: maybe(fc.boolean()),
      })
      .map(exact),
    claims,
  })
  .map((one) => exact({ ...one, issuerName: one.id.slice(5, one.id.indexOf('/')) }) as Subject)

const environment = fc
  .record({
    now: fc.constantFrom(WORKDAY, WORKDAY + 1),
    client: fc.record({
      ip: fc.constantFrom('203.0.113.9', '10.0.0.1', 'fd00::1'),
      source: fc.constantFrom('peer', 'forwarded'),
    }),
    device: maybe(
      fc
        .record({
          managed: maybe(fc.boolean()),
          compliant: maybe(fc.boolean()),
          encrypted: maybe(fc.boolean()),
          os: maybe(fc.constantFrom('macos', 'windows')),
          osVersion: maybe(fc.constantFrom('14.5', '9', 'x')),
          assessedAt: maybe(moment),
          source: fc.constantFrom('assertion', 'token', 'mtls-hop', 'trusted-hop'),
        })
        .map(exact),
    ),
    country: maybe(
      fc.record({
        code: fc.constantFrom('DE', 'US'),
        source: fc.constantFrom('trusted-hop', 'database'),
      }),
    ),
    approvals: maybe(
      fc.array(
        fc.record({
          by: fc.constantFrom('user:kc/carol', 'user:kc/dave', 'user:kc/alice'),
          holds: fc.subarray(['group:owners', 'role:security', 'group:x']),
          at: moment,
        }),
        { maxLength: 4 },
      ),
    ),
    grant: maybe(fc.record({ id: fc.string(), expiresAt: moment })),
  })
  .map((one) => exact(one) as Environment)

const operation = fc.record({
  action: fc.constantFrom(...ACTIONS),
  resource: fc.constantFrom(
    { kind: 'model', name: 'a-b' } as const,
    { kind: 'model', name: 'a-b', version: '2' } as const,
    { kind: 'model', name: 'ab' } as const,
    { kind: 'dataset', name: 'org/data:x' } as const,
    { kind: 'server', name: 'up' } as const,
  ),
})

const asked = fc.record({
  subject,
  environment,
  operations: fc.array(operation, { minLength: 1, maxLength: 3 }),
})

const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 3_000)

describe('a decision record', () => {
  it('gives back what was judged, and the same answer', () => {
    let seen = 0
    fc.assert(
      fc.property(asked, ({ operations, ...who }) => {
        const requests = operations.map((one): AccessRequest => ({ ...who, ...one }))
        const decisions = requests.map((request) => {
          const resourceAttributes = catalog.attributesOf(request.resource)
          return point.decide({ ...request, resourceAttributes })
        })
        const record = recordOf(requests, decisions)
        const recorded = recordedDecision(record)
        if (recorded.kind !== 'decided') throw new Error(JSON.stringify(recorded))
        expect(recorded.operations.map(({ request }) => request)).toEqual(requests)
        const replay = createReplay({ decisionPoint: point, resources: catalog })
        replay.take(record)
        expect(replay.report()).toMatchObject({
          judged: 1,
          changed: { gains: 0, loses: 0, reason: 0 },
          selfCheck: { compared: 1, differing: 0 },
        })
        if (decisions.some(({ effect }) => effect === 'permit')) seen += 1
      }),
      { numRuns: RUNS },
    )
    // What never permits would prove little.
    expect(seen).toBeGreaterThan(RUNS / 20)
  }, 120_000)
})
