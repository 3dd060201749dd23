/**
 * Hints that something was appended, from whichever replica. They come over a connection of their
 * own, opened when somebody wants them; what they say is not read, so that nobody can lie with one.
 */
import { createHints } from '../journal/hints.ts'
import { subscribeRedis, type ClientOptions, type Subscription } from './client.ts'

/** Hints from Redis and from this process. */
export interface HintSource {
  /** Gives one to the listeners of this process. */
  tell(): void
  /** The returned function ends it. */
  add(listener: () => void): () => void
  /** Goes on with another URL. */
  connect(target: Pick<ClientOptions, 'target' | 'ca'>): void
  close(): void
}

/** Hints of `channel`; without a listener nothing is connected. */
export function createHintSource(
  options: Omit<ClientOptions, 'onProblem'>,
  channel: string,
): HintSource {
  const hints = createHints()
  let there: Pick<ClientOptions, 'target' | 'ca'> = options
  let subscription: Subscription | undefined
  let isClosed = false
  const subscribe = (): void => {
    if (isClosed || subscription !== undefined) return
    // Whoever listens finds what is new without hints too, a little later.
    const onProblem = (): void => undefined
    subscription = subscribeRedis({ ...options, ...there, onProblem }, channel, () => hints.tell())
  }
  const end = (): void => {
    subscription?.close()
    subscription = undefined
  }
  return {
    tell: () => hints.tell(),
    add(listener) {
      subscribe()
      return hints.add(listener)
    },
    connect(target) {
      there = target
      if (subscription === undefined) return
      end()
      subscribe()
    },
    close() {
      isClosed = true
      end()
    },
  }
}
