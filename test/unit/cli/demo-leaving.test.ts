import { describe, expect, it } from '@jest/globals'
import { createDemoClock, MOMENTS, momentText } from '../../../gateway/cli/demo/clock.ts'
import { createLeaving } from '../../../gateway/cli/demo/leaving.ts'

/** A terminal whose Ctrl-C arrives when the test says so. */
function terminal() {
  let press = (): void => undefined
  let nowMs = 0
  const leaving = createLeaving(
    {
      onSignal: (_, listener) => {
        press = listener
      },
    },
    () => nowMs,
  )
  const pressAt = (ms: number): void => {
    nowMs = ms
    press()
  }
  return { leaving, pressAt }
}

async function settled(promise: Promise<void>): Promise<boolean> {
  return Promise.race([
    promise.then(() => true),
    new Promise<boolean>((r) => setImmediate(r, false)),
  ])
}

describe('leaving the demo', () => {
  it('is asked for by one signal, however often it arrives', async () => {
    const { leaving, pressAt } = terminal()
    expect(leaving.signal.aborted).toBe(false)
    for (const ms of [1000, 1001, 1050]) pressAt(ms)
    expect(leaving.signal.aborted).toBe(true)
    expect(await settled(leaving.asked)).toBe(true)
    expect(await settled(leaving.again)).toBe(false)
  })

  it('is asked for again by a second Ctrl-C', async () => {
    const { leaving, pressAt } = terminal()
    pressAt(1000)
    pressAt(1500)
    expect(await settled(leaving.again)).toBe(true)
  })
})

describe('the clock of the demo', () => {
  it('runs, and goes forward only', () => {
    const clock = createDemoClock(MOMENTS.morning)
    expect(clock.now()).toBeGreaterThanOrEqual(MOMENTS.morning)
    clock.moveTo(MOMENTS.evening)
    expect(clock.now()).toBeGreaterThanOrEqual(MOMENTS.evening)
    expect(() => clock.moveTo(MOMENTS.morning)).toThrow('forward')
  })

  it('is read aloud in the time zone of the rules', () => {
    expect(momentText(MOMENTS.evening)).toBe('Tuesday 24 November 2026, 21:00 in Berlin')
  })
})
