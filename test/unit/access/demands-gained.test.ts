/** Rules that became stricter while a request waits, or a grant is out (threats §2.H 278). */
import { describe, expect, it } from '@jest/globals'
import { createGrantIndex } from '../../../gateway/access/elevation/grant-index.ts'
import {
  createRequest,
  editRequest,
  type RequestAsk,
} from '../../../gateway/access/elevation/request.ts'
import { isDeclined } from '../../../gateway/access/command.ts'
import { openSeal } from '../../../gateway/access/elevation/seal.ts'
import { voteOn, type VoteAsk } from '../../../gateway/access/elevation/vote.ts'
import {
  ALICE,
  ask,
  BOB,
  CAROL,
  DAVE,
  depsOf,
  HOUR,
  journal,
  rule,
  scene,
} from '../../support/elevation.ts'

type Rules = Record<string, unknown>

const rules = (more: Rules) => depsOf({ rules: { r: rule(more) } })

/** Asked for while `before` was in force; Bob agreed then, Carol does when `after` is. */
function decided(
  before: Rules,
  after: Rules,
  { asked = {}, vote = {} }: { asked?: Partial<RequestAsk>; vote?: Partial<VoteAsk> } = {},
) {
  const book = journal()
  book.done(createRequest(rules(before), ask(asked)))
  const votes = [BOB, CAROL].map((by, i) => {
    const [request] = [...book.state.requests.values()]
    if (request === undefined) throw new Error('nothing was asked for')
    const { id, digest } = request
    const said = { id, by, digest, decision: 'approve', ...(i === 0 ? {} : vote) } as const
    return book.code(voteOn(rules(i === 0 ? before : after), said))
  })
  return { book, votes, grant: [...book.state.grants.values()][0] }
}

const terms = ask().terms
const reasons = ask().reasons

interface Gained {
  readonly what: string
  readonly rule: Rules
  /** What it takes to satisfy it. */
  readonly asked: Partial<RequestAsk>
  /** What was said and does not. */
  readonly before?: Partial<RequestAsk>
}

const DEMANDS: readonly Gained[] = [
  {
    what: 'a longer justification',
    rule: { demands: { justification_min: 60 } },
    asked: { reasons: { justification: 'The audit asks for it. '.repeat(4) } },
  },
  {
    what: 'a ticket',
    rule: { demands: { ticket: 'OPS-*' } },
    asked: { reasons: { ...reasons, ticket: 'OPS-7' } },
  },
  {
    what: 'another ticket',
    rule: { demands: { ticket: 'SEC-*' } },
    asked: { reasons: { ...reasons, ticket: 'SEC-7' } },
    before: { reasons: { ...reasons, ticket: 'OPS-7' } },
  },
  {
    what: 'a risk assessment',
    rule: { demands: { risk_assessment: true } },
    asked: { reasons: { ...reasons, riskAssessment: 'Low.' } },
  },
  {
    what: 'a criterion',
    rule: { demands: { criteria: ['data-minimal'] } },
    asked: { reasons: { ...reasons, criteria: { 'data-minimal': 'Yes.' } } },
  },
  {
    what: 'devices',
    rule: { demands: { device: true } },
    asked: { terms: { ...terms, devices: ['laptop-7'] } },
  },
  {
    what: 'networks',
    rule: { demands: { network: true } },
    asked: { terms: { ...terms, networks: ['10.0.0.0/8'] } },
  },
]

