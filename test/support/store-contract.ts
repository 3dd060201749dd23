/** What every store does, whoever keeps it: one suite for memory, embedded and Redis. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { ClaimAsk, HoldAsk, LeaseAsk, SharedStore } from '../../gateway/domain/shared-state.ts'

/** Two stores opened on the same state, as two replicas have them. */
export interface StorePair {
  readonly one: SharedStore
  readonly other: SharedStore
  close(): Promise<void>
}

/** How a kind of store is opened; `now` is its time. */
export type OpenPair = (now: () => number) => Promise<StorePair>

/** Runs the suite. `runs`: random histories of the property test. */
export function storeContract(name: string, open: OpenPair, runs = 40): void {
  describe(`${name}: what every store does`, () => {
    const start = Date.now()
    let now = start
    let pair: StorePair
    let names = 0
    beforeAll(async () => {
      pair = await open(() => now)
    })
    afterAll(() => pair.close())
    const fresh = (): string => `key ${(names += 1)}`
    const ask = (more: Partial<LeaseAsk> = {}): LeaseAsk => ({
      key: fresh(),
      windowMs: 1_600,
      max: 100,
      amount: 10,
      ...more,
    })
    const leaseOf = async (store: SharedStore, one: LeaseAsk) => {
      const [lease] = await store.lease([one])
      if (lease === undefined) throw new Error('no lease')
      return lease
    }

    describe('windows', () => {
      it('gives what is left, to all replicas together', async () => {
        const one = ask({ amount: 60 })
        expect(await leaseOf(pair.one, one)).toEqual({ granted: 60, left: 40, retryAfterMs: 0 })
        const second = await leaseOf(pair.other, one)
        expect(second).toMatchObject({ granted: 40, left: 0 })
        expect(second.retryAfterMs).toBeGreaterThan(1_500)
        expect(second.retryAfterMs).toBeLessThanOrEqual(1_700)
        expect((await leaseOf(pair.one, one)).granted).toBe(0)
      })

      it('gives again when what was given has aged out, and says when', async () => {
        const one = ask({ amount: 100 })
        await pair.one.lease([one])
        const { retryAfterMs } = await leaseOf(pair.one, one)
        now += retryAfterMs - 1
        expect((await leaseOf(pair.other, one)).granted).toBe(0)
        now += 1
        expect((await leaseOf(pair.other, one)).granted).toBe(100)
      })

      it('waits until as much as is missing has aged out', async () => {
        const one = ask({ amount: 10 })
        await pair.one.lease([one])
        now += 500
        await pair.one.lease([{ ...one, amount: 90 }])
        const little = await leaseOf(pair.one, { ...one, amount: 5 })
        const much = await leaseOf(pair.one, { ...one, amount: 50 })
        expect(much.retryAfterMs - little.retryAfterMs).toBe(500)
      })

      it('answers each ask, in order', async () => {
        const [a, b] = [ask({ amount: 7 }), ask({ amount: 200 })]
        const leases = await pair.one.lease([a, b, a])
        expect(leases.map(({ granted }) => granted)).toEqual([7, 100, 7])
      })

      it('keeps windows of different lengths apart, and counts a lower maximum', async () => {
        const one = ask({ amount: 80 })
        await pair.one.lease([one])
        expect((await leaseOf(pair.one, { ...one, windowMs: 3_200 })).granted).toBe(80)
        expect(await leaseOf(pair.one, { ...one, max: 50 })).toMatchObject({ granted: 0, left: 0 })
        expect((await leaseOf(pair.one, { ...one, max: 0 })).retryAfterMs).toBeGreaterThan(0)
      })

      it('counts amounts up to 2^53 exactly', async () => {
        const max = Number.MAX_SAFE_INTEGER
        const one = ask({ max, amount: max - 1 })
        expect(await leaseOf(pair.one, one)).toMatchObject({ granted: max - 1, left: 1 })
        expect((await leaseOf(pair.other, one)).granted).toBe(1)
      })

      it('takes what is given back off, and never from later leases', async () => {
        const one = ask({ amount: 100 })
        await pair.one.lease([one])
        await pair.one.giveBack([{ ...one, amount: 30, heldMs: 0 }])
        expect((await leaseOf(pair.other, one)).granted).toBe(30)
        now += 1_700
        expect((await leaseOf(pair.other, one)).granted).toBe(100)
        // Of a lease that has aged out: the hundred of now stays.
        await pair.one.giveBack([{ ...one, amount: 100, heldMs: 1_701 }])
        expect((await leaseOf(pair.other, one)).granted).toBe(0)
      })

      it('gives back to what nobody leased without harm', async () => {
        const one = ask()
        await pair.one.giveBack([one])
        expect((await leaseOf(pair.one, { ...one, amount: 200 })).granted).toBe(100)
      })

      it('never lets more than the maximum through in any period of its length', async () => {
        const step = fc.record({
          afterMs: fc.oneof(fc.nat(40), fc.nat(400), fc.nat(2_500)),
          amount: fc.nat(60),
          windowMs: fc.constantFrom(100, 160, 1_000),
          back: fc.boolean(),
        })
        await fc.assert(
          fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
            const key = fresh()
            const given: Given[] = []
            for (const { afterMs, amount, windowMs, back } of steps) {
              now += afterMs
              const last = given.at(-1)
              if (back && last !== undefined) {
                const taken = Math.min(amount, last.granted)
                await pair.one.giveBack([{ ...last, key, amount: taken, heldMs: now - last.at }])
                last.granted -= taken
              }
              const store = amount % 2 === 0 ? pair.one : pair.other
              const { granted } = await leaseOf(store, { key, windowMs, max: 100, amount })
              given.push({ at: now, granted, windowMs })
            }
            expect(most(given)).toBeLessThanOrEqual(100)
          }),
          { numRuns: runs },
        )
      })

      it('outlives a clock that steps back', async () => {
        const one = ask({ amount: 100 })
        await pair.one.lease([one])
        const before = now
        now -= 300
        expect((await leaseOf(pair.one, one)).granted).toBe(0)
        now -= 100_000
        expect((await leaseOf(pair.one, { ...one, key: fresh() })).granted).toBe(100)
        expect((await leaseOf(pair.one, { ...one, max: 101 })).granted).toBe(1)
        now += 1_701
        expect((await leaseOf(pair.one, one)).granted).toBe(100)
        now = before
      })
    })

    describe('places', () => {
      const hold = (more: Partial<HoldAsk>): HoldAsk => ({
        key: 'streams',
        holder: 'a',
        places: 3,
        max: 5,
        ttlMs: 1_000,
        ...more,
      })
      it('shares them among holders, and takes those of dead ones back', async () => {
        const key = fresh()
        expect(await pair.one.hold(hold({ key }))).toBe(3)
        expect(await pair.other.hold(hold({ key, holder: 'b' }))).toBe(2)
        expect(await pair.one.hold(hold({ key, places: 1 }))).toBe(1)
        expect(await pair.other.hold(hold({ key, holder: 'b', places: 9 }))).toBe(4)
        now += 999
        expect(await pair.one.hold(hold({ key, places: 5 }))).toBe(1)
        now += 1
        expect(await pair.one.hold(hold({ key, places: 5 }))).toBe(5)
        expect(await pair.one.hold(hold({ key, places: 0 }))).toBe(0)
        expect(await pair.other.hold(hold({ key, holder: 'c', places: 5 }))).toBe(5)
      })
    })

    describe('claims', () => {
      const claim = (more: Partial<ClaimAsk> = {}): ClaimAsk => ({
        grant: fresh(),
        transfer: 't',
        attempt: 'one',
        usesMax: 1,
        expiresAt: now + 60_000,
        ttlMs: 1_000,
        ...more,
      })
      const first = { granted: true, resumed: false, bytesLeft: Infinity, bytesBefore: 0 }

      it('gives one use once, and the same answer to the same attempt', async () => {
        const one = claim()
        expect(await pair.one.claim(one)).toEqual(first)
        expect(await pair.other.claim(one)).toEqual(first)
        expect(await pair.other.claim({ ...one, attempt: 'two' })).toEqual(refused('in-use'))
        const other = { ...one, transfer: 'u', attempt: 'three' }
        expect(await pair.other.claim(other)).toEqual(refused('spent'))
      })

      it('gives one use to one of many who ask at once', async () => {
        const grant = fresh()
        const asks = Array.from({ length: 40 }, (_, i) => {
          const store = i % 2 === 0 ? pair.one : pair.other
          return store.claim(claim({ grant, transfer: `t${i}`, attempt: `a${i}` }))
        })
        const answers = await Promise.all(asks)
        expect(answers.filter(({ granted }) => granted)).toHaveLength(1)
      })

      it('counts a resumed transfer as one use, with the bytes it had', async () => {
        const one = claim({ bytesMax: 1_000 })
        await pair.one.claim(one)
        expect(await pair.one.progress({ ...one, bytes: 300 })).toBe(700)
        await pair.one.release({ ...one, bytes: 100, complete: false })
        const again = await pair.other.claim({ ...one, attempt: 'two' })
        expect(again).toEqual({ granted: true, resumed: true, bytesLeft: 600, bytesBefore: 400 })
        expect(await pair.other.claim({ ...one, attempt: 'two' })).toEqual(again)
        await pair.other.release({ ...one, attempt: 'two', bytes: 100, complete: true })
        expect(await pair.one.claim({ ...one, attempt: 'three' })).toEqual(refused('spent'))
      })

      it('takes an attempt that reports nothing to be dead, and tells it so', async () => {
        const one = claim()
        await pair.one.claim(one)
        now += 900
        expect(await pair.one.progress({ ...one, bytes: 1 })).toBe(Infinity)
        now += 999
        expect(await pair.other.claim({ ...one, attempt: 'two' })).toEqual(refused('in-use'))
        now += 1
        expect(await pair.other.claim({ ...one, attempt: 'two' })).toMatchObject({ resumed: true })
        expect(await pair.one.progress({ ...one, bytes: 5 })).toBe(0)
        await pair.one.release({ ...one, bytes: 0, complete: true })
        expect(await pair.other.progress({ ...one, attempt: 'two', bytes: 1 })).toBe(Infinity)
      })

      it('counts the bytes of all transfers of a grant together', async () => {
        const one = claim({ bytesMax: 100, usesMax: 9 })
        await pair.one.claim(one)
        expect(await pair.one.progress({ ...one, bytes: 60 })).toBe(40)
        const other = { ...one, transfer: 'u', attempt: 'two' }
        expect(await pair.other.claim(other)).toMatchObject({ bytesLeft: 40, bytesBefore: 0 })
        expect(await pair.other.progress({ ...other, bytes: 70 })).toBe(0)
        const third = { ...one, transfer: 'v', attempt: 'three' }
        expect(await pair.one.claim(third)).toEqual(refused('bytes'))
        expect(await pair.one.progress({ ...one, bytes: 0 })).toBe(0)
      })

      it('ends with the grant', async () => {
        const one = claim({ expiresAt: now + 500 })
        await pair.one.claim(one)
        now += 500
        expect(await pair.one.progress({ ...one, bytes: 5 })).toBe(0)
        expect(await pair.one.claim(one)).toEqual(refused('expired'))
        expect(await pair.one.claim({ ...one, expiresAt: now + 9 })).toMatchObject({
          granted: true,
        })
      })

      it('that is used up stays so when it is given a later end', async () => {
        const one = claim({ expiresAt: now + 500 })
        await pair.one.claim(one)
        await pair.one.release({ ...one, bytes: 5, complete: true })
        now += 30 * 86_400_000
        const later = { ...one, attempt: 'two', expiresAt: now + 60_000 }
        expect(await pair.other.claim(later)).toEqual(refused('spent'))
      })

      it('has any number of uses without a limit', async () => {
        const grant = fresh()
        const { expiresAt, ttlMs } = claim()
        for (let i = 0; i < 5; i++) {
          const next = { grant, transfer: `t${i}`, attempt: `a${i}`, expiresAt, ttlMs }
          expect(await pair.one.claim(next)).toEqual(first)
        }
      })

      it('answers nothing good for what was never claimed', async () => {
        const one = { ...claim(), bytes: 5 }
        expect(await pair.one.progress(one)).toBe(0)
        await pair.one.release({ ...one, complete: true })
        expect(await pair.one.claim(one)).toEqual(first)
      })
    })

    describe('lockouts', () => {
      it('lists who is kept out, the latest to end first, on every replica', async () => {
        const [a, b] = [`user:${fresh()}`, `user:${fresh()}`]
        await pair.one.lock(a, 1_000, 'd1')
        await pair.other.lock(b, 2_000, 'd2')
        const expected = [
          { subject: b, until: now + 2_000, decisionId: 'd2' },
          { subject: a, until: now + 1_000, decisionId: 'd1' },
        ]
        expect(await pair.one.lockouts()).toEqual(expected)
        expect(await pair.other.lockouts()).toEqual(expected)
        // A shorter one does not take the longer one's place.
        await pair.one.lock(b, 10, 'd3')
        expect(await pair.one.lockouts()).toEqual(expected)
        now += 1_000
        expect(await pair.one.lockouts()).toEqual(expected.slice(0, 1))
        await pair.one.unlock(b)
        expect(await pair.other.lockouts()).toEqual([])
        await pair.one.unlock('user:nobody')
      })
    })

    describe('hostile names', () => {
      const HOSTILE = [
        '\0',
        'a\r\nSET x 1\r\n',
        '{tag}',
        '*:?[a]',
        'x'.repeat(2_048),
        '\ud800',
        '__proto__',
        '',
      ]
      it('keeps each apart from every other', async () => {
        for (const name of HOSTILE) {
          const one = ask({ key: name, max: 10 })
          expect((await leaseOf(pair.one, one)).granted).toBe(10)
          expect((await leaseOf(pair.other, one)).granted).toBe(0)
        }
        const [left, right] = [ask({ key: '\ud801' }), ask({ key: '\ud802' })]
        expect((await leaseOf(pair.one, { ...left, amount: 100 })).granted).toBe(100)
        expect((await leaseOf(pair.one, right)).granted).toBe(10)
        for (const subject of HOSTILE.filter((text) => text !== '')) {
          await pair.one.lock(subject, 1_000, 'd')
        }
        const locked = (await pair.other.lockouts()).map(({ subject }) => subject)
        expect(locked.sort()).toEqual(HOSTILE.filter((text) => text !== '').sort())
        for (const subject of locked) await pair.one.unlock(subject)
      })

      it('refuses asks that are none', async () => {
        const wrong: Partial<LeaseAsk>[] = [
          { amount: -1 },
          { amount: 0.5 },
          { max: NaN },
          { windowMs: 0 },
          { key: 'x'.repeat(2_049) },
        ]
        for (const more of wrong) {
          await expect(pair.one.lease([ask(more)])).rejects.toMatchObject({ code: 'ERR_INTERNAL' })
        }
      })
    })
  })
}

interface Given {
  readonly at: number
  granted: number
  readonly windowMs: number
}

/** The most that any period of a window's length has seen; both of its ends can be where asks are. */
function most(given: readonly Given[]): number {
  const sums = given.map(({ at, windowMs }) =>
    given
      .filter((one) => one.windowMs === windowMs && one.at >= at && one.at <= at + windowMs)
      .reduce((sum, { granted }) => sum + granted, 0),
  )
  return Math.max(0, ...sums)
}

function refused(why: string) {
  return { granted: false, why }
}
