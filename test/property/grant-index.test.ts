import { describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { createGrantIndex } from '../../gateway/access/elevation/grant-index.ts'
import { grantStands } from '../../gateway/access/elevation/stands.ts'
import type { AccessEvent } from '../../gateway/access/events.ts'
import { fold } from '../../gateway/access/fold/fold.ts'
import { emptyState, type AccessState } from '../../gateway/access/state.ts'
import { BOB, CAROL, depsOf, HOUR, lockOn, MINUTE, person, T0 } from '../support/elevation.ts'
import { callerOf, exportAsk, grantOf } from '../support/many-grants.ts'

/** Two holders, three models: collisions are what is looked for. */
const HOLDERS = ['al', 'bo'] as const
const MODELS = [0, 1, 2] as const

interface Step {
  readonly events: readonly AccessEvent[]
  readonly ms: number
}

const issued = fc
  .record({
    number: fc.nat({ max: 9 }),
    holder: fc.constantFrom(...HOLDERS),
    model: fc.constantFrom(...MODELS),
    version: fc.option(fc.constantFrom('1', '2')),
    minutes: fc.integer({ min: 1, max: 90 }),
    sealed: fc.boolean(),
  })
  .map(({ number, holder, model, version, minutes, sealed }): AccessEvent => {
    const by = person(holder, ['role:ml-engineer'])
    const plain = grantOf(number)
    const resources = [`model:m-${model}${version === null ? '' : `@${version}`}`]
    const grant = {
      ...plain,
      holder: by,
      terms: { ...plain.terms, holder: by.id, resources },
      expiresAt: T0 + minutes * MINUTE,
      ...(sealed ? { sealed: {} } : {}),
    }
    return { type: 'grant.issued', grant }
  })

const idOf = (number: number) => grantOf(number).id
const changed = fc
  .record({ number: fc.nat({ max: 9 }), opened: fc.boolean() })
  .map(({ number, opened }): AccessEvent => {
    const id = idOf(number)
    if (!opened) return { type: 'grant.revoked', id, by: 'user:corp/x', reason: 'r' }
    const times = { openedAt: T0, expiresAt: T0 + HOUR }
    return { type: 'grant.opened', id, ...times, by: 'user:corp/x', reason: 'r' }
  })

const seen = fc
  .record({ who: fc.constantFrom(BOB, CAROL, person('al')), holds: fc.boolean() })
  .map(({ who, holds }): AccessEvent => {
    const now = { ...who, holds: holds ? ['role:approver'] : [] }
    return { type: 'person.seen', person: now }
  })

const locked = fc
  .record({
    who: fc.constantFrom(BOB.id, CAROL.id, 'user:corp/al', 'role:approver'),
    minutes: fc.option(fc.integer({ min: 1, max: 60 })),
  })
  .map(({ who, minutes }): AccessEvent => {
    const kind = who.startsWith('role:') ? 'role' : 'user'
    const more = minutes === null ? {} : { expiresAt: T0 + minutes * MINUTE }
    return lockOn({ kind, id: who }, { id: `lock-${who}-${minutes ?? 0}`, ...more })
  })

const lifted = fc
  .constantFrom(BOB.id, CAROL.id, 'user:corp/al', 'role:approver')
  .map((who): AccessEvent => ({ type: 'lock.lifted', id: `lock-${who}-0`, by: ['x'], reason: 'r' }))

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    events: fc.array(
      fc.oneof(
        { weight: 4, arbitrary: issued },
        { weight: 2, arbitrary: changed },
        { weight: 1, arbitrary: seen },
        { weight: 1, arbitrary: locked },
        { weight: 1, arbitrary: lifted },
      ),
      { maxLength: 4 },
    ),
    ms: fc.integer({ min: 0, max: 20 * MINUTE }),
  }),
  { maxLength: 12 },
)

describe('the index of grants', () => {
  // Every change is asked about: an answer of before that is kept too long would be found.
  it('finds what looking through all of them finds, whatever changes', () => {
    fc.assert(
      fc.property(steps, (list) => {
        const deps = depsOf()
        const index = createGrantIndex(() => deps)
        let state = emptyState('e')
        let now = T0
        for (const { events, ms } of list) {
          now += ms
          state = fold(
            state,
            events.map((event, i) => ({ v: 1, event, seq: state.seq + 1 + i, at: now })),
          )
          for (const holder of HOLDERS) {
            for (const model of MODELS) {
              const ask = { ...exportAsk(callerOf(holder), model), now }
              expect(index.find(state, ask).grant?.id).toBe(scan(state, deps, ask))
            }
          }
        }
      }),
      { numRuns: 300 },
    )
  })
})

/** The grant that fits, by looking at every one. */
function scan(
  state: AccessState,
  deps: ReturnType<typeof depsOf>,
  { subject, operations, now }: ReturnType<typeof exportAsk>,
): string | undefined {
  const name = `model:${operations[0]?.resource.name ?? ''}`
  const fits = [...state.grants.values()].filter(
    (one) =>
      one.terms.holder === subject.id &&
      one.terms.resources.includes(name) &&
      one.revoked === undefined &&
      (one.sealed === undefined || one.sealed.openedAt !== undefined) &&
      one.startsAt <= now &&
      now < one.expiresAt &&
      grantStands(one, state, deps, now) === true,
  )
  return fits.sort((a, b) => a.expiresAt - b.expiresAt || (a.id < b.id ? -1 : 1))[0]?.id
}
