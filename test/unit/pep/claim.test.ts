/** A grant is used once, however many ask; a transfer ends with what it was given. */
import { describe, expect, it } from '@jest/globals'
import { isRefusal } from '../../../gateway/domain/refusal.ts'
import type { ClaimAsk, ClaimStore } from '../../../gateway/domain/shared-state.ts'
import {
  CLAIM_TTL_MS,
  claimGrant,
  REPORT_BYTES,
  type GrantClaim,
} from '../../../gateway/pep/exports/claim.ts'
import { createMemoryStore } from '../../../gateway/store/memory-store.ts'

const clock = { ms: 1_000_000, now: () => clock.ms, monotonicMs: () => clock.ms }

function bench(store: ClaimStore = createMemoryStore({ clock })) {
  const lost: string[] = []
  let tick = (): void => undefined
  const every = (_: number, run: () => void) => {
    tick = run
    return () => (tick = () => undefined)
  }
  const claim = (more: Partial<ClaimAsk> = {}) =>
    claimGrant(
      { state: store, clock, every, onLost: ({ reason }) => void lost.push(reason) },
      {
        grant: 'g',
        transfer: 't',
        attempt: 'a',
        usesMax: 1,
        expiresAt: clock.ms + 3_600_000,
        ...more,
      },
    )
  const granted = async (more: Partial<ClaimAsk> = {}): Promise<GrantClaim> => {
    const one = await claim(more)
    if (isRefusal(one)) throw new Error(one.reason)
    return one
  }
  const reason = async (more: Partial<ClaimAsk>) => {
    const one = await claim(more)
    return isRefusal(one) ? one.reason : 'granted'
  }
  return { claim, granted, reason, lost, tick: () => tick() }
}

const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('one use', () => {
  it('is given to one of many that ask at once', async () => {
    const { reason } = bench()
    const asked = Array.from({ length: 50 }, (_, i) => reason({ attempt: `a${i}` }))
    expect((await Promise.all(asked)).filter((one) => one === 'granted')).toHaveLength(1)
    expect(await reason({ attempt: 'b' })).toBe('grant_in_use')
    expect(await reason({ attempt: 'b', transfer: 'u' })).toBe('grant_spent')
  })

  it('goes on where it broke off, and is spent when it is whole', async () => {
    const { granted, reason } = bench()
    const first = await granted()
    first.account.take(500)
    await first.release(false)
    const second = await granted({ attempt: 'b' })
    expect([second.resumed, second.bytesBefore]).toEqual([true, 500])
    second.account.take(500)
    await second.release(true)
    expect(await reason({ attempt: 'c' })).toBe('grant_spent')
  })

  it('is given back when no byte left', async () => {
    const { granted, reason } = bench()
    await (await granted()).release(false)
    expect(await reason({ attempt: 'b', transfer: 'u' })).toBe('granted')
  })

  it('stays used when what it was for was done without a byte', async () => {
    const { granted, reason } = bench()
    await (await granted()).release(true)
    expect(await reason({ attempt: 'b', transfer: 'u' })).toBe('grant_spent')
  })

  it('of an attempt that died can be resumed after a while', async () => {
    const { granted, reason } = bench()
    await granted()
    clock.ms += CLAIM_TTL_MS - 1
    expect(await reason({ attempt: 'b' })).toBe('grant_in_use')
    clock.ms += 1
    expect(await reason({ attempt: 'b' })).toBe('granted')
  })
})

describe('bytes', () => {
  it('end the transfer before the chunk that would be too much', async () => {
    const { granted, reason } = bench()
    const claim = await granted({ bytesMax: 1000, usesMax: 5 })
    expect(claim.account.take(600)).toBeUndefined()
    expect(claim.account.take(401)?.reason).toBe('grant_spent')
    await claim.release(false)
    const again = await granted({ bytesMax: 1000, usesMax: 5, attempt: 'b' })
    expect(again.bytesLeft()).toBe(400)
    again.account.take(400)
    await again.release(true)
    expect(await reason({ bytesMax: 1000, usesMax: 5, attempt: 'c' })).toBe('grant_spent')
  })

  it('of transfers at the same time together pass the limit by at most 2 MiB for each', async () => {
    const { granted } = bench()
    const chunk = 64 * 1024
    const bytesMax = 20 * REPORT_BYTES
    const claims = await Promise.all(
      [1, 2, 3, 4].map((n) =>
        granted({ transfer: `t${n}`, attempt: `a${n}`, usesMax: 9, bytesMax }),
      ),
    )
    let [left, open] = [0, claims]
    while (open.length > 0) {
      for (const one of open) {
        if (one.account.ready?.() !== undefined) continue
        if (one.account.take(chunk) === undefined) left += chunk
        else open = open.filter((other) => other !== one)
      }
      await settled()
    }
    expect(left).toBeGreaterThan(bytesMax - 4 * chunk)
    expect(left).toBeLessThanOrEqual(bytesMax + 4 * (2 * REPORT_BYTES + 2 * chunk))
    await Promise.all(claims.map((one) => one.release(false)))
  })
})

