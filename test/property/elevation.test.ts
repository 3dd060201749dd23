/** Whatever people do in whatever order: no grant without those who had to agree to it. */
import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { isDeclined, type Command } from '../../gateway/access/command.ts'
import { grantStands } from '../../gateway/access/elevation/stands.ts'
import {
  cancelRequest,
  createRequest,
  editRequest,
} from '../../gateway/access/elevation/request.ts'
import { revokeGrant } from '../../gateway/access/elevation/revoke.ts'
import { voteOn } from '../../gateway/access/elevation/vote.ts'
import type { ElevationGrant } from '../../gateway/access/elevation.ts'
import { fold } from '../../gateway/access/fold/fold.ts'
import { readSnapshot, snapshotText } from '../../gateway/access/snapshot.ts'
import { ask, depsOf, HOUR, journal, MINUTE, person, rule } from '../support/elevation.ts'

// Accounts 0 and 1 are one person; 2 and 3 have the same account name and other keys.
const PEOPLE = [
  person('a', ['role:approver'], 'ann'),
  person('b', ['role:approver', 'group:stewards'], 'ann'),
  person('c', ['role:approver'], 'cat'),
  person('c', ['role:approver'], 'cut'),
  person('d', ['group:stewards'], 'dan'),
  person('e', ['role:approver', 'group:stewards'], 'eve'),
  person('f', [], 'fox'),
  { ...person('g', ['role:approver', 'group:stewards']), person: '' },
]

const RULES = [
  { r: rule({ request_ttl: '1h' }) },
  {
    r: rule({
      request_ttl: '1h',
      require: [
        { count: 1, from: ['role:approver'] },
        { count: 1, from: ['group:stewards'], filter: 'mfa' },
      ],
    }),
  },
  { r: rule({ request_ttl: '1h', require: [{ count: 1, from: ['role:approver'] }] }) },
]
const DEPS = RULES.flatMap((rules) => [depsOf({ rules }), depsOf({ rules, filters: ['mfa'] })])

const step = fc.record({
  what: fc.constantFrom(
    'create',
    'edit',
    'vote',
    'vote',
    'vote',
    'deny',
    'cancel',
    'revoke',
    'wait',
  ),
  who: fc.nat({ max: PEOPLE.length - 1 }),
  deps: fc.nat({ max: DEPS.length - 1 }),
  which: fc.nat({ max: 3 }),
  old: fc.nat({ max: 5 }),
  amount: fc.integer({ min: 1, max: 90 }),
})
type Step = Record<'who' | 'deps' | 'which' | 'old' | 'amount', number> & { what: string }

type Book = ReturnType<typeof journal>

/** The command of a step; `undefined` when it is to wait, or of nobody. */
function commandOf(
  { what, who, deps: d, which, old, amount }: Step,
  book: Book,
  digests: readonly string[],
): Command<unknown> | undefined {
  const [by = ask().by, deps = depsOf()] = [PEOPLE[who], DEPS[d]]
  const requests = [...book.state.requests.values()]
  const { id, digest: newest } = requests[which % Math.max(1, requests.length)] ?? NONE
  const digest = old === 0 ? (digests[which] ?? '') : newest
  const terms = { ...ask().terms, durationMs: amount * MINUTE, usesMax: amount }
  const narrowing = { durationMs: amount * MINUTE }
  const { reasons } = ask()
  const approval = { id, by, digest, decision: 'approve' } as const
  const newId = `req-${book.state.seq}`
  const commands: Record<string, Command<unknown>> = {
    create: createRequest(deps, ask({ newId, by, terms })),
    edit: editRequest(deps, { id, by, terms, reasons }),
    vote: voteOn(deps, old > 2 ? { ...approval, narrowing } : approval),
    deny: voteOn(deps, { id, by, digest, decision: 'deny' }),
    cancel: cancelRequest(deps, { id, by, reason: 'x' }),
    revoke: revokeGrant(deps, { id: id.replace('req', 'grant'), by, reason: 'x' }),
  }
  return commands[what]
}

const NONE = { id: 'req-none', digest: '' }

function played(steps: readonly Step[]) {
  const book = journal()
  const issued: { grant: ElevationGrant; at: number; wanted: number }[] = []
  const digests: string[] = []
  for (const step of steps) {
    const deps = DEPS[step.deps] ?? depsOf()
    const wanted = deps.rules.rules[0]?.require.reduce((sum, one) => sum + one.count, 0) ?? 9
    const command = commandOf(step, book, digests)
    if (command === undefined) book.later(step.amount * MINUTE)
    const ruled = command?.(book.state, book.now)
    if (ruled === undefined || isDeclined(ruled)) continue
    book.add(ruled.events)
    for (const event of ruled.events) {
      if ('request' in event) digests.push(event.request.digest)
      if (event.type !== 'grant.issued') continue
      issued.push({ grant: event.grant, at: book.now, wanted })
      expect(grantStands(event.grant, book.state, deps, book.now)).toBe(true)
    }
  }
  return { book, issued }
}

describe('whatever people do', () => {
  it('no grant is there without so many others who agreed to this very version', () => {
    let seen = 0
    fc.assert(
      fc.property(fc.array(step, { minLength: 10, maxLength: 60 }), (steps) => {
        const { book, issued } = played(steps)
        for (const { grant, at, wanted } of issued) {
          seen += 1
          const request = book.state.requests.get(grant.request)
          if (request === undefined) throw new Error('a grant without request')
          const captured = request.demands[0]?.requirements.reduce((sum, one) => sum + one.count, 0)
          const persons = new Set(grant.votes.map(({ by }) => by.person))
          const accounts = new Set(grant.votes.map(({ by }) => by.id))
          expect(persons.size).toBeGreaterThanOrEqual(Math.max(wanted, captured ?? 9))
          expect(accounts.size).toBe(persons.size)
          expect(persons.has(grant.holder.person)).toBe(false)
          expect(accounts.has(grant.holder.id)).toBe(false)
          expect(persons.has('')).toBe(false)
          expect(grant.votes.every(({ digest }) => digest === grant.digest)).toBe(true)
          expect(grant.digest).toBe(request.digest)
          expect(at).toBeLessThan(request.expiresAt)
          expect(grant.terms.durationMs).toBeLessThanOrEqual(request.terms.durationMs)
          expect(grant.expiresAt - grant.startsAt).toBeLessThanOrEqual(grant.terms.durationMs)
          for (const { narrowing } of grant.votes) {
            expect(grant.terms.durationMs).toBeLessThanOrEqual(narrowing?.durationMs ?? 8 * HOUR)
          }
          expect(request.status).toBe('approved')
        }
        // A state as text is the same state, and goes on in the same way.
        const again = readSnapshot(snapshotText(book.state))
        expect(again).toEqual(book.state)
        const next = { type: 'person.seen', person: PEOPLE[0] ?? person('x') } as const
        const entry = { v: 1, seq: book.state.seq + 1, at: book.now, event: next }
        expect(fold(again, [entry])).toEqual(fold(book.state, [entry]))
      }),
      { numRuns: 300 },
    )
    expect(seen).toBeGreaterThan(20)
  })
})
