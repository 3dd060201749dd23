/** Registrations that are sent on: on record before, so that no end of a gateway hides what comes of them. */
import { JOURNAL_BATCH_MAX } from '../../domain/journal.ts'
import { decline, isDeclined, type Command } from '../command.ts'
import type { AccessEvent } from '../events.ts'
import { sizeOfMap } from '../size.ts'
import type { AccessState } from '../state.ts'
import type { BegunRegistration, RegisteredVersion } from '../version.ts'
import { endOf, isOfTraining, registerVersion, type Registration } from './trainings.ts'

/** Registrations of which one journal waits to hear at once. */
export const REGISTRATIONS_MAX = 10_000

/** Characters of all of them, as JSON. */
export const REGISTRATIONS_CHARS_MAX = 4_194_304

/** A gateway that waits for the answer says so again after so long. */
export const SAID_AGAIN_MS = 60_000

/**
 * One of which nothing was heard for so long has no gateway any more that waits for its answer: what
 * may have come of it is restricted. One that waits says so in time, unless it cannot for two minutes.
 */
export const UNHEARD_MS = 180_000

/** Seconds after which it is worth asking again: what nobody waits for is over by then. */
const RETRY_S = UNHEARD_MS / 1_000

/** A registration as the journal is told of it. */
export type Begun = Omit<BegunRegistration, 'since'>

/** That of the decision `id`: what is said of it while nobody knows what comes of it. */
export function begunOf(
  id: string,
  { model, version, also = [], by, person, upstreamRun }: Omit<Begun, 'id'>,
): Begun {
  return {
    ...{ id, model, version, by },
    ...(also.length === 0 ? {} : { also }),
    ...(person === undefined ? {} : { person }),
    ...(upstreamRun === undefined ? {} : { upstreamRun }),
  }
}

/**
 * Puts a registration on record before it is sent, where what comes of it may be of a training: the
 * result says whether it is. Once; declines with `too_many`.
 */
export function beginRegistration(registration: Begun): Command<boolean> {
  return (state) => {
    const { registrations } = state
    if (registrations.has(registration.id)) return { events: [], result: true }
    if (!isOfTraining(state, registration)) return { events: [], result: false }
    const isFull =
      registrations.size >= REGISTRATIONS_MAX || sizeOfMap(registrations) > REGISTRATIONS_CHARS_MAX
    if (isFull) return decline('too_many', 'Too many registrations wait for an answer.', RETRY_S)
    return { events: [{ type: 'registration.begun', registration }], result: true }
  }
}

/** Takes a registration off the record of which nothing came. */
export function endRegistration(begun: string): Command<undefined> {
  return (state) => ({ events: endOf(state, { begun }), result: undefined })
}

/** Those of `ids` that the journal was told of too long ago. */
export function fading(
  { registrations }: Pick<AccessState, 'registrations'>,
  ids: Iterable<string>,
  now: number,
): readonly BegunRegistration[] {
  const begun = [...ids].flatMap((id) => registrations.get(id) ?? [])
  return begun.filter(({ since }) => now - since >= SAID_AGAIN_MS)
}

/** Says again that the answers to `ids` are waited for. Of what was given up meanwhile, nothing. */
export function sayAgain(ids: ReadonlySet<string>): Command<undefined> {
  return (state, now) => {
    const again = fading(state, ids, now).slice(0, JOURNAL_BATCH_MAX)
    const events = again.map((one): AccessEvent => {
      return { type: 'registration.begun', registration: begunOf(one.id, one) }
    })
    return { events, result: undefined }
  }
}

/** Ids of those of which nothing was heard for {@link UNHEARD_MS}. */
export function unheard(
  { registrations }: Pick<AccessState, 'registrations'>,
  now: number,
): readonly string[] {
  if (registrations.size === 0) return []
  return [...registrations.values()].filter((one) => isUnheard(one, now)).map(({ id }) => id)
}

function isUnheard({ since }: BegunRegistration, now: number): boolean {
  return now - since >= UNHEARD_MS
}

/** What became of a registration that was given up. */
export interface GivenUp {
  readonly id: string
  readonly registration: Registration
  /** What is restricted. */
  readonly version: RegisteredVersion
}

/**
 * Gives up a registration of which nothing was heard: what it may have made is restricted as if its
 * answer had broken off. Nothing where somebody was faster, or hears of it. Declines with `too_many`.
 */
export function giveUp(id: string): Command<GivenUp | undefined> {
  return (state, now) => {
    const begun = state.registrations.get(id)
    if (begun === undefined || !isUnheard(begun, now)) return { events: [], result: undefined }
    const registration: Registration = { ...begunOf(id, begun), at: now, begun: id }
    const ruled = registerVersion(registration)(state, now)
    if (isDeclined(ruled)) return ruled
    const { events, result: version } = ruled
    return { events, result: version === undefined ? version : { id, registration, version } }
  }
}
