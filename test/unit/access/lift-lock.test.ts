import { describe, expect, it } from '@jest/globals'
import type { Lock, LockTarget } from '../../../gateway/access/lock.ts'
import { liftLock } from '../../../gateway/access/locks/lift-lock.ts'
import { LOCKS_MAX, LOCKS_ON_ONE_MAX, setLock } from '../../../gateway/access/locks/set-lock.ts'
import { createLockIndex } from '../../../gateway/access/locks/lock-index.ts'
import { emptyState } from '../../../gateway/access/state.ts'
import {
  askFor,
  factsOf,
  LOCKED_AT,
  lockId,
  lockMap,
  lockOf,
  MALLORY,
} from '../../support/locks.ts'

const PEOPLE = new Map(
  ['user:corp/mallory', 'user:partner/m'].map((id) => [
    id,
    { id, person: 'person:e-7', holds: [] },
  ]),
)

function lift(target: LockTarget) {
  const lock = lockOf(target, { actions: ['export'] })
  const state = { ...emptyState('e'), locks: lockMap(lock), people: PEOPLE }
  const holds = ['group:science', 'role:reader', 'corp jti-1', 'corp sid-1']
  const holdingsOf = () => new Set<string>()
  const who = { by: MALLORY.id, person: 'person:e-7', holds, holdingsOf }
  return liftLock({ id: lock.id, ...who, reason: 'over', secondPerson: false })(state, LOCKED_AT)
}

describe('a lock that is on whoever wants it lifted', () => {
  it.each<[LockTarget]>([
    [{ kind: 'user', id: MALLORY.id }],
    [{ kind: 'user', id: 'user:partner/m' }],
    [{ kind: 'issued-before', subject: MALLORY.id, before: LOCKED_AT }],
    [{ kind: 'person', id: 'person:e-7' }],
    [{ kind: 'group', id: 'group:science' }],
    [{ kind: 'role', id: 'role:reader' }],
    [{ kind: 'token', issuer: 'corp', id: 'jti-1' }],
    [{ kind: 'session', issuer: 'corp', id: 'sid-1' }],
  ])('stays, though it is for other actions: %j', (target) => {
    expect(lift(target)).toMatchObject({ declined: 'not_eligible' })
  })

  it.each<[LockTarget]>([
    [{ kind: 'user', id: 'user:corp/other' }],
    [{ kind: 'model', id: 'model:fraud' }],
    [{ kind: 'all' }],
  ])('is lifted when it is on something else: %j', (target) => {
    expect(lift(target)).toMatchObject({ events: [{ type: 'lock.lifted' }] })
  })
})

describe('many locks of some actions on somebody', () => {
  it('leave room for one of all', () => {
    const target = { kind: 'user', id: MALLORY.id } as const
    const full = (more: Partial<Lock>) =>
      Array.from({ length: LOCKS_ON_ONE_MAX }, (_, n) =>
        lockOf(target, { id: lockId(n + 2), ...more }),
      )
    const few = full({ actions: ['data:write'] })
    const state = { ...emptyState('e'), locks: lockMap(...few) }
    expect(setLock(askFor(target))(state, LOCKED_AT)).toHaveProperty('events')
    const narrow = askFor(target, { actions: ['export'] })
    expect(setLock(narrow)(state, LOCKED_AT)).toMatchObject({ declined: 'too_many' })
    const locked = { ...emptyState('e'), locks: lockMap(...full({})) }
    expect(setLock(askFor(target))(locked, LOCKED_AT)).toMatchObject({ declined: 'too_many' })
  })
})

describe('locks of signals', () => {
  it('take no place from those that operators set', () => {
    const cause = { kind: 'signal', issuer: 'corp', jti: 'j', event: 'logout' } as const
    const many = Array.from({ length: LOCKS_MAX }, (_, n) =>
      lockOf({ kind: 'session', issuer: 'corp', id: `s-${n}` }, { id: lockId(n + 2), cause }),
    )
    const state = { ...emptyState('e'), locks: lockMap(...many) }
    expect(setLock(askFor({ kind: 'all' }))(state, LOCKED_AT)).toHaveProperty('events')
    const own = {
      ...emptyState('e'),
      locks: lockMap(...many.map((one) => ({ ...one, cause: { kind: 'operator' } as const }))),
    }
    expect(setLock(askFor({ kind: 'all' }))(own, LOCKED_AT)).toMatchObject({ declined: 'too_many' })
  })
})

describe('a lock on a version', () => {
  const find = (locked: string, version: string) => {
    const index = createLockIndex(lockMap(lockOf({ kind: 'version', id: `model:m@${locked}` })))
    const resource = { kind: 'model', name: 'm', version } as const
    return (
      index.find(factsOf({ operations: [{ action: 'infer', resource }] }), LOCKED_AT) !== undefined
    )
  }
  it.each([
    ['7', '7', true],
    ['7', 'stable', true],
    ['7', '8', false],
    ['stable', 'stable', true],
    ['stable', 'canary', false],
    ['stable', '7', false],
  ])('of number or name %s asked for as %s: %s', (locked, version, isLocked) => {
    expect(find(locked, version)).toBe(isLocked)
  })
})
