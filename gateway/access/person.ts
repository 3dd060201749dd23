/** Who acts on requests, grants, locks and reviews. */

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