describe('the store', () => {
  const memory = createMemoryStore({ clock })
  const failing = { progress: false, claim: false, released: [] as string[] }
  const store: ClaimStore = {
    claim: (ask) => (failing.claim ? Promise.reject(new Error('down')) : memory.claim(ask)),
    progress: (part) =>
      failing.progress ? Promise.reject(new Error('down')) : memory.progress(part),
    release: (part) => {
      failing.released.push(part.attempt)
      return memory.release(part)
    },
  }

  it('that does not answer gives no leave, and is asked to forget what it may have given', async () => {
    const { reason } = bench(store)
    failing.claim = true
    expect(await reason({ attempt: 'lost' })).toBe('state_unavailable')
    failing.claim = false
    expect(failing.released).toContain('lost')
  })

  it('that stops answering holds the transfer after 2 MiB, and ends it when it may be another’s', async () => {
    const { granted, tick, lost } = bench(store)
    const claim = await granted({ grant: 'h', bytesMax: 1e12 })
    failing.progress = true
    let left = 0
    while (claim.account.ready?.() === undefined) {
      claim.account.take(65_536)
      left += 65_536
      await settled()
    }
    expect(left).toBeLessThanOrEqual(2 * REPORT_BYTES + 65_536)
    const waiting = claim.account.ready()
    clock.ms += 1_000
    tick()
    await settled()
    expect(lost).toEqual([])
    clock.ms += CLAIM_TTL_MS
    tick()
    await waiting
    expect(lost).toEqual(['state_unavailable'])
    expect(claim.account.take(1)?.reason).toBe('state_unavailable')
    failing.progress = false
    await claim.release(false)
  })

  it('that has given the transfer to another ends this one', async () => {
    const [first, second] = [bench(store), bench(store)]
    const claim = await first.granted({ grant: 'i' })
    clock.ms += CLAIM_TTL_MS - 1
    claim.account.take(1)
    clock.ms += 1
    await second.granted({ grant: 'i', attempt: 'b' })
    // Its own clock may run behind that of the store.
    clock.ms -= 2
    first.tick()
    await settled()
    expect([first.lost, second.lost]).toEqual([['grant_ended'], []])
    expect(claim.account.take(1)?.reason).toBe('grant_ended')
    clock.ms += 2
  })

  it('that does not hear of the end is told again, so that what was whole is spent', async () => {
    const down = { is: false }
    const shy: ClaimStore = {
      claim: (ask) => memory.claim(ask),
      progress: (part) => memory.progress(part),
      release: (part) => (down.is ? Promise.reject(new Error('down')) : memory.release(part)),
    }
    const { granted, tick, reason } = bench(shy)
    const claim = await granted({ grant: 'm' })
    claim.account.take(500)
    down.is = true
    await expect(claim.release(true)).rejects.toThrow('down')
    for (let i = 0; i < 3; i++) {
      tick()
      await settled()
    }
    down.is = false
    tick()
    await settled()
    clock.ms += CLAIM_TTL_MS
    expect(await reason({ grant: 'm', attempt: 'again' })).toBe('grant_spent')
  })

  it('keeps a slow transfer alive', async () => {
    const { granted, tick, reason } = bench(store)
    const claim = await granted({ grant: 'k' })
    for (let i = 0; i < 5; i++) {
      clock.ms += CLAIM_TTL_MS - 1
      tick()
      await settled()
      expect(await reason({ grant: 'k', attempt: `b${i}` })).toBe('grant_in_use')
    }
    await claim.release(true)
  })
})
