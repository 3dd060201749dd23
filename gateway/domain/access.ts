import type { Action, Effect, Operation, Resource } from './vocabulary.ts'
import type { DevicePosture, Subject } from './subject.ts'
import type { Reason } from './reasons.ts'

/** The client's network address as judged. */
export interface ClientAddress {
  /** Canonical text: IPv4 dotted (v4-mapped IPv6 unmapped), or compressed lower-case IPv6. */
  readonly ip: string
  /** `peer`: the TCP peer. `forwarded`: walked from the right through trusted hops. */
  readonly source: 'peer' | 'forwarded'
}

/** The country a request comes from. */
export interface Country {
  /** ISO 3166-1 alpha-2, upper case. */
  readonly code: string
  /** Where it was learnt: a header of a trusted hop, or the operator's database of addresses. */
  readonly source: 'trusted-hop' | 'database'
}

/** Somebody agreed to what is asked for. */
export interface Approval {
  /** `user:<issuer name>/<sub>` of the one who agreed. */
  readonly by: string
  /** Everything that person held when agreeing: id, groups and roles, prefixes written. */
  readonly holds: readonly string[]
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** Time-limited extra privilege that the request makes use of. */
export interface GrantInUse {
  readonly id: string
  /** Milliseconds since the epoch; from then on it is worth nothing. */
  readonly expiresAt: number
}

/** A grant as it was given: what for, how often, how much, and by whom. */
export interface Grant extends GrantInUse {
  /** Holders: any of these ids, groups or roles, prefixes written. */
  readonly to: readonly string[]
  readonly actions: readonly Action[]
  /** Exact resources, with a version where only that one is meant. */
  readonly resources: readonly Resource[]
  /** Milliseconds since the epoch. */
  readonly startsAt: number
  /** Transfers it is good for; absent is any number. */
  readonly usesMax?: number
  /** Bytes of all transfers together. */
  readonly bytesMax?: number
  /** `sha256:<hex>` of the one artifact it is for. */
  readonly digest?: string
  readonly approvals: readonly Approval[]
  /** CIDRs that use must come from; anywhere when absent. */
  readonly networks?: readonly string[]
  /** Ids of devices that use must come from. */
  readonly devices?: readonly string[]
  /** Exactly what a retraining is for. */
  readonly training?: TrainingTerms
  /** Id of the request that it came of; absent where it is written in `grants.yaml`. */
  readonly request?: string
  /** It came of a seal that was opened in an emergency. */
  readonly breakGlass?: true
}

/** A dataset that training may use, and what it must consist of. */
export interface DatasetTerm {
  /** Name without prefix, as in `dataset:<name>`. */
  readonly name: string
  /** `sha256:<hex>`. */
  readonly digest: string
}

/** Exactly what a retraining is for; compared with the request that makes use of the grant. */
export interface TrainingTerms {
  readonly datasets: readonly DatasetTerm[]
  /**
   * `model:<name>[@<version>]` that is trained further, as requests name it; absent when it begins
   * from nothing.
   */
  readonly base?: string
  /** `model:<name>` that the result becomes a version of. */
  readonly destination: string
}

/** Facts about now and here, one snapshot per request, so that every condition sees one time. */
export interface Environment {
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly client: ClientAddress
  /** Absent when nobody vouches for one, or it is too old to say anything about now. */
  readonly device?: DevicePosture
  /**
   * Ids of devices that any source that is believed names, however old its posture is. For locks,
   * which take away; what gives something away goes by `device`.
   */
  readonly devices?: readonly string[]
  /** Absent means unknown. */
  readonly country?: Country
  /** Approvals on record for this operation by this subject; absent means that none are known. */
  readonly approvals?: readonly Approval[]
  readonly grant?: GrantInUse
}

/** What `rules/resources.yaml` says of a resource. Absent fields are unknown. */
export interface ResourceAttributes {
  readonly owner?: string
  readonly classification?: string
  readonly environment?: string
  readonly tags: readonly string[]
  /** Size of the artifact in bytes. */
  readonly bytes?: number
  /** `sha256:<hex>` of the artifact. */
  readonly digest?: string
  /** Of a dataset: whether models may be trained with it, whatever its classification. */
  readonly training?: 'allowed' | 'forbidden'
  /** Paths to fields of answers about it, and the class of data that stands there. */
  readonly fields?: Readonly<Record<string, string>>
}

/** The question put to the decision point (AuthZEN 1.0 §5 names). */
export interface AccessRequest {
  readonly subject: Subject
  readonly action: Action
  readonly resource: Resource
  readonly resourceAttributes?: ResourceAttributes | undefined
  readonly environment: Environment
}

/** A rule, by where it is written. */
export interface RuleReference {
  readonly file: string
  readonly line: number
  /** The rule as written, comments and padding removed. */
  readonly text: string
}

/** Truth of a condition: a missing attribute makes it unknown. Unknown never permits. */
export type Truth = 'true' | 'false' | 'unknown'

/** A named condition that kept a rule from applying. */
export interface FailedCondition {
  /** Its name in `conditions.yaml`. */
  readonly name: string
  readonly truth: 'false' | 'unknown'
  /** Why, in words, without personal data: `outside 08:00-18:00 Mon-Fri Europe/Berlin`. */
  readonly detail: string
}

/**
 * Something that must be done when permitted. One not understood is a refusal (XACML 3.0 §7.18).
 * Types and their parameters are in `obligations.ts`.
 */
export interface Obligation {
  readonly type: string
  readonly parameters: Readonly<Record<string, string | number | boolean | readonly string[]>>
  /** Where it is written: `limits.yaml:12`. */
  readonly source: string
}

/** What step-up would satisfy the conditions that failed (RFC 9470). */
export interface StepUp {
  /** Space-separated, any of which will do. */
  readonly acrValues?: string
  /** Authentication contexts (Entra `acrs`), any of which will do; set only when one is missing. */
  readonly acrs?: readonly string[]
  /** Seconds. */
  readonly maxAge?: number
}

/** The answer of the decision point to one {@link AccessRequest}. */
export interface Decision {
  readonly effect: Effect
  /** Set when the effect is not `permit`. */
  readonly reason?: Reason
  /** The rule that decided: the permitting or the denying one, or the nearest that failed. */
  readonly rule?: RuleReference
  readonly failedConditions: readonly FailedCondition[]
  /** SHA-256 over the rule files, `sha256:<hex>`. */
  readonly revision: string
  /** A sentence for a person: why, and what to do about it. */
  readonly explanation: string
  readonly obligations: readonly Obligation[]
  readonly stepUp?: StepUp
}

/** An operation with the decision made on it. */
export interface DecidedOperation extends Operation {
  readonly decision: Decision
}
