/**
 * Whether Redis is asked at all. When an ask was not answered, further ones fail at once, without
 * waiting, until a probe in the background was answered.
 */

/** What a breaker works with. */
export interface BreakerOptions {
  /** Resolves when Redis does what asks need. */
  readonly probe: () => Promise<void>
  /** Told of each change; `why` of one to false. */
  readonly onChange: (isUp: boolean, why: string) => void
  readonly retryMs: { readonly first: number; readonly last: number }
}

/** A breaker that begins open: nothing is asked before the first probe was answered. */
export interface Breaker {
  readonly isUp: boolean
  /** An ask was not answered. */
  trip(why: string): void
  /** Resolves at the next answered probe. */
  whenUp(): Promise<void>
  close(): void
}

/** Starts to probe. */
export function createBreaker(options: BreakerOptions): Breaker {
  const { first, last } = options.retryMs
  let isUp = false
  let isClosed = false
  let isProbing = false
  let delayMs = first
  let timer: NodeJS.Timeout | undefined
  const waiting = new Set<() => void>()

  async function attempt(): Promise<void> {
    isProbing = true
    const isAnswered = await options.probe().then(
      () => true,
      () => false,
    )
    isProbing = false
    if (isClosed) return
    if (isAnswered) up()
    else later()
  }
  function up(): void {
    isUp = true
    delayMs = first
    options.onChange(true, '')
    for (const wake of waiting) wake()
    waiting.clear()
  }
  function later(): void {
    timer = setTimeout(() => void attempt(), delayMs)
    // A store that is down does not keep a process alive.
    timer.unref()
    delayMs = Math.min(last, delayMs * 2)
  }
  void attempt()
  return {
    get isUp() {
      return isUp
    },
    trip(why) {
      if (!isUp || isClosed) return
      isUp = false
      options.onChange(false, why)
      if (!isProbing) later()
    },
    whenUp: () => (isUp ? Promise.resolve() : new Promise((resolve) => void waiting.add(resolve))),
    close() {
      isClosed = true
      isUp = false
      clearTimeout(timer)
    },
  }
}
