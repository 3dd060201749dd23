/**
 * Calls that may be repeated (draft-ietf-httpapi-idempotency-key-header): the journal remembers for a
 * day what a call with a key did, so that its repetition is answered alike on every replica, whatever
 * became of the first answer (threats §2.L 374).
 */
import { digestOf, type Json } from '../../access/canonical.ts'
import { decline, isDeclined, type Command } from '../../access/command.ts'
import type { IdempotentCall } from '../../access/events.ts'
import type { ChangeRefusal } from './api-route.ts'

/** A call as the journal knows it; `result` comes with what it did. */
export type KeyedCall = Omit<IdempotentCall, 'result'>

/** Who calls what. */
export interface Keyed {
  /** `user:…`: the key of one caller says nothing of another's. */
  readonly caller: string
  /** `person:…`: an account that has become somebody else's begins anew. */
  readonly person: string | undefined
  readonly method: string
  readonly path: string
  readonly body: Json
}

/** The key of an `Idempotency-Key` field: a string of RFC 9651, or its content; `undefined` if none. */
export function readKey(field: string): string | undefined {
  const key = /^"(.*)"$/.exec(field)?.[1] ?? field
  return /^[A-Za-z0-9._:~+/=-]{8,128}$/.test(key) ? key : undefined
}

/** The call of `keyed` with `key`. */
export function keyedCall(key: string, { caller, person, method, path, body }: Keyed): KeyedCall {
  return { key: digestOf([caller, person ?? null, key]), body: digestOf([method, path, body]) }
}

/**
 * `command` as `call`: what was done already is not done again, and the key is good for this alone.
 * A repetition is answered to those alone who may still know of what was done, by `refusal`.
 */
export function onceOnly(
  command: Command<{ readonly id: string }>,
  call: KeyedCall | undefined,
  refusal: ChangeRefusal,
): Command<{ readonly id: string }> {
  if (call === undefined) return command
  return (state, now) => {
    const kept = state.calls.get(call.key)
    if (kept !== undefined && kept.until > now) {
      if (kept.value.body !== call.body) {
        return decline('key_reused', 'Take a new Idempotency-Key for every new call.')
      }
      const { result } = kept.value
      return refusal(state, result, now) ?? { events: [], result: { id: result } }
    }
    const ruled = command(state, now)
    return isDeclined(ruled) ? ruled : { ...ruled, call: { ...call, result: ruled.result.id } }
  }
}
