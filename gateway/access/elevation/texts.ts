/** Texts and people as they come in: bounded before anything is made of them. */
import { JOURNAL_ENTRY_MAX } from '../../domain/journal.ts'
import { decline, type Declined } from '../command.ts'
import type { AccessEvent } from '../events.ts'
import type { Person } from '../person.ts'

/** Characters of a justification, a risk assessment, a reason, findings. */
export const TEXT_MAX = 4_000

/** Whether `text` says something, within bounds, in whole characters (RFC 8785 §3.2.2.2). */
export function isText(text: unknown, max = TEXT_MAX): text is string {
  if (typeof text !== 'string' || text.length > max || text.trim() === '') return false
  return !/\p{Surrogate}/u.test(text)
}

/** Declined when `text` does not say something, within bounds. */
export function badText(what: string, text: unknown): Declined | undefined {
  if (isText(text)) return undefined
  return decline('invalid', `Give ${what} of 1 to ${TEXT_MAX} characters.`)
}

/**
 * Declined when it is not known which person acts: someone who could be two people is counted as
 * none (threats §2.H 266).
 */
export function unknownPerson({ person, id, holds }: Person): Declined | undefined {
  const isKnown = /^person:./su.test(person) && isText(person, 1_024) && isText(id, 1_024)
  if (isKnown && holds.every((one) => isText(one, 1_024))) return undefined
  const detail = 'Use a token of an issuer whose claim for the person is configured and present.'
  return decline('person_unknown', detail)
}

/** Of an entry, for what the journal writes around an event. */
const AROUND = 1_024

/**
 * Declined with `invalid` when one of `events` is more than an entry of the journal holds: nobody
 * can decide on what cannot be kept. A token with thousands of groups comes to that too.
 */
export function tooLong(events: readonly AccessEvent[]): Declined | undefined {
  const isLong = events.some((one) => JSON.stringify(one).length > JOURNAL_ENTRY_MAX - AROUND)
  if (!isLong) return undefined
  return decline('invalid', 'With all that belongs to it this is more than can be kept: say less.')
}
