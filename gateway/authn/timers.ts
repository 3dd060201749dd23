/** Runs something later. Injected, so that tests move time by hand. */
export interface Timers {
  /** Calls `run` once after `delayMs`, unless the returned function is called first. */
  schedule(run: () => void, delayMs: number): () => void
}

/** Timers of the runtime that never keep the process alive on their own. */
export const unrefTimers: Timers = {
  schedule(run, delayMs) {
    const timer = setTimeout(run, delayMs)
    timer.unref()
    return () => {
      clearTimeout(timer)
    }
  },
}
