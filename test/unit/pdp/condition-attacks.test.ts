/** Attacks on attributes and conditions, by the numbers of the list of adversarial cases. */
import { describe, expect, it } from '@jest/globals'
import type { AccessRequest } from '../../../gateway/domain/access.ts'
import type { ClaimValue } from '../../../gateway/domain/subject.ts'
import { createDecisionPoint } from '../../../gateway/pdp/decision/decision-point.ts'
import { effectOf } from '../../support/casbin.ts'
import {
  errorsOf,
  policyOf,
  requestOf,
  subjectOf,
  warningsOf,
  WORKDAY,
} from '../../support/policy.ts'

const CONDITIONS = [
  'conditions:',
  '  time: { kind: time, zone: UTC, hours: 00:00-24:00 }',
  '  net: { kind: network, cidrs: [203.0.113.0/24] }',
  '  dev: { kind: device, managed: true }',
  '  mfa: { kind: mfa, required: true, max_age: 1h }',
  '  claim: { kind: token, claims: { risk: 50 } }',
  '  class: { kind: resource, classification: [public] }',
  '  ok: { kind: approval, count: 1 }',
  '  grant: { kind: grant }',
].join('\n')

const FULL = requestOf('read model:x', {
  subject: subjectOf({
    authentication: { mfa: true, authTime: WORKDAY - 60_000 },
    claims: new Map<string, ClaimValue>([['risk', 50]]),
  }),
  resourceAttributes: { classification: 'public', tags: [] },
  environment: {
    device: { managed: true, source: 'token' },
    approvals: [{ by: 'user:kc/bob', holds: ['user:kc/bob'], at: WORKDAY - 1000 }],
    grant: { id: 'g', expiresAt: WORKDAY + 1000 },
  },
})

const removals: Record<string, (request: AccessRequest) => AccessRequest> = {
  net: (r) => ({ ...r, environment: { ...r.environment, client: { ip: '', source: 'peer' } } }),
  dev: (r) => ({ ...r, environment: { ...r.environment, device: { source: 'token' } } }),
  mfa: (r) => ({ ...r, subject: { ...r.subject, authentication: {} } }),
  claim: (r) => ({ ...r, subject: { ...r.subject, claims: new Map() } }),
  class: (r) => ({ ...r, resourceAttributes: undefined }),
  ok: (r) => ({ ...r, environment: without(r, 'approvals') }),
  grant: (r) => ({ ...r, environment: without(r, 'grant') }),
}

function without(request: AccessRequest, key: 'approvals' | 'grant'): AccessRequest['environment'] {
  const rest = { ...request.environment }
  Reflect.deleteProperty(rest, key)
  return rest
}

const pointOf = async (when: string, yaml = CONDITIONS) =>
  createDecisionPoint(await policyOf(`p, role:anyone, read, *, ${when}, allow`, yaml))

describe('attacks on attributes', () => {
  it('188: without any one attribute, or several, nothing is permitted', async () => {
    const names = Object.keys(removals)
    const point = await pointOf(['time', ...names].join(' & '))
    expect(point.decide(FULL).effect).toBe('permit')
    for (let subset = 1; subset < 1 << names.length; subset++) {
      const gone = names.filter((_, i) => (subset & (1 << i)) !== 0)
      const request = gone.reduce((r, name) => removals[name]?.(r) ?? r, FULL)
      const decision = point.decide(request)
      expect(decision.effect).toBe('deny')
      expect(decision.failedConditions.map(({ name }) => name).sort()).toEqual(gone.sort())
    }
  })

  it('188: a time that is missing or no number is no request to decide', async () => {
    for (const now of [NaN, Infinity, undefined as unknown as number]) {
      const request = requestOf('read model:x', { environment: { now } })
      expect(await effectOf('p, role:anyone, read, *, always, allow', request)).toBe(
        'indeterminate',
      )
    }
  })

  it('190: a value of another type is never taken for the one that is asked for', async () => {
    const point = await pointOf('claim')
    const wrong: unknown[] = [null, '', [], {}, true, NaN, Infinity, '50', -50, [51], ['50']]
    for (const risk of wrong) {
      const claims = new Map([['risk', risk as ClaimValue]])
      const request = requestOf('read model:x', { subject: subjectOf({ claims }) })
      expect(point.decide(request).effect).toBe('deny')
    }
  })

  it('191: a negation is not true where nothing is known, and is warned of', async () => {
    for (const name of ['dev', 'mfa', 'claim', 'class', 'grant']) {
      const point = await pointOf(`!${name}`)
      expect(point.decide(requestOf('read model:x')).effect).toBe('deny')
      expect(await warningsOf(`p, role:anyone, read, *, !${name}, allow`, CONDITIONS)).toEqual([
        '1:27 negated-optional',
      ])
    }
    expect(await warningsOf('p, role:anyone, read, *, !net & !time, allow', CONDITIONS)).toEqual([])
  })

  it('208: names are exact', async () => {
    const policy = 'p, role:anyone, read, model:Fraud, always, allow'
    for (const name of ['fraud', 'FRAUD', 'Fraud ', ' Fraud', 'Frau\u0064\u0301']) {
      const resource = { kind: 'model', name } as const
      expect(await effectOf(policy, requestOf('read model:x', { resource }))).toBe('not-applicable')
    }
    expect(await effectOf(policy, requestOf('read model:Fraud'))).toBe('permit')
  })

  it('211: numbers are compared exactly', async () => {
    const point = await pointOf('claim')
    for (const [risk, effect] of [
      [50, 'permit'],
      [50.0000000001, 'deny'],
      [1e-300, 'deny'],
      [-0, 'deny'],
    ] as const) {
      const request = requestOf('read model:x', {
        subject: subjectOf({ claims: new Map([['risk', risk]]) }),
      })
      expect(point.decide(request).effect).toBe(effect)
    }
  })
})

