/** Who wants to be told that there may be something new. */

/** Listeners of one store. */
export interface Hints {
  /** Calls each listener in a turn of its own; what one throws is nobody's. */
  tell(): void
  /** The returned function ends it. */
  add(listener: () => void): () => void
  readonly isEmpty: boolean
}

/** No listeners at first. */
export function createHints(): Hints {
  const listeners = new Set<{ readonly listener: () => void }>()
  return {
    tell() {
      for (const one of listeners) {
        setImmediate(() => {
          if (listeners.has(one)) one.listener()
        })
      }
    },
    add(listener) {
      const one = { listener }
      listeners.add(one)
      return () => void listeners.delete(one)
    },
    get isEmpty() {
      return listeners.size === 0
    },
  }
}
