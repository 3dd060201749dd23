/** Who acts on requests, grants, locks and reviews. */
import type { Subject } from '../domain/subject.ts'

/**
 * Somebody, as a verified token said when they acted. Distinctness is by `person`, never by account:
 * one human with two accounts is one person (threats §2.H 266).
 */
export interface Person {
  /** The person key: value of the claim that the issuer is configured with, prefixed `person:`. */
  readonly person: string
  /** `user:<issuer name>/<sub>`. */
  readonly id: string
  /** Groups and roles of the token, prefixes written. */
  readonly holds: readonly string[]
}

/**
 * The person behind `subject`, by its token of now; `undefined` when the token does not say which
 * person it is: then they may not act where people are counted.
 */
export function personOf(subject: Subject): Person | undefined {
  const { id, person, groups, roles } = subject
  return person === undefined ? undefined : { person, id, holds: [...groups, ...roles] }
}