describe('a demand that was gained while a request waits', () => {
  it.each(DEMANDS)('is asked before a grant is made: $what', ({ rule: after, asked, before }) => {
    const made = decided({}, after, { asked: before ?? {} })
    expect([made.votes, made.grant]).toEqual([['done', 'demand_missing'], undefined])
    expect(decided({}, after, { asked }).grant).toBeDefined()
  })

  it('is asked too when the old one was given up for it', () => {
    const before = { demands: { ticket: 'OPS-*' } }
    const after = { demands: { risk_assessment: true } }
    const asked = { reasons: { ...reasons, ticket: 'OPS-1' } }
    expect(decided(before, after, { asked }).votes).toEqual(['done', 'demand_missing'])
  })

  it('is asked of the rule that came besides', () => {
    const made = scene()
    made.create()
    const [request] = [...made.book.state.requests.values()]
    const { id = '', digest = '' } = request ?? {}
    const both = depsOf({
      rules: {
        r: rule({ require: [{ from: ['role:approver'] }] }),
        s: rule({ require: [{ from: ['role:approver'] }], demands: { ticket: '*' } }),
      },
    })
    const vote = (by: typeof BOB) => voteOn(both, { id, by, digest, decision: 'approve' })
    expect([made.book.code(vote(BOB)), made.book.code(vote(CAROL))]).toEqual([
      'done',
      'demand_missing',
    ])
  })

  it('names the rule, and says who can do something about it', () => {
    const { book } = decided({}, { demands: { ticket: 'OPS-*' } })
    const [request] = [...book.state.requests.values()]
    const { id = '', digest = '' } = request ?? {}
    const after = rules({ demands: { ticket: 'OPS-*' } })
    const ruled = voteOn(after, { id, by: CAROL, digest, decision: 'approve' })(
      book.state,
      book.now,
    )
    expect(isDeclined(ruled) && ruled.detail).toBe(
      'Rule r demands a ticket like OPS-*. Who asked has to edit the request.',
    )
    const edit = { id, by: ALICE, terms, reasons: { ...reasons, ticket: 'OPS-1' } }
    const edited = book.done(editRequest(after, edit)).request
    const votes = [BOB, CAROL].map((by) =>
      book.code(voteOn(after, { id, by, digest: edited.digest, decision: 'approve' })),
    )
    expect([votes, book.state.grants.size]).toEqual([['done', 'done'], 1])
  })

  it.each([
    ['device', { devices: ['laptop-7'] }],
    ['network', { networks: ['10.1.0.0/16'] }],
  ])('can be met by what an approver leaves of the terms: %s', (key, narrowing) => {
    const made = decided({}, { demands: { [key]: true } }, { vote: { narrowing } })
    expect(made.grant?.terms).toMatchObject(narrowing)
  })

  it('does not stand in the way of a no', () => {
    const made = decided({}, { demands: { ticket: '*' } }, { vote: { decision: 'deny' } })
    expect(made.votes).toEqual(['done', 'done'])
    expect([...made.book.state.requests.values()][0]?.status).toBe('denied')
  })
})

describe('what a grant may be, by the rules of then and of now', () => {
  const few = (amounts: object) => ({ terms: { ...terms, ...amounts } })
  const ttl = (max: string) => ({ grant_ttl_max: max })

  it.each([
    ['time of now', ttl('8h'), ttl('30m'), few({}), { durationMs: HOUR / 2 }],
    ['time of then', ttl('1h'), ttl('8h'), few({}), { durationMs: HOUR }],
    ['uses of now', {}, { uses_max: 2 }, few({}), { usesMax: 2 }],
    ['uses of then', { uses_max: 1 }, { uses_max: 9 }, few({ usesMax: 1 }), { usesMax: 1 }],
    ['bytes of now', {}, { bytes_max: '1KiB' }, few({}), { bytesMax: 1024 }],
    [
      'bytes of then',
      { bytes_max: '9B' },
      { bytes_max: '1MiB' },
      few({ bytesMax: 9 }),
      { bytesMax: 9 },
    ],
  ] as const)('is the least: %s', (...[, before, after, asked, expected]) => {
    expect(decided(before, after, { asked }).grant?.terms).toMatchObject(expected)
  })

  it.each<[string, Rules, Rules]>([
    [
      'the one of then',
      { require: [{ count: 2, from: ['role:approver'] }] },
      { require: [{ from: ['role:approver'] }] },
    ],
    [
      'the one of now',
      { require: [{ from: ['group:stewards'] }, { from: ['role:approver'] }] },
      { require: [{ count: 2, from: ['role:approver'] }] },
    ],
  ])('takes both thresholds: %s', (_what, before, after) => {
    const book = journal()
    book.done(createRequest(rules(before), ask()))
    const { id = '', digest = '' } = [...book.state.requests.values()][0] ?? {}
    const grants = [BOB, DAVE, CAROL].map((by) => {
      book.code(voteOn(rules(after), { id, by, digest, decision: 'approve' }))
      return book.state.grants.size
    })
    expect(grants).toEqual([0, 0, 1])
  })
})

