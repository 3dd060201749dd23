/**
 * What may still be found out about a request after it was decided: bytes of a body that was not
 * here yet, further messages of a gRPC stream, messages over a WebSocket.
 */
import type { Refusal } from './refusal.ts'
import type { Operation } from './vocabulary.ts'

/**
 * What a look found. A refusal: nothing of it may pass, and what passed before must not be
 * completed. `hold`: not enough to tell; it is kept with what follows, and whoever keeps it bounds
 * how much. Operations: it may pass once every one of them is permitted. `undefined`: it may pass.
 */
export type WatchVerdict = Refusal | 'hold' | readonly Operation[] | undefined

/**
 * Looks at a request body as it is forwarded: every byte of it, from the first, in order. Before
 * `end` has been asked, the last byte must not go on.
 */
export interface BodyWatch {
  push(chunk: Buffer): WatchVerdict
  end(): Exclude<WatchVerdict, 'hold'>
}

/** Looks at the messages of a client over one WebSocket, whole, in order. */
export interface MessageWatch {
  message(kind: 'text' | 'binary', payload: Buffer): Exclude<WatchVerdict, 'hold'>
}

/** How the models are found in an answer that lists them. */
export interface ListingShape {
  /** The names on the way to the array; none when the answer is the array. */
  readonly items: readonly string[]
  /**
   * The models an element names, parsed; `undefined` when it cannot be told, and the element does
   * not leave. An element is one JSON value.
   */
  readonly read: (element: unknown) => Operation['resource'] | undefined
}
