import { beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import type { AuthnEvent } from '../../../gateway/authn/events.ts'
import {
  createJwksKeeper,
  type JwksKeeper,
  type KeyLookup,
} from '../../../gateway/authn/jwks-keeper.ts'
import { keyPolicy } from '../../../gateway/authn/key-policy.ts'
import { makeKey, ManualTime, settle, type TestKey } from './support.ts'

let one: TestKey
let two: TestKey
let time: ManualTime
let events: AuthnEvent[]
let loads: number
let load: () => unknown
let keeper: JwksKeeper

const policy = keyPolicy({
  refreshMs: 60_000,
  maxStaleMs: 600_000,
  cooldownMs: 2_000,
  backoffBaseMs: 1_000,
  backoffMaxMs: 60_000,
  waitMs: 8_000,
  waitersMax: 5,
})
const down = (): never => {
  throw new Error('connect ECONNREFUSED')
}
const publish = (...keys: TestKey[]): void => {
  load = () => ({ keys: keys.map((key) => key.jwk) })
}
const types = (): string[] => events.map((event) => event.type)
/** Moves time until the lookup answers. */
const fresh = async (kid: string): Promise<KeyLookup['status']> => {
  let answer: KeyLookup | undefined
  void keeper.findFresh('EdDSA', kid).then((found) => {
    answer = found
  })
  for (let i = 0; i < 100 && answer === undefined; i++) await time.advance(200)
  return answer?.status ?? 'unavailable'
}

beforeAll(() => {
  one = makeKey('EdDSA', 'one')
  two = makeKey('EdDSA', 'two')
})
beforeEach(() => {
  time = new ManualTime()
  events = []
  loads = 0
  publish(one)
  keeper = createJwksKeeper({
    issuer: 'corp',
    source: {
      load: () => {
        loads++
        return Promise.resolve().then(() => load())
      },
    },
    rules: { algorithms: ['EdDSA'], keyUses: ['sig'] },
    policy,
    clock: time,
    timers: time,
    random: () => 0.5,
    onEvent: (event) => events.push(event),
  })
})

describe('keeping keys', () => {
  it('fetches at start, in the background ever after, and stops', async () => {
    await keeper.start()
    expect([loads, keeper.generation, keeper.loaded]).toEqual([1, 1, true])
    await time.advance(60_000)
    await time.advance(60_000)
    expect([loads, keeper.generation]).toEqual([3, 1])
    keeper.stop()
    await time.advance(3_600_000)
    expect([loads, time.pending]).toEqual([3, 0])
  })

  it('grows the generation and names thumbprints only when the set changes', async () => {
    await keeper.start()
    publish(two, one)
    await keeper.refresh()
    publish(one, two)
    await keeper.refresh()
    expect(keeper.generation).toBe(2)
    publish(two)
    await keeper.refresh()
    const changes = events.filter((event) => event.type === 'keys_changed')
    expect(changes.map((event) => [event.added.length, event.removed.length])).toEqual([
      [1, 0],
      [1, 0],
      [0, 1],
    ])
    expect(keeper.find('EdDSA', 'one').status).toBe('unknown')
  })

  it('makes one fetch for any number of callers', async () => {
    await Promise.all([keeper.refresh(), keeper.refresh(), keeper.start(), keeper.refresh()])
    expect(loads).toBe(1)
  })
})

describe('a token with a key not seen before', () => {
  it('is answered by one refetch: the new key is found without a restart', async () => {
    await keeper.start()
    publish(one, two)
    await time.advance(2_000)
    const asked = ['two', 'two', 'two'].map((kid) => keeper.findFresh('EdDSA', kid))
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([
      'found',
      'found',
      'found',
    ])
    expect(loads).toBe(2)
  })

  it('waits out the cooldown instead of being refused, even during a flood', async () => {
    await keeper.start()
    await time.advance(2_000)
    expect(await fresh('garbage')).toBe('unknown')
    publish(one, two)
    expect(await fresh('two')).toBe('found')
    expect(loads).toBe(3)
  })

  it('costs the issuer at most one fetch per cooldown', async () => {
    await keeper.start()
    for (let i = 0; i < 10; i++) expect(await fresh(`garbage-${i}`)).toBe('unknown')
    expect(loads).toBeLessThanOrEqual(2 + time.monotonicMs() / policy.cooldownMs)
  })

  it('asks again when the fetch under way began before it arrived', async () => {
    await keeper.start()
    await time.advance(5_000)
    let release: (value: unknown) => void = () => undefined
    const old = { keys: [one.jwk] }
    load = () => new Promise((resolve) => (release = resolve))
    const underway = keeper.refresh()
    await settle()
    await time.advance(100)
    const asked = keeper.findFresh('EdDSA', 'two')
    publish(one, two)
    release(old)
    await underway
    await time.advance(2_000)
    expect((await asked).status).toBe('found')
  })

  it('is unavailable, not unknown, when nobody can tell', async () => {
    await keeper.start()
    await time.advance(2_000)
    load = down
    expect(await fresh('two')).toBe('unavailable')
    expect(keeper.find('EdDSA', 'one').status).toBe('found')
  })

  it('waits at most waitMs, and only so many wait', async () => {
    await keeper.start()
    await time.advance(2_000)
    load = () => new Promise(() => undefined)
    const asked = Array.from({ length: 6 }, () => keeper.findFresh('EdDSA', 'two'))
    expect((await asked[5])?.status).toBe('unavailable')
    await time.advance(8_000)
    expect((await Promise.all(asked)).map(({ status }) => status)).toEqual(
      Array(6).fill('unavailable'),
    )
  })
})

describe('an issuer that is down', () => {
  it('at start: not loaded, unavailable, back as soon as it answers', async () => {
    load = down
    await keeper.start()
    expect([keeper.loaded, keeper.generation]).toEqual([false, 0])
    expect(keeper.find('EdDSA', 'one')).toMatchObject({ status: 'unavailable' })
    publish(one)
    await time.advance(1_000)
    expect(keeper.find('EdDSA', 'one').status).toBe('found')
  })

  it('leaves the last good set in force until it is too stale, then nothing', async () => {
    await keeper.start()
    load = down
    await time.advance(600_000)
    expect([keeper.usable(), keeper.find('EdDSA', 'one').status]).toEqual([true, 'found'])
    await time.advance(1)
    expect([keeper.usable(), keeper.find('EdDSA', 'one').status]).toEqual([false, 'unavailable'])
    expect(types().filter((type) => type === 'keys_stale')).toHaveLength(1)
    publish(one)
    await time.advance(60_000)
    expect([keeper.usable(), keeper.generation]).toEqual([true, 1])
  })

  it('is asked less and less often, with jitter, up to a bound', async () => {
    load = down
    await keeper.start()
    await time.advance(600_000)
    const waits = events.flatMap((event) => (event.type === 'keys_failed' ? [event.retryInMs] : []))
    expect(waits.slice(0, 8)).toEqual([750, 1_500, 3_000, 6_000, 12_000, 24_000, 45_000, 45_000])
    expect(loads).toBe(waits.length)
    expect(loads).toBeLessThan(22)
  })

  it('is not asked by requests while backing off, but is by the operator', async () => {
    load = down
    await keeper.start()
    for (let i = 0; i < 20; i++) await keeper.findFresh('EdDSA', `x${i}`)
    expect(loads).toBe(1)
    expect(await keeper.refresh()).toBe(false)
    expect(loads).toBe(2)
  })

  it('gives no raw error text away', async () => {
    load = down
    await keeper.start()
    expect(events.at(-1)).toEqual({
      type: 'keys_failed',
      issuer: 'corp',
      code: 'ERR_AUTHN_KEYS_UNAVAILABLE',
      message: 'the keys cannot be loaded',
      failures: 1,
      retryInMs: 750,
    })
  })
})

describe('a poisoned set', () => {
  it('never replaces a good one', async () => {
    await keeper.start()
    load = () => ({ keys: [two.jwk, { kty: 'oct', k: 'c2VjcmV0', kid: 'one' }] })
    expect(await keeper.refresh()).toBe(false)
    expect([keeper.find('EdDSA', 'one').status, keeper.find('EdDSA', 'two').status]).toEqual([
      'found',
      'unknown',
    ])
  })
})

describe('the policy', () => {
  it('is checked: positive, and not stale between two good refreshes', () => {
    expect(keyPolicy({ refreshMs: undefined }).refreshMs).toBe(300_000)
    for (const changes of [{ refreshMs: 0 }, { cooldownMs: -1 }, { waitMs: Number.NaN }]) {
      expect(() => keyPolicy(changes)).toThrow(/must be positive/)
    }
    expect(() => keyPolicy({ refreshMs: 100, maxStaleMs: 110 })).toThrow(/staleness/)
  })
})
