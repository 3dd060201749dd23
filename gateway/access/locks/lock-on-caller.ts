/** Whether a lock is on somebody who wants it lifted, by whatever account they come. */
import type { LockTarget } from '../lock.ts'
import type { Person } from '../person.ts'
import type { AccessState } from '../state.ts'

/** Somebody, as far as their token and the rules say who they are. */
export interface LockCaller {
  /** The account: `user:…`. */
  readonly by: string
  /** Person key; absent when the token does not say which person it is. */
  readonly person?: string
  /** Groups and roles of the token; device, token (`<issuer name> <jti>`) and session. */
  readonly holds: readonly string[]
  /** Everything that such a person holds by the rules in force, by way of others too. */
  readonly holdingsOf: (person: Person) => ReadonlySet<string>
}

/**
 * `yes`: it is on this account, on another one that is known of the same person, or on what any of
 * them holds, be it by way of others; whatever actions it is for. `unknown`: it is on a person, and
 * the token does not say which one it is of.
 */
export function isOnCaller(
  target: LockTarget,
  caller: LockCaller,
  state: AccessState,
): 'yes' | 'no' | 'unknown' {
  const name = nameOf(target)
  if (name === undefined || name === EVERYBODY) return 'no'
  if (namesOf(caller, state).has(name)) return 'yes'
  const isOfPerson = target.kind === 'person' || accountsOf(state).has(name)
  return caller.person === undefined && isOfPerson ? 'unknown' : 'no'
}

/** What every caller holds: a lock on it is on nobody in particular, and somebody must lift it. */
const EVERYBODY = 'role:anyone'

/** What somebody has to be or hold for the lock to be on them; `undefined` where it is on no one. */
function nameOf(target: LockTarget): string | undefined {
  if (target.kind === 'issued-before') return target.subject
  if ('issuer' in target) return `${target.issuer} ${target.id}`
  return 'id' in target ? target.id : undefined
}

function namesOf(caller: LockCaller, state: AccessState): ReadonlySet<string> {
  const { by, person, holds, holdingsOf } = caller
  const names = new Set([by, ...holds, ...holdingsOf({ id: by, person: person ?? '', holds })])
  if (person === undefined) return names
  names.add(person)
  for (const [account, key] of accountsOf(state)) if (key === person) names.add(account)
  for (const known of state.people.values()) {
    if (known.person !== person) continue
    for (const name of holdingsOf(known)) names.add(name)
  }
  return names
}

/** Whose accounts are, of all who have asked, agreed, set a lock or wanted one lifted. */
function accountsOf({ people, locks }: AccessState): ReadonlyMap<string, string> {
  const accounts = new Map<string, string>()
  for (const { by, person, liftAsked } of locks.values()) {
    if (person !== undefined) accounts.set(by, person)
    if (liftAsked !== undefined) accounts.set(liftAsked.by, liftAsked.person)
  }
  for (const { id, person } of people.values()) accounts.set(id, person)
  return accounts
}
