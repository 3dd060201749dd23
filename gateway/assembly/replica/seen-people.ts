/** Notices that an approver of a live grant holds something else than before (threats §2.H 268). */
import type { AccessEvent } from '../../access/events.ts'
import { personOf } from '../../access/person.ts'
import type { AccessReplica } from '../../access/replica.ts'
import type { AccessState } from '../../access/state.ts'
import type { Subject } from '../../domain/subject.ts'

/** Told of the subject of every request that was authenticated; costs one look-up for most. */
export type SeePerson = (subject: Subject) => void

/** People of whom a change is being written down at once. */
const WRITING_MAX = 100

/**
 * Writes `person.seen` when somebody whose word a live grant rests on turns up with other groups or
 * roles. What cannot be written is noticed again with their next request.
 */
export function createSeenPeople(
  replica: Pick<AccessReplica, 'state' | 'run' | 'now'>,
  onFailure: (error: unknown) => void,
): SeePerson {
  const writing = new Set<string>()
  let known: { readonly of: AccessState['grants']; readonly ids: ReadonlySet<string> } | undefined
  const approvers = (): ReadonlySet<string> => {
    const { grants } = replica.state
    if (known?.of !== grants) known = { of: grants, ids: approversOf(grants, replica.now()) }
    return known.ids
  }
  const write = async (subject: Subject): Promise<void> => {
    await replica.run((state) => {
      const event = changeOf(state, subject)
      return { events: event === undefined ? [] : [event], result: undefined }
    })
  }
  return (subject) => {
    const { id } = subject
    if (replica.state.grants.size === 0 || !approvers().has(id)) return
    if (changeOf(replica.state, subject) === undefined) return
    if (writing.has(id) || writing.size >= WRITING_MAX) return
    writing.add(id)
    write(subject)
      .catch(onFailure)
      .finally(() => writing.delete(id))
  }
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
