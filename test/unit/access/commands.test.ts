/** What people ask for, agree to and take back: one command each, on a journal in memory. */
import { describe, expect, it } from '@jest/globals'
import { digestOf } from '../../../gateway/access/canonical.ts'
import { isPending } from '../../../gateway/access/elevation/pending.ts'
import {
  cancelRequest,
  createRequest,
  editRequest,
  type RequestAsk,
} from '../../../gateway/access/elevation/request.ts'
import { voteOn } from '../../../gateway/access/elevation/vote.ts'
import type { Person } from '../../../gateway/access/person.ts'
import {
  ALICE,
  ask,
  BOB,
  CAROL,
  DAVE,
  HOUR,
  lockOn,
  MINUTE,
  person,
  rule,
  T0,
  scene,
  type Given,
} from '../../support/elevation.ts'

const MANY = 'n'.repeat(5_000)

describe('a request', () => {
  it('waits, and says what was captured and what is signed', () => {
    const { book, create } = scene()
    const { request, grant } = create()
    expect(grant).toBeUndefined()
    expect(book.state.requests.get(request.id)).toEqual(request)
    const { id, version, by, kind, terms, reasons, demands } = request
    const signed = { id, version, by, kind, terms, reasons, demands }
    expect(request.digest).toBe(digestOf(JSON.parse(JSON.stringify(signed)) as never))
    expect(request).toMatchObject({ version: 1, status: 'pending', expiresAt: T0 + 24 * HOUR })
    expect(terms.holder).toBe(ALICE.id)
    expect(demands).toEqual([
      {
        rule: 'r',
        requirements: [{ count: 2, from: ['role:approver'] }],
        denyBy: 'any-eligible',
      },
    ])
  })

  it.each<[string, Partial<RequestAsk>, Given, string]>([
    ['of nobody known', { by: { ...ALICE, person: '' } }, {}, 'person_unknown'],
    ['of an empty person key', { by: { ...ALICE, person: 'person:' } }, {}, 'person_unknown'],
    ['for everything', { terms: { ...ask().terms, resources: ['*'] } }, {}, 'wildcard_refused'],
    [
      'for a pattern',
      { terms: { ...ask().terms, resources: ['model:f*'] } },
      {},
      'wildcard_refused',
    ],
    ['for a path', { terms: { ...ask().terms, resources: ['model:a/'] } }, {}, 'wildcard_refused'],
    ['for no kind', { terms: { ...ask().terms, resources: ['fraud'] } }, {}, 'invalid'],
    ['for nothing', { terms: { ...ask().terms, resources: [] } }, {}, 'invalid'],
    ['for no action', { terms: { ...ask().terms, actions: [] } }, {}, 'invalid'],
    ['for no time', { terms: { ...ask().terms, durationMs: 0 } }, {}, 'invalid'],
    ['for half a use', { terms: { ...ask().terms, usesMax: 0.5 } }, {}, 'invalid'],
    ['for no bytes', { terms: { ...ask().terms, bytesMax: -1 } }, {}, 'invalid'],
    ['for no network', { terms: { ...ask().terms, networks: ['10.0.0.1'] } }, {}, 'invalid'],
    ['for no device', { terms: { ...ask().terms, devices: [] } }, {}, 'invalid'],
    ['for no digest', { terms: { ...ask().terms, digest: 'sha1:00' } }, {}, 'invalid'],
    ['for a time that is over', { terms: { ...ask().terms, startsAt: 1 } }, {}, 'invalid'],
    [
      'for next year',
      { terms: { ...ask().terms, startsAt: T0 + 91 * 24 * HOUR } },
      {},
      'over_bounds',
    ],
    [
      'for longer than allowed',
      { terms: { ...ask().terms, durationMs: 9 * HOUR } },
      {},
      'over_bounds',
    ],
    ['without a reason', { reasons: { justification: '  ' } }, {}, 'invalid'],
    ['with half a character', { reasons: { justification: '\ud800' } }, {}, 'invalid'],
    ['that nobody would read', { reasons: { justification: MANY } }, {}, 'invalid'],
    [
      'that no rule knows',
      { terms: { ...ask().terms, actions: ['deploy'] } },
      {},
      'no_approval_rule',
    ],
    ['without any rules', {}, { rules: {} }, 'no_approval_rule'],
    ['of others', {}, { rules: { r: rule({ who_may_ask: ['group:x'] }) } }, 'not_eligible'],
    [
      'too short',
      {},
      { rules: { r: rule({ demands: { justification_min: 50 } }) } },
      'demand_missing',
    ],
    [
      'without ticket',
      {},
      { rules: { r: rule({ demands: { ticket: 'OPS-*' } }) } },
      'demand_missing',
    ],
    [
      'with another ticket',
      { reasons: { justification: 'x', ticket: 'ML-1' } },
      { rules: { r: rule({ demands: { ticket: 'OPS-*' } }) } },
      'demand_missing',
    ],
    [
      'without risk',
      {},
      { rules: { r: rule({ demands: { risk_assessment: true } }) } },
      'demand_missing',
    ],
    [
      'without answer',
      {},
      { rules: { r: rule({ demands: { criteria: ['why'] } }) } },
      'demand_missing',
    ],
    ['without device', {}, { rules: { r: rule({ demands: { device: true } }) } }, 'demand_missing'],
    [
      'without network',
      {},
      { rules: { r: rule({ demands: { network: true } }) } },
      'demand_missing',
    ],
    ['without uses', {}, { rules: { r: rule({ uses_max: 1 }) } }, 'over_bounds'],
    ['without bytes', {}, { rules: { r: rule({ bytes_max: '1GiB' }) } }, 'over_bounds'],
    ['to be sealed where nothing is', { kind: 'break-glass' }, {}, 'no_approval_rule'],
  ])('%s is declined', (_name, more, given, code) => {
    const { book, deps } = scene(given)
    expect(book.code(createRequest(deps, ask(more)))).toBe(code)
    expect(book.state.requests.size).toBe(0)
  })

  it('is no more than the journal keeps', () => {
    const { book, deps } = scene()
    const holds = Array.from({ length: 1_000 }, (_, i) => `group:${i}-${'g'.repeat(100)}`)
    expect(book.code(createRequest(deps, ask({ by: { ...ALICE, holds } })))).toBe('invalid')
  })

  it('is one of twenty at most that a person has waiting, over all accounts', () => {
    const { book, deps } = scene()
    for (let i = 0; i < 20; i++) {
      const by = { ...ALICE, id: `user:corp/alice${i}` }
      expect(book.code(createRequest(deps, ask({ newId: `req-${i}`, by })))).toBe('done')
    }
    expect(book.code(createRequest(deps, ask()))).toBe('too_many')
    book.later(24 * HOUR)
    expect(book.code(createRequest(deps, ask()))).toBe('done')
  })

  it('ends when its maker cancels it, and is of no account to others', () => {
    const { book, deps, create, vote } = scene()
    const { id } = create().request
    const cancel = (by: Person, override?: boolean) =>
      book.code(
        cancelRequest(deps, { id, by, reason: 'no', ...(override === true ? { override } : {}) }),
      )
    expect(cancel(BOB)).toBe('not_found')
    expect(cancel(ALICE)).toBe('done')
    expect(cancel(ALICE)).toBe('closed')
    expect(vote(BOB)).toBe('closed')
    const other = scene()
    other.create()
    expect(other.book.code(cancelRequest(deps, { id, by: BOB, reason: 'x', override: true }))).toBe(
      'done',
    )
  })

  it('has a time, after which nobody decides', () => {
    const { book, create, vote } = scene()
    const { request } = create()
    book.later(24 * HOUR - 1)
    expect(isPending(request, book.now)).toBe(true)
    expect(vote(BOB)).toBe('done')
    book.later(1)
    expect(vote(CAROL)).toBe('closed')
  })

  it('loses its votes when it is edited, and keeps its time', () => {
    const { book, deps, create, vote, grants } = scene()
    const { request } = create()
    expect(vote(BOB)).toBe('done')
    book.later(HOUR)
    const terms = { ...ask().terms, bytesMax: 10 }
    const edit = (by: Person, digest: string) =>
      book.code(editRequest(deps, { id: request.id, by, digest, terms, reasons: request.reasons }))
    expect(edit(BOB, request.digest)).toBe('not_found')
    expect(edit(ALICE, 'sha256:0')).toBe('edited')
    expect(edit(ALICE, request.digest)).toBe('done')
    const edited = book.state.requests.get(request.id)
    expect(edited).toMatchObject({ version: 2, votes: [], expiresAt: request.expiresAt })
    expect(edited?.digest).not.toBe(request.digest)
    expect(vote(CAROL, { digest: request.digest })).toBe('edited')
    expect(vote(CAROL)).toBe('done')
    expect(grants()).toEqual([])
    expect(vote(BOB)).toBe('done')
    expect(grants()).toHaveLength(1)
  })
})

