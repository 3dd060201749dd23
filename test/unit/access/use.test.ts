/** What a grant is worth when it is made use of, and how it is found. */
import { describe, expect, it } from '@jest/globals'
import { createGrantIndex } from '../../../gateway/access/elevation/grant-index.ts'
import { grantStands } from '../../../gateway/access/elevation/stands.ts'
import type { ElevationGrant } from '../../../gateway/access/elevation.ts'
import type { AccessState } from '../../../gateway/access/state.ts'
import type { GrantAsk } from '../../../gateway/domain/ports.ts'
import type { Subject } from '../../../gateway/domain/subject.ts'
import {
  ALICE,
  ask,
  BOB,
  CAROL,
  DAVE,
  depsOf,
  HOUR,
  lockOn,
  person,
  rule,
  scene,
  T0,
  type Given,
} from '../../support/elevation.ts'

const SUBJECT: Subject = {
  id: ALICE.id,
  issuer: 'https://idp.test',
  issuerName: 'corp',
  groups: [],
  roles: [],
  person: ALICE.person,
  issuedAt: 0,
  expiresAt: 8.64e15,
  authentication: {},
  claims: new Map(),
}

const use = (more: Partial<GrantAsk> = {}): GrantAsk => ({
  subject: SUBJECT,
  operations: [{ action: 'export', resource: { kind: 'model', name: 'fraud' } }],
  now: T0,
  ...more,
})

function granted(given: Given = {}, terms: Partial<ElevationGrant['terms']> = {}) {
  const made = scene(given)
  made.create({ terms: { ...ask().terms, ...terms } })
  made.vote(BOB)
  made.vote(CAROL)
  const [grant] = made.grants()
  if (grant === undefined) throw new Error('nothing was granted')
  return { ...made, grant }
}

describe('a grant stands', () => {
  it('as long as those who agreed may still do so', () => {
    const { book, deps, grant } = granted()
    const stands = () => grantStands(grant, book.state, deps, book.now)
    expect(stands()).toBe(true)
    book.add([{ type: 'person.seen', person: { ...BOB, holds: ['group:other'] } }])
    expect(stands()).toBe('approver_missing')
    book.add([{ type: 'person.seen', person: BOB }])
    expect(stands()).toBe(true)
    book.add([{ type: 'person.seen', person: { ...BOB, person: 'person:new' } }])
    expect(stands()).toBe('approver_missing')
  })

  it('unless one of them, or its holder, is locked out', () => {
    for (const [target, fault] of [
      [{ kind: 'user', id: CAROL.id }, 'approver_missing'],
      [{ kind: 'person', id: CAROL.person }, 'approver_missing'],
      [{ kind: 'user', id: ALICE.id }, 'holder_locked'],
      [{ kind: 'role', id: 'role:ml-engineer' }, 'holder_locked'],
    ] as const) {
      const { book, deps, grant } = granted()
      book.add([lockOn(target, { expiresAt: T0 + 10 })])
      expect(grantStands(grant, book.state, deps, T0)).toBe(fault)
      expect(grantStands(grant, book.state, deps, T0 + 10)).toBe(true)
    }
    const { book, deps, grant } = granted()
    book.add([lockOn({ kind: 'user', id: ALICE.id }, { actions: ['infer'] })])
    expect(grantStands(grant, book.state, deps, T0)).toBe(true)
    book.add([lockOn({ kind: 'user', id: ALICE.id }, { actions: ['export'] })])
    expect(grantStands(grant, book.state, deps, T0)).toBe('holder_locked')
  })

  it('by the rules in force as well as by those of then', () => {
    const { book, grant } = granted()
    const under = (rules: Record<string, unknown>) =>
      grantStands(grant, book.state, depsOf({ rules }), T0)
    expect(under({ r: rule({ require: [{ count: 1, from: ['role:approver'] }] }) })).toBe(true)
    expect(under({ r: rule({ require: [{ count: 3, from: ['role:approver'] }] }) })).toBe(
      'approver_missing',
    )
    expect(under({ r: rule(), s: rule({ require: [{ from: ['group:stewards'] }] }) })).toBe(
      'approver_missing',
    )
    expect(under({})).toBe('no_approval_rule')
    expect(under({ r: rule({ who_may_ask: ['group:x'] }) })).toBe('may_not_ask')
  })

  it('without people only where the rules still want none', () => {
    const auto = { when: 'mfa', rate: { count: 9, per: '1h' } }
    const { book, deps, create } = scene({ rules: { r: rule({ auto }) }, filters: ['mfa'] })
    const { grant } = create()
    if (grant === undefined) throw new Error('nothing was granted')
    expect(grantStands(grant, book.state, deps, T0)).toBe(true)
    expect(grantStands(grant, book.state, depsOf(), T0)).toBe('not_automatic')
  })
})

describe('people who agreed', () => {
  // A request says who made it as they were then; what was heard of them since is newer.
  it('do not get back what they lost when an older request of theirs is granted', () => {
    const { book, deps, create, vote, grants } = scene()
    const { id, digest } = create({ by: BOB, newId: `req-${'1'.repeat(26)}` }).request
    create()
    expect([vote(BOB), vote(CAROL)]).toEqual(['done', 'done'])
    const [grant] = grants()
    if (grant === undefined) throw new Error('nothing was granted')
    const stands = () => grantStands(grant, book.state, deps, T0)
    expect(stands()).toBe(true)
    book.add([{ type: 'person.seen', person: { ...BOB, holds: [] } }])
    expect(stands()).toBe('approver_missing')
    const others = [CAROL, person('erin', ['role:approver'])]
    expect(others.map((by) => vote(by, { id, digest }))).toEqual(['done', 'done'])
    expect(grants()).toHaveLength(2)
    expect(book.state.people.get(BOB.id)?.holds).toEqual([])
    expect(stands()).toBe('approver_missing')
  })
})

