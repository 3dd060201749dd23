/** Who lifts a lock: never whom it is on, by whatever account or role; and two are two people. */
import { describe, expect, it } from '@jest/globals'
import { isDeclined } from '../../../gateway/access/command.ts'
import type { AccessEvent } from '../../../gateway/access/events.ts'
import type { LockTarget } from '../../../gateway/access/lock.ts'
import { LIFT_ASK_MS, liftLock } from '../../../gateway/access/locks/lift-lock.ts'
import { setLock } from '../../../gateway/access/locks/set-lock.ts'
import type { Person } from '../../../gateway/access/person.ts'
import { createHoldings } from '../../../gateway/pdp/policy/role-links.ts'
import { journal, person } from '../../support/elevation.ts'
import { askFor, lockId, MALLORY as SUBJECT } from '../../support/locks.ts'

/** Groups in groups and roles of roles, as `g` rows say. */
const holdings = createHoldings(
  [
    ['group:night-shift', 'group:operators'],
    ['group:operators', 'role:operator'],
    ['role:operator', 'role:reader'],
  ].map(([member = '', role = ''], line) => ({ member, role, line, column: 1 })),
)
const holdingsOf = ({ id, holds }: Person): ReadonlySet<string> =>
  holdings({ ...SUBJECT, id, groups: holds, roles: [] })

const MALLORY = person('mallory', ['group:night-shift'], 'm')
const HER_OTHER = person('m-admin', ['group:admins'], 'm')
const OLGA = person('olga', ['group:admins'])
const OLGA_AGAIN = person('olga-2', ['group:admins'], 'olga')
const PETER = person('peter', ['group:admins'])

interface Who extends Omit<Person, 'person'> {
  readonly person?: string
}

function scene(target: LockTarget, { seen = [MALLORY], secondPerson = true } = {}) {
  const book = journal()
  book.add(seen.map((one): AccessEvent => ({ type: 'person.seen', person: one })))
  // Of some actions only, so that who is locked reaches the control API at all.
  book.done(setLock(askFor(target, { actions: ['export'], by: OLGA.id, person: OLGA.person })))
  const lift = ({ id: by, holds, ...who }: Who) => {
    const ask = { id: lockId(1), by, ...who, holds, holdingsOf, reason: 'over', secondPerson }
    const ruled = liftLock(ask)(book.state, book.now)
    if (isDeclined(ruled)) return ruled.declined
    book.add(ruled.events)
    return ruled.events[0]?.type
  }
  return { book, lift }
}

describe.each([true, false])('a lock that is on who wants it lifted (two people: %s)', (two) => {
  it.each<[string, LockTarget]>([
    ['the account', { kind: 'user', id: MALLORY.id }],
    ['what was issued to the account', { kind: 'issued-before', subject: MALLORY.id, before: 1 }],
    ['the person', { kind: 'person', id: MALLORY.person }],
    ['the group of the token', { kind: 'group', id: 'group:night-shift' }],
    ['a group that the group is in', { kind: 'group', id: 'group:operators' }],
    ['a role of that group', { kind: 'role', id: 'role:operator' }],
    ['a role of that role', { kind: 'role', id: 'role:reader' }],
  ])('stays, by this account and by the other one: %s', (_what, target) => {
    for (const who of [MALLORY, HER_OTHER]) {
      const { lift, book } = scene(target, { secondPerson: two })
      expect(lift(who)).toBe('not_eligible')
      expect(book.state.locks.get(lockId(1))).not.toHaveProperty('liftAsked')
    }
    expect(scene(target, { secondPerson: two }).lift(PETER)).toMatch(/^lock\./)
  })

  it.each<[string, LockTarget]>([
    ['a person', { kind: 'person', id: MALLORY.person }],
    ['an account of a known person', { kind: 'user', id: MALLORY.id }],
  ])('stays when the token does not say who it is of, and it is on %s', (_what, target) => {
    const nobody = { id: 'user:corp/who', holds: ['group:admins'] }
    expect(scene(target, { secondPerson: two }).lift(nobody)).toBe('person_unknown')
  })

  it('is lifted by anyone when it is on everybody', () => {
    const target = { kind: 'role', id: 'role:anyone' } as const
    expect(scene(target, { secondPerson: two }).lift(MALLORY)).toMatch(/^lock\./)
  })

  it('is known by the locks that another account has set', () => {
    const { lift, book } = scene({ kind: 'user', id: HER_OTHER.id }, { secondPerson: two })
    expect(lift(MALLORY)).toMatch(/^lock\./)
    const again = scene({ kind: 'user', id: HER_OTHER.id }, { secondPerson: two })
    const { id: by, person: key } = HER_OTHER
    const device = { kind: 'device', id: 'd' } as const
    again.book.done(setLock(askFor(device, { id: lockId(2), by, person: key })))
    expect(again.lift(MALLORY)).toBe('not_eligible')
    expect(book.state.locks.size).toBe(1)
  })
})

describe('two who lift a lock', () => {
  const ON: LockTarget = { kind: 'user', id: MALLORY.id }

  it('are two people, whichever accounts they use; who set it may be one of them', () => {
    const { lift } = scene(ON)
    expect([OLGA, OLGA, OLGA_AGAIN].map(lift)).toEqual([
      'lock.lift-asked',
      'second_person',
      'second_person',
    ])
    // The same account, given to somebody else since.
    expect(lift({ ...OLGA, person: 'person:new' })).toBe('second_person')
    expect(lift(PETER)).toBe('lock.lifted')
  })

  it('are never one who set it', () => {
    const { lift, book } = scene(ON)
    expect([lift(OLGA_AGAIN), lift(OLGA)]).toEqual(['lock.lift-asked', 'second_person'])
    expect(book.state.locks.get(lockId(1))).not.toHaveProperty('lifted')
  })

  it('ask within a day of one another', () => {
    const { lift, book } = scene(ON)
    expect(lift(OLGA)).toBe('lock.lift-asked')
    book.later(LIFT_ASK_MS)
    expect(lift(PETER)).toBe('lock.lift-asked')
    expect(lift(OLGA)).toBe('lock.lifted')
  })

  it.each<[string, LockTarget]>([
    ['the account', { kind: 'user', id: OLGA.id }],
    ['the person', { kind: 'person', id: OLGA.person }],
    ['a role by way of others', { kind: 'role', id: 'role:operator' }],
  ])('do not count when the first is locked out by the time of the second: %s', (_what, target) => {
    const first = { ...OLGA, holds: ['group:night-shift'] }
    const { lift, book } = scene(ON, { seen: [MALLORY, first] })
    expect(lift(first)).toBe('lock.lift-asked')
    book.done(setLock(askFor(target, { id: lockId(2) })))
    expect(lift(PETER)).toBe('lock.lift-asked')
    expect(lift(person('quinn'))).toBe('lock.lifted')
  })
})
