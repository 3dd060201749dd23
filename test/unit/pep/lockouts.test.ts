import { describe, expect, it } from '@jest/globals'
import type { Lockout, LockoutStore } from '../../../gateway/domain/shared-state.ts'
import { createLockouts } from '../../../gateway/pep/watching/lockouts.ts'
import { createMemoryStore } from '../../../gateway/store/memory-store.ts'

const BOB = 'user:dev/bob'
const settled = () => new Promise((resolve) => setImmediate(resolve))

/** Replicas over one store, whose time is moved by hand. */
function replicas(count: number) {
  let now = 1_000_000
  const clock = { now: () => now, monotonicMs: () => now }
  const store = createMemoryStore({ clock })
  let isDown = false
  const flaky: LockoutStore = {
    lock: (...args) => (isDown ? Promise.reject(new Error('down')) : store.lock(...args)),
    unlock: (...args) => (isDown ? Promise.reject(new Error('down')) : store.unlock(...args)),
    lockouts: () => (isDown ? Promise.reject(new Error('down')) : store.lockouts()),
  }
  const due: { at: number; run: () => void }[] = []
  const told: Lockout[][] = []
  const failures: unknown[] = []
  const all = Array.from({ length: count }, (_, i) => {
    const lockouts = createLockouts({
      store: flaky,
      clock,
      schedule: (run, ms) => {
        const one = { at: now + ms, run }
        due.push(one)
        return () => void due.splice(due.indexOf(one), 1)
      },
      onFailure: (error) => failures.push(error),
    })
    told.push([])
    lockouts.onLocked((lockout) => told[i]?.push(lockout))
    return lockouts
  })
  return {
    all,
    told,
    failures,
    store,
    down: (value: boolean) => (isDown = value),
    pass: async (ms: number) => {
      for (const end = now + ms; now < end;) {
        now += 100
        for (const one of due.filter(({ at }) => at <= now)) {
          due.splice(due.indexOf(one), 1)
          one.run()
        }
        await settled()
      }
    },
  }
}

describe('a lockout', () => {
  it('holds here at once, everywhere within a second, and ends by itself', async () => {
    const { all, told, pass } = replicas(2)
    const [here, there] = all
    await Promise.all(all.map((one) => one.start()))
    expect(here?.lock(BOB, 60_000, 'd1')).toBe(1_060_000)
    expect(here?.find(BOB)).toEqual({ subject: BOB, until: 1_060_000, decisionId: 'd1' })
    expect(there?.find(BOB)).toBeUndefined()
    await pass(600)
    expect(there?.find(BOB)?.decisionId).toBe('d1')
    await pass(1_000)
    // Each is told once.
    expect(told.map((one) => one.map(({ subject }) => subject))).toEqual([[BOB], [BOB]])
    await pass(60_000)
    expect(all.map((one) => one.find(BOB))).toEqual([undefined, undefined])
  })

  it('that is lifted anywhere is lifted everywhere', async () => {
    const { all, pass } = replicas(2)
    await Promise.all(all.map((one) => one.start()))
    all[0]?.lock(BOB, 600_000, 'd1')
    await pass(1_100)
    await all[1]?.lift(BOB)
    expect(all[1]?.find(BOB)).toBeUndefined()
    await pass(600)
    expect(all.map((one) => one.list())).toEqual([[], []])
  })

  it('is not shortened by a shorter one', async () => {
    const { all } = replicas(1)
    await all[0]?.start()
    all[0]?.lock(BOB, 60_000, 'd1')
    expect(all[0]?.lock(BOB, 1_000, 'd2')).toBe(1_060_000)
    expect(all[0]?.find(BOB)?.decisionId).toBe('d1')
  })

  it('that the store does not take holds here and is tried again', async () => {
    const { all, pass, down, failures } = replicas(2)
    await Promise.all(all.map((one) => one.start()))
    down(true)
    all[0]?.lock(BOB, 60_000, 'd1')
    await pass(3_000)
    expect(all[0]?.find(BOB)).toBeDefined()
    expect(all[1]?.find(BOB)).toBeUndefined()
    expect(failures.length).toBeGreaterThan(5)
    await expect(all[0]?.lift(BOB)).rejects.toThrow('down')
    down(false)
    await pass(1_200)
    expect(all[1]?.find(BOB)).toBeDefined()
    await all[1]?.lift(BOB)
    await pass(1_200)
    expect(all[0]?.find(BOB)).toBeUndefined()
  })
})

describe('the list', () => {
  it('is fresh for five seconds, and keeps what it knew when the store is away', async () => {
    const { all, pass, down } = replicas(1)
    const [list] = all
    expect(list?.fresh).toBe(false)
    await list?.start()
    list?.lock(BOB, 20_000, 'd1')
    await pass(1_200)
    down(true)
    await pass(4_000)
    expect(list?.fresh).toBe(true)
    await pass(2_000)
    expect(list?.fresh).toBe(false)
    expect(list?.find(BOB)).toBeDefined()
    await pass(20_000)
    expect(list?.find(BOB)).toBeUndefined()
    down(false)
    await pass(600)
    expect(list?.fresh).toBe(true)
  })

  it('is read no more when it was stopped', async () => {
    const { all, store, pass } = replicas(1)
    await all[0]?.start()
    all[0]?.stop()
    await store.lock(BOB, 60_000, 'd1')
    await pass(2_000)
    expect(all[0]?.find(BOB)).toBeUndefined()
  })
})
