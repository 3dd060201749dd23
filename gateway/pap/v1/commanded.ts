/** What routes make commands with. */
import { decline, isDeclined, type Command, type Declined } from '../../access/command.ts'
import type { Person } from '../../access/person.ts'
import type { ApiCaller } from './api-caller.ts'
import type { Paged } from './api-route.ts'

/** `command`, of whose result only the id is told. */
export function byId<T>(
  command: Command<T>,
  idOf: (result: T) => string,
): Command<{ readonly id: string }> {
  return (state, now) => {
    const ruled = command(state, now)
    return isDeclined(ruled) ? ruled : { ...ruled, result: { id: idOf(ruled.result) } }
  }
}

/** The person who calls, or `person_unknown`: nobody acts among people who could be two. */
export function callingPerson({ person }: ApiCaller): Person | Declined {
  if (person !== undefined) return person
  const detail = 'Your token does not say which person you are, and people are counted here.'
  return decline('person_unknown', detail)
}

/** `not_found`, for what is not there and for what the caller may not see alike. */
export function notFound(what: string): Declined {
  return decline('not_found', `There is no such ${what}, or it is not yours to see.`)
}

/** A page of documents. */
export function pageDocument<T, D>(
  paged: Exclude<Paged<T>, { reason: string }>,
  make: (entry: T) => D,
) {
  const { entries, next } = paged
  return { items: entries.map(make), ...(next === undefined ? {} : { next }) }
}
