/** The port to what rules and grants give; implemented where rooms are wired. */
import type { RequestStatus } from '../elevation.ts'
import type { ReviewScope } from '../review.ts'
import type { AccessState } from '../state.ts'
import type { ListedLine } from './lines.ts'

/** Privileges as they stand. */
export interface Listing {
  /** Revision of the rules. */
  readonly revision: string
  readonly lines: readonly ListedLine[]
  /** There are more than could be listed: narrow the scope. */
  readonly more: boolean
}

/** A privilege somebody has, or has asked for. */
export interface HeldPrivilege extends Omit<ListedLine, 'kind'> {
  readonly by: 'rule' | 'grant' | 'request'
  /** Of a grant; of a request, when it is forgotten if nobody decides. Milliseconds since the epoch. */
  readonly expiresAt?: number
  /** Of a request. */
  readonly status?: RequestStatus
}

/** Who has what. */
export interface WhoHas {
  readonly revision: string
  /** By rule, by grant, and pending; each in the order of a review. */
  readonly privileges: readonly HeldPrivilege[]
  readonly more: boolean
}

/** Lists privileges: those that rules give for good, and the grants that are alive. */
export interface PrivilegeListing {
  /** @throws ERR_STORE_UNAVAILABLE when the store does not say what was used */
  list(state: AccessState, now: number, scope: ReviewScope): Promise<Listing>
  /**
   * Who has it, and who has asked for it. A `holder` that is a user counts with the groups and roles
   * of their last token, as far as one was seen, and with what everybody has.
   * @throws ERR_STORE_UNAVAILABLE as {@link PrivilegeListing.list}
   */
  whoHas(state: AccessState, now: number, scope: ReviewScope): Promise<WhoHas>
  /**
   * Whether it is certain that nobody here has the name: a user of an issuer that is not configured, or
   * a role that comes to no user or group and that no issuer asserts. Of groups it is never certain.
   */
  isNobody(name: string): boolean
}