describe('a vote', () => {
  it('completes a request with the grant in the same batch', () => {
    const { book, deps, create, vote } = scene()
    const { id, digest } = create().request
    expect(vote(BOB)).toBe('done')
    const ruled = voteOn(deps, { id, by: CAROL, digest, decision: 'approve' })(book.state, book.now)
    if ('declined' in ruled) throw new Error(ruled.detail)
    expect(ruled.events.map(({ type }) => type)).toEqual(['request.voted', 'grant.issued'])
    expect(ruled.result.request.status).toBe('approved')
    expect(ruled.result.grant).toMatchObject({
      digest,
      startsAt: T0,
      expiresAt: T0 + HOUR,
      holder: ALICE,
    })
    book.add(ruled.events)
    expect(book.state.requests.get(id)).toEqual(ruled.result.request)
    expect(vote(DAVE)).toBe('closed')
  })

  it.each<[string, Person, string]>([
    ['of the requester', ALICE, 'self_approval'],
    ['of another account of theirs', person('al', ['role:approver'], 'alice'), 'self_approval'],
    ['of the account with another key', person('alice', ['role:approver'], 'x'), 'self_approval'],
    ['of nobody known', { ...BOB, person: 'person:' }, 'person_unknown'],
    ['of somebody else', person('eve'), 'not_eligible'],
  ])('%s does not count', (_name, by, code) => {
    const { create, vote, book } = scene()
    create()
    expect(vote(by)).toBe(code)
    expect([...book.state.requests.values()][0]?.votes).toEqual([])
  })

  it('counts once for a person, whichever account is used', () => {
    const { create, vote, grants } = scene()
    create()
    expect(vote(BOB)).toBe('done')
    expect(vote(BOB)).toBe('already_done')
    expect(vote(person('bobby', ['role:approver'], 'bob'))).toBe('already_done')
    expect(grants()).toEqual([])
  })

  it('counts for one requirement only, whichever order people come in', () => {
    const rules = {
      r: rule({
        require: [
          { count: 1, from: ['role:approver'] },
          { count: 1, from: ['role:approver', 'group:stewards'] },
        ],
      }),
    }
    const both = person('erin', ['role:approver', 'group:stewards'])
    const { create, vote, grants } = scene({ rules })
    create()
    expect(vote(both)).toBe('done')
    expect(grants()).toEqual([])
    expect(vote(DAVE)).toBe('done')
    expect(grants()).toHaveLength(1)
  })

  it('denies where the rules let it, and only those who could approve', () => {
    const open = scene()
    open.create()
    expect(open.vote(person('eve'), { decision: 'deny' })).toBe('not_eligible')
    expect(open.vote(BOB, { decision: 'deny', comment: 'not now' })).toBe('done')
    expect([...open.book.state.requests.values()][0]).toMatchObject({
      status: 'denied',
      closed: { by: BOB.id, reason: 'not now' },
    })
    const closed = scene({ rules: { r: rule({ deny: 'nobody' }) } })
    closed.create()
    expect(closed.vote(BOB, { decision: 'deny' })).toBe('not_eligible')
  })

  it('needs what the filter asks of the call', () => {
    const rules = { r: rule({ require: [{ count: 1, from: ['role:approver'], filter: 'mfa' }] }) }
    const without = scene({ rules })
    without.create()
    expect(without.vote(BOB)).toBe('not_eligible')
    const held = scene({ rules, filters: ['mfa'] })
    held.create()
    expect(held.vote(BOB)).toBe('done')
    expect(held.grants()).toHaveLength(1)
  })

  it('narrows, and never widens', () => {
    const terms = { ...ask().terms, usesMax: 5, networks: ['10.0.0.0/8'], devices: ['a', 'b'] }
    const { create, vote, grants } = scene()
    create({ terms })
    for (const narrowing of [
      { durationMs: 2 * HOUR },
      { usesMax: 6 },
      { networks: ['192.0.2.0/24'] },
      { networks: ['10.0.0.0/7'] },
      { devices: ['c'] },
    ]) {
      expect(vote(BOB, { narrowing })).toMatch(/over_bounds|invalid/)
    }
    expect(vote(BOB, { narrowing: { durationMs: MINUTE, networks: ['10.1.0.0/16'] } })).toBe('done')
    const rest = { usesMax: 1, networks: ['10.1.2.0/24', '10.9.0.0/16'], devices: ['b'] }
    expect(vote(CAROL, { narrowing: rest })).toBe('done')
    expect(grants()[0]?.terms).toMatchObject({
      durationMs: MINUTE,
      usesMax: 1,
      networks: ['10.1.2.0/24'],
      devices: ['b'],
    })
    expect(grants()[0]?.expiresAt).toBe(T0 + MINUTE)
  })

  it('leaves something', () => {
    const { create, vote, grants } = scene()
    create()
    expect(vote(BOB, { narrowing: { devices: ['a'] } })).toBe('done')
    expect(vote(CAROL, { narrowing: { devices: ['b'] } })).toBe('over_bounds')
    expect(grants()).toEqual([])
  })

  it('of somebody who is locked out does not count', () => {
    for (const target of [
      { kind: 'user', id: BOB.id },
      { kind: 'person', id: BOB.person },
      { kind: 'role', id: 'role:approver' },
    ] as const) {
      const { book, create, vote } = scene()
      create()
      book.add([lockOn(target)])
      expect(vote(BOB)).toBe('not_eligible')
    }
  })

  it('does not give anything to who is locked out', () => {
    const { book, create, vote, grants } = scene()
    create()
    expect(vote(BOB)).toBe('done')
    book.add([lockOn({ kind: 'user', id: ALICE.id })])
    expect(vote(CAROL)).toBe('not_eligible')
    expect(grants()).toEqual([])
  })
})
