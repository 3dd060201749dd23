import { systemClock } from '../../domain/clock.ts'
import type { CliIo } from '../io.ts'

/** When the visitor wants to leave. */
export interface Leaving {
  /** Aborted once the visitor has asked. */
  readonly signal: AbortSignal
  readonly asked: Promise<void>
  /** Resolves when the visitor asks a second time. */
  readonly again: Promise<void>
}

/**
 * One Ctrl-C reaches this process up to three times: from the terminal, from npm and from
 * scripts/demo.mjs. What comes within this time is one and the same.
 */
const ECHO_MS = 400

/** Listens for the wish to leave. */
export function createLeaving(
  io: Pick<CliIo, 'onSignal'>,
  monotonicMs: () => number = () => systemClock.monotonicMs(),
): Leaving {
  const controller = new AbortController()
  let firstMs: number | undefined
  let leaveNow = (): void => undefined
  const again = new Promise<void>((resolve) => {
    leaveNow = resolve
  })
  const asked = new Promise<void>((resolve) => {
    io.onSignal('stop', () => {
      const nowMs = monotonicMs()
      firstMs ??= nowMs
      if (nowMs - firstMs >= ECHO_MS) leaveNow()
      controller.abort()
      resolve()
    })
  })
  return { signal: controller.signal, asked, again }
}