/** A grant of `before`, looked for when `after` is in force. */
function found(before: Rules, after: Rules, asked: Partial<RequestAsk> = {}) {
  const { book } = decided(before, before, { asked })
  return createGrantIndex(() => rules(after)).find(book.state, {
    subject: { id: ALICE.id, person: ALICE.person } as never,
    operations: [{ action: 'export', resource: { kind: 'model', name: 'fraud' } }],
    client: '10.1.2.3',
    device: 'laptop-7',
    now: book.now,
  } as never)
}

describe('a grant that is out when rules become stricter', () => {
  it.each<[string, Rules, Partial<RequestAsk>]>([
    ['devices', { demands: { device: true } }, { terms: { ...terms, devices: ['laptop-7'] } }],
    ['networks', { demands: { network: true } }, { terms: { ...terms, networks: ['10.0.0.0/8'] } }],
    ['a shorter time', { grant_ttl_max: '30m' }, { terms: { ...terms, durationMs: HOUR / 2 } }],
    ['fewer uses', { uses_max: 1 }, { terms: { ...terms, usesMax: 1 } }],
    ['fewer bytes', { bytes_max: '1KiB' }, { terms: { ...terms, bytesMax: 1024 } }],
  ])('is suspended, unless it is within them: %s', (_what, after, within) => {
    const fallen = found({}, after)
    expect([fallen.grant, fallen.hint]).toEqual([undefined, expect.stringContaining('suspended')])
    expect(found({}, after, within).grant).toBeDefined()
    expect(found({}, {}).grant).toBeDefined()
  })

  it('goes on when only more has to be said: those who agreed had what there was', () => {
    const demands = {
      justification_min: 99,
      ticket: 'OPS-*',
      risk_assessment: true,
      criteria: ['one'],
    }
    expect(found({}, { demands }).grant).toBeDefined()
  })

  it('is suspended when nobody looked at it and such grants are shorter now', () => {
    const auto = (max: string) => ({
      auto: { when: 'mfa', rate: { count: 1, per: '1h' }, grant_ttl_max: max },
    })
    const made = scene({ rules: { r: rule(auto('1h')) }, filters: ['mfa'] })
    made.create()
    const look = (max: string) =>
      createGrantIndex(() => rules(auto(max))).find(made.book.state, {
        subject: { id: ALICE.id, person: ALICE.person } as never,
        operations: [{ action: 'export', resource: { kind: 'model', name: 'fraud' } }],
        now: made.book.now,
      }).grant
    expect([look('1h') === undefined, look('30m')]).toEqual([false, undefined])
  })
})

describe('a seal that is opened when rules became stricter', () => {
  const glass = (more: Rules = {}) => ({
    break_glass: {
      seal: { require: [{ count: 2, from: ['role:approver'] }] },
      reviewers: ['group:stewards'],
      ...more,
    },
  })
  const opened = (after: Rules) => {
    const { book } = decided(glass(), glass(), { asked: { kind: 'break-glass' } })
    const [grant] = [...book.state.grants.values()]
    const id = grant?.id ?? ''
    const code = book.code(openSeal(rules(after), { id, by: ALICE, reason: 'It is down.' }))
    return [code, (book.state.grants.get(id)?.expiresAt ?? 0) - book.now]
  }

  it.each<[string, Rules, string]>([
    ['devices', { ...glass(), demands: { device: true } }, 'demand_missing'],
    ['networks', { ...glass(), demands: { network: true } }, 'demand_missing'],
    ['fewer uses', { ...glass(), uses_max: 1 }, 'over_bounds'],
    ['fewer bytes', { ...glass(), bytes_max: '1KiB' }, 'over_bounds'],
  ])('stays shut: %s', (_what, after, code) => {
    expect(opened(after)[0]).toBe(code)
  })

  it('is open for the shorter of both times', () => {
    expect(opened(glass({ open_for_max: '10m' }))).toEqual(['done', HOUR / 6])
    expect(opened(glass({ open_for_max: '24h' }))).toEqual(['done', HOUR])
  })
})