it('nothing is granted to an account that is another person’s than when it asked', () => {
  const { book, create, vote, grants } = scene()
  create()
  expect(vote(BOB)).toBe('done')
  book.add([{ type: 'person.seen', person: { ...ALICE, person: 'person:other' } }])
  expect(vote(CAROL)).toBe('not_eligible')
  expect(grants()).toEqual([])
  book.add([{ type: 'person.seen', person: ALICE }])
  expect(vote(CAROL)).toBe('done')
  expect(grants()).toHaveLength(1)
})

describe('the index of grants', () => {
  it('for the person it was given to, whoever has the account later', () => {
    const { book, deps, grant } = granted()
    const index = createGrantIndex(() => deps)
    const by = (person?: string) => {
      const { person: own, ...rest } = SUBJECT
      expect(own).toBe(ALICE.person)
      const subject = { ...rest, ...(person === undefined ? {} : { person }) }
      return index.find(book.state, use({ subject }))
    }
    expect(by(ALICE.person).grant?.id).toBe(grant.id)
    for (const other of ['person:mallory', undefined]) {
      expect(by(other).grant).toBeUndefined()
      expect(by(other).hint).toContain('another person')
    }
  })

  it('finds what fits, as the same object every time', () => {
    const { book, deps, grant } = granted({}, { usesMax: 1, bytesMax: 9 })
    const index = createGrantIndex(() => deps)
    const { grant: found } = index.find(book.state, use())
    expect(found).toMatchObject({
      id: grant.id,
      to: [ALICE.id],
      usesMax: 1,
      bytesMax: 9,
      request: grant.request,
      approvals: [
        { by: BOB.id, at: T0 },
        { by: CAROL.id, at: T0 },
      ],
    })
    book.add([{ type: 'person.seen', person: DAVE }])
    expect(index.find(book.state, use()).grant).toBe(found)
    expect(index.find(book.state, use({ named: grant.id })).grant).toBe(found)
  })

  it.each<[string, Partial<GrantAsk>]>([
    ['for somebody else', { subject: { ...SUBJECT, id: 'user:corp/eve' } }],
    [
      'for another action',
      { operations: [{ action: 'deploy', resource: { kind: 'model', name: 'fraud' } }] },
    ],
    [
      'for another model',
      { operations: [{ action: 'export', resource: { kind: 'model', name: 'x' } }] },
    ],
    ['when it is over', { now: T0 + HOUR }],
    ['before it starts', { now: T0 - 1 }],
    ['under another name', { named: 'grant-other' }],
  ])('finds nothing %s', (_name, more) => {
    const { book, deps } = granted()
    expect(createGrantIndex(() => deps).find(book.state, use(more)).grant).toBeUndefined()
  })

  it('says why one that is held does not fit', () => {
    const { book, deps, grant } = granted({}, { networks: ['10.0.0.0/8'], devices: ['d1'] })
    const index = createGrantIndex(() => deps)
    const at = (client?: string, device?: string) => index.find(book.state, use({ client, device }))
    expect(at('10.1.2.3', 'd1').grant).toBeDefined()
    expect(at('192.0.2.1', 'd1').hint).toMatch(/is for 10.0.0.0\/8 alone/)
    expect(at(undefined, 'd1').hint).toMatch(/is for 10.0.0.0\/8 alone/)
    expect(at('10.1.2.3', 'd2').hint).toMatch(/one device alone/)
    expect(at('10.1.2.3').hint).toMatch(/one device alone/)
    book.add([lockOn({ kind: 'user', id: BOB.id })])
    expect(at('10.1.2.3', 'd1').hint).toMatch(/suspended: too few/)
    const operations = [{ action: 'deploy', resource: { kind: 'model', name: 'fraud' } }] as const
    expect(index.find(book.state, use({ operations })).hint).toBeUndefined()
    const named = use({ operations, named: grant.id })
    expect(index.find(book.state, named).hint).toMatch(/does not cover this request/)
  })

  it('follows what is taken back', () => {
    const { book, deps, grant } = granted()
    const index = createGrantIndex(() => deps)
    expect(index.find(book.state, use()).grant).toBeDefined()
    book.add([{ type: 'grant.revoked', id: grant.id, by: 'x', reason: 'y' }])
    expect(index.find(book.state, use()).grant).toBeUndefined()
  })

  it('asks what the token of the caller says too', () => {
    const { book, deps } = granted({ rules: { r: rule({ who_may_ask: ['role:ml-engineer'] }) } })
    const index = createGrantIndex(() => deps)
    expect(index.find(book.state, use(), new Set(['role:ml-engineer'])).grant).toBeDefined()
    expect(index.find(book.state, use(), new Set([ALICE.id])).hint).toMatch(/suspended/)
  })

  it('does not look at the grants of others', () => {
    const { book, grant } = granted()
    let asked = 0
    const deps = depsOf()
    const counted = {
      ...deps,
      holdingsOf: (who: typeof ALICE) => {
        asked += 1
        return deps.holdingsOf(who)
      },
    }
    const grants = new Map<string, ElevationGrant>(book.state.grants)
    for (let i = 0; i < 10_000; i++) {
      const holder = person(`p${i}`)
      const terms = { ...grant.terms, holder: holder.id }
      grants.set(`grant-${i}`, { ...grant, id: `grant-${i}`, holder, terms })
    }
    const state: AccessState = { ...book.state, grants }
    const index = createGrantIndex(() => counted)
    expect(index.find(state, use()).grant?.id).toBe(grant.id)
    expect(asked).toBeLessThan(10)
  })
})