describe('attacks on times and networks', () => {
  const timed = (text: string) => `conditions:\n  t: { kind: time, ${text} }\n`

  it.each([
    ['2026-11-06T23:00:00Z', 'permit'],
    ['2026-11-07T05:59:00Z', 'permit'],
    ['2026-11-07T06:00:00Z', 'deny'],
    ['2026-11-05T23:00:00Z', 'deny'],
    ['2026-11-07T23:00:00Z', 'deny'],
  ])('193: a window over midnight belongs to the day it starts: %s', async (now, effect) => {
    const point = await pointOf('t', timed('zone: UTC, days: [fri], hours: 22:00-06:00'))
    const request = requestOf('read model:x', { environment: { now: Date.parse(now) } })
    expect(point.decide(request).effect).toBe(effect)
  })

  it.each(['00:00-00:00', '25:00-26:00', '9:00-10:00', '09:00-24:01', '09:00:60-10:00', '08:00'])(
    '194: the window %s is refused',
    async (hours) => {
      const errors = await errorsOf(
        'p, role:a, read, *, t, allow',
        timed(`zone: UTC, hours: '${hours}'`),
      )
      expect(errors).toEqual([expect.stringMatching(/^2:\d+ invalid-value$/)])
    },
  )

  it.each([
    ['196: an hour that comes twice', 'Europe/Berlin', '2026-10-25T00:30:00Z', '02:00-03:00'],
    ['196: and again', 'Europe/Berlin', '2026-10-25T01:30:00Z', '02:00-03:00'],
    ['197: in New York', 'America/New_York', '2026-11-01T05:30:00Z', '01:00-02:00'],
    ['197: and again', 'America/New_York', '2026-11-01T06:30:00Z', '01:00-02:00'],
    ['197: half an hour', 'Australia/Lord_Howe', '2026-04-04T14:59:00Z', '01:30-02:00'],
    ['197: and again', 'Australia/Lord_Howe', '2026-04-04T15:00:00Z', '01:30-02:00'],
    ['199: half past midnight', 'UTC', '2026-11-04T00:30:00Z', '00:00-01:00'],
  ])('%s is inside both times', async (_name, zone, now, hours) => {
    const point = await pointOf('t', timed(`zone: ${zone}, hours: '${hours}'`))
    const request = requestOf('read model:x', { environment: { now: Date.parse(now) } })
    expect(point.decide(request).effect).toBe('permit')
  })

  it('200: a date that does not exist is refused, and 29 February is one day', async () => {
    const errors = await errorsOf(
      'p, role:a, read, *, t, allow',
      timed('zone: UTC, until: 2026-02-30'),
    )
    expect(errors).toEqual([expect.stringMatching(/^2:\d+ invalid-value$/)])
    const point = await pointOf('t', timed('zone: UTC, from: 2028-02-29, until: 2028-02-29'))
    const at = (now: string) =>
      point.decide(requestOf('read model:x', { environment: { now: Date.parse(now) } })).effect
    expect([
      at('2028-02-28T23:59:59Z'),
      at('2028-02-29T12:00:00Z'),
      at('2028-03-01T00:00:00Z'),
    ]).toEqual(['deny', 'permit', 'deny'])
  })

  it('202: all windows of one decision see one time', async () => {
    const yaml =
      'conditions:\n  a: { kind: time, zone: UTC, hours: 10:00-11:00 }\n  b: { kind: time, zone: Europe/Berlin, hours: 11:00-12:00 }\n'
    const point = await pointOf('a & b', yaml)
    for (let minute = 0; minute < 24 * 60; minute += 7) {
      const now = Date.parse('2026-11-04T00:00:00Z') + minute * 60_000
      const inside = minute >= 600 && minute < 660
      const { effect } = point.decide(requestOf('read model:x', { environment: { now } }))
      expect(effect).toBe(inside ? 'permit' : 'deny')
    }
  })

  it.each([
    '10.0.0.1/8',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    ' 10.0.0.0/8',
    '10/8',
    '0.0.0.0/0',
    '::/0',
  ])('203: the network %j is refused', async (cidr) => {
    const yaml = `conditions:\n  n: { kind: network, cidrs: ['${cidr}'] }\n`
    expect(await errorsOf('p, role:a, read, *, n, allow', yaml)).toEqual(['2:31 invalid-value'])
  })

  it('205: a second factor that grows too old between two requests is not enough for the second', async () => {
    const point = await pointOf('mfa')
    const at = (now: number) => point.decide({ ...FULL, environment: { ...FULL.environment, now } })
    expect(at(WORKDAY + 59 * 60_000).effect).toBe('permit')
    expect(at(WORKDAY + 59 * 60_000 + 1).reason).toBe('step_up_required')
  })

  it.each(['claims: {}', 'claims: { __proto__: a }', 'issuers: []'])(
    'a token condition with `%s` tests nothing and is refused',
    async (text) => {
      const yaml = `conditions:\n  c: { kind: token, ${text} }\n`
      expect(await errorsOf('p, role:a, read, *, c, allow', yaml)).toHaveLength(1)
    },
  )
})
