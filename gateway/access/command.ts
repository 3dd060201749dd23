/** How state is changed: by a pure function that looks at it and says what is to happen, or why not. */
import type { AccessEvent, IdempotentCall } from './events.ts'
import type { AccessState } from './state.ts'

/** Why nothing was done: closed, with the status that the API answers (RFC 9110 §15). */
// One row per code reads as a table; the formatter would break the rows.
// prettier-ignore
export const DECLINES = {
  invalid: { status: 400, title: 'The request is not well formed' },
  not_found: { status: 404, title: 'There is no such thing, or it is not yours to see' },
  self_approval: { status: 403, title: 'Nobody approves their own request' },
  not_eligible: { status: 403, title: 'You are not among those who may do this' },
  person_unknown: { status: 403, title: 'Your token does not say which person you are' },
  no_approval_rule: { status: 403, title: 'No rule says who could approve this' },
  demand_missing: { status: 400, title: 'The rule of approval demands more to be said' },
  over_bounds: { status: 403, title: 'The rule of approval does not allow so much' },
  wildcard_refused: { status: 403, title: 'A grant is for what it names' },
  review_outstanding: { status: 409, title: 'An earlier break-glass was not reviewed' },
  closed: { status: 409, title: 'It is closed already' },
  unfinished: { status: 409, title: 'Something else has to be done first' },
  edited: { status: 409, title: 'It was changed since you saw it' },
  already_done: { status: 409, title: 'This was done already' },
  too_many: { status: 429, title: 'There are too many of them' },
  key_reused: { status: 422, title: 'The idempotency key was used for another call' },
  second_person: { status: 403, title: 'A second person must agree' },
  precondition_failed: { status: 412, title: 'It is not what you saw any more' },
} as const satisfies Record<string, { status: number; title: string }>

/** A stable code of {@link DECLINES}. */
export type DeclineCode = keyof typeof DECLINES

/** Nothing was done. A value, not an error. */
export interface Declined {
  readonly declined: DeclineCode
  /** A sentence for the caller: what is wrong and what to do about it. */
  readonly detail: string
  /** Seconds after which the same may be done, where that is known. */
  readonly retryAfterS?: number
}

/** What a command comes to. */
export type Ruled<T> =
  | { readonly events: readonly AccessEvent[]; readonly result: T; readonly call?: IdempotentCall }
  | Declined

/**
 * Decides on `state`, which is the newest there is, at `now` by the store's clock. Pure: it may be
 * called again on a newer state when somebody else was faster.
 */
export type Command<T> = (state: AccessState, now: number) => Ruled<T>

/** Makes a {@link Declined}. */
export function decline(declined: DeclineCode, detail: string, retryAfterS?: number): Declined {
  return { declined, detail, ...(retryAfterS === undefined ? {} : { retryAfterS }) }
}

/** Whether nothing was done. */
export function isDeclined(value: unknown): value is Declined {
  return typeof value === 'object' && value !== null && 'declined' in value
}
