/** What comes of requests: grants that are given back, and grants that nobody looked at. */
import { describe, expect, it } from '@jest/globals'
import { revokeGrant } from '../../../gateway/access/elevation/revoke.ts'
import {
  ALICE,
  ask,
  BOB,
  CAROL,
  HOUR,
  MINUTE,
  person,
  rule,
  scene,
  T0,
} from '../../support/elevation.ts'

describe('a grant', () => {
  it('of a window ends with the window', () => {
    const { book, create, vote, grants } = scene()
    create({ terms: { ...ask().terms, startsAt: T0 + HOUR } })
    book.later(90 * MINUTE)
    vote(BOB)
    vote(CAROL)
    expect(grants()[0]).toMatchObject({ startsAt: T0 + 90 * MINUTE, expiresAt: T0 + 2 * HOUR })
  })

  it('is given back by its holder, taken back by approvers, and by nobody else', () => {
    for (const [by, code] of [
      [ALICE, 'done'],
      [BOB, 'done'],
      [person('eve'), 'not_eligible'],
    ] as const) {
      const { book, deps, create, vote, grants } = scene()
      create()
      vote(BOB)
      vote(CAROL)
      const id = grants()[0]?.id ?? ''
      expect(book.code(revokeGrant(deps, { id, by, reason: 'done with it' }))).toBe(code)
      if (code === 'done') {
        expect(book.code(revokeGrant(deps, { id, by, reason: 'again' }))).toBe('closed')
      }
    }
  })
})

describe('automatic approval', () => {
  const auto = (more: Record<string, unknown> = {}) =>
    rule({ auto: { when: 'mfa', rate: { count: 2, per: '1h' }, ...more } })

  it('is given so often to a person, and then people have to look', () => {
    const { book, create } = scene({ rules: { r: auto() }, filters: ['mfa'] })
    const grant = (id: string, by = ALICE) => create({ newId: `req-${id}`, by }).grant
    expect(grant('1')).toMatchObject({ auto: 'r', votes: [] })
    book.later(MINUTE)
    expect(grant('2', person('al', ['role:ml-engineer'], 'alice'))).toBeDefined()
    expect(grant('3')).toBeUndefined()
    expect(grant('4', BOB)).toBeDefined()
    book.later(HOUR - MINUTE)
    expect(grant('5')).toBeDefined()
    expect(grant('6')).toBeUndefined()
    expect(book.state.requests.get('req-1')?.status).toBe('approved')
  })

  it('needs its condition, and every rule that matches', () => {
    expect(scene({ rules: { r: auto() } }).create().grant).toBeUndefined()
    const rules = { r: auto(), s: rule() }
    expect(scene({ rules, filters: ['mfa'] }).create().grant).toBeUndefined()
    const both = { r: auto(), s: auto({ grant_ttl_max: '30m' }) }
    expect(scene({ rules: both, filters: ['mfa'] }).create().grant).toBeUndefined()
    const terms = { ...ask().terms, durationMs: MINUTE }
    expect(scene({ rules: both, filters: ['mfa'] }).create({ terms }).grant?.auto).toBe('r,s')
  })
})
