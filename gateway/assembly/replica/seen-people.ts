/**
 * Notices that an approver of a live grant holds something else than before (threats §2.H 268), and
 * whose accounts call the control API (266).
 */
import type { AccessEvent } from '../../access/events.ts'
import { personOf } from '../../access/person.ts'
import type { AccessReplica } from '../../access/replica.ts'
import type { AccessState } from '../../access/state.ts'
import type { Subject } from '../../domain/subject.ts'

/** Told of the subject of every request that was authenticated; costs one look-up for most. */
export type SeePerson = (subject: Subject) => void

/** People of whom a change is being written down at once. */
const WRITING_MAX = 100

/** Accounts that the journal knows of, past which no further one is written down. */
const KNOWN_MAX = 10_000

/**
 * Writes `person.seen` when somebody whose word a live grant rests on turns up with other groups or
 * roles. What cannot be written is noticed again with their next request.
 */
export function createSeenPeople(
  replica: Pick<AccessReplica, 'state' | 'run' | 'now'>,
  onFailure: (error: unknown) => void,
): SeePerson {
  const write = writerOf(replica, changeOf, onFailure)
  let known: { readonly of: AccessState['grants']; readonly ids: ReadonlySet<string> } | undefined
  const approvers = (): ReadonlySet<string> => {
    const { grants } = replica.state
    if (known?.of !== grants) known = { of: grants, ids: approversOf(grants, replica.now()) }
    return known.ids
  }
  return (subject) => {
    if (replica.state.grants.size > 0 && approvers().has(subject.id)) write(subject)
  }
}

/**
 * As {@link createSeenPeople}, and writes `person.seen` of every account that calls the control API
 * and of whose person nobody has heard: who reviews and approves is told apart from who has the
 * privilege by person, whichever account either of them used before. What they hold is not followed
 * beyond that: tokens of one account may differ from call to call.
 */
export function createSeenCallers(
  replica: Pick<AccessReplica, 'state' | 'run' | 'now'>,
  onFailure: (error: unknown) => void,
): SeePerson {
  const seePeople = createSeenPeople(replica, onFailure)
  const introduce = writerOf(replica, firstOf, onFailure)
  return (subject) => {
    seePeople(subject)
    introduce(subject)
  }
}

type ChangeOf = (state: AccessState, subject: Subject) => AccessEvent | undefined

/** Writes what `change` finds; one change of an account at a time, and the newest state decides. */
function writerOf(
  replica: Pick<AccessReplica, 'state' | 'run'>,
  change: ChangeOf,
  onFailure: (error: unknown) => void,
): SeePerson {
  const writing = new Set<string>()
  const write = async (subject: Subject): Promise<void> => {
    await replica.run((state) => {
      const event = change(state, subject)
      return { events: event === undefined ? [] : [event], result: undefined }
    })
  }
  return (subject) => {
    const { id } = subject
    if (change(replica.state, subject) === undefined) return
    if (writing.has(id) || writing.size >= WRITING_MAX) return
    writing.add(id)
    write(subject)
      .catch(onFailure)
      .finally(() => writing.delete(id))
  }
}

/**
 * An account that nobody has heard of, or not as one of this person. One that is its own person adds
 * nothing to what its id says.
 */
function firstOf({ people }: AccessState, subject: Subject): AccessEvent | undefined {
  const person = personOf(subject)
  if (person === undefined || person.person === `person:${subject.id}`) return undefined
  const known = people.get(subject.id)
  if (known?.person === person.person) return undefined
  return known === undefined && people.size >= KNOWN_MAX
    ? undefined
    : { type: 'person.seen', person }
}

/** Everybody who has approved a grant that is not over. */
function approversOf(grants: AccessState['grants'], now: number): ReadonlySet<string> {
  const ids = new Set<string>()
  for (const { votes, expiresAt, revoked } of grants.values()) {
    if (revoked !== undefined || expiresAt <= now) continue
    for (const { by } of votes) ids.add(by.id)
  }
  return ids
}

function changeOf(state: AccessState, subject: Subject): AccessEvent | undefined {
  const before = state.people.get(subject.id)
  if (before === undefined) return undefined
  const holds = [...subject.groups, ...subject.roles]
  // Who does not say which person they are any more still holds less or more than before.
  const person = personOf(subject) ?? { ...before, holds }
  const held = new Set(before.holds)
  const isSame = held.size === new Set(holds).size && holds.every((one) => held.has(one))
  if (isSame && person.person === before.person) return undefined
  return { type: 'person.seen', person }
}
