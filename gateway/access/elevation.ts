/** Elevation: what is asked for, what was agreed to, and the grant that came of it. */
import type { TrainingTerms } from '../domain/access.ts'
import type { Action } from '../domain/vocabulary.ts'
import type { Person } from './person.ts'

export type { DatasetTerm, TrainingTerms } from '../domain/access.ts'

/**
 * What is asked for. Its canonical form (RFC 8785) is what approvals sign: nothing that matters to an
 * approver may be outside of it.
 */
export interface ElevationTerms {
  /** `user:<issuer name>/<sub>` who will hold the grant: always the requester. */
  readonly holder: string
  readonly actions: readonly Action[]
  /** Exact: `model:<name>[@<version>]`, `dataset:<name>`, `server:<upstream>`. Never a wildcard. */
  readonly resources: readonly string[]
  /** Milliseconds since the epoch; from the approval on when absent. */
  readonly startsAt?: number
  /** How long the grant lives from its start. */
  readonly durationMs: number
  readonly usesMax?: number
  readonly bytesMax?: number
  /** `sha256:<hex>` of the one artifact an export is for. */
  readonly digest?: string
  readonly training?: TrainingTerms
  /** CIDRs that use must come from. */
  readonly networks?: readonly string[]
  /** Ids of devices that use must come from. */
  readonly devices?: readonly string[]
}

/** What an approver may make of the terms: only less. */
export interface Narrowing {
  readonly durationMs?: number
  readonly usesMax?: number
  readonly bytesMax?: number
  readonly networks?: readonly string[]
  readonly devices?: readonly string[]
}

/** So many people, each eligible by `from` and by `filter`. */
export interface Requirement {
  readonly count: number
  /** `group:…`, `role:…` or `user:…`: any of them; prefixes written. */
  readonly from: readonly string[]
  /** Expression over conditions of `conditions.yaml` that must hold for the approver's own call. */
  readonly filter?: string
}

/** One rule of approvals.yaml as it was when the request was made (threats §2.H 278). */
export interface RequirementSet {
  /** Its name in approvals.yaml. */
  readonly rule: string
  readonly requirements: readonly Requirement[]
  readonly denyBy: 'any-eligible' | 'nobody'
  /** Break-glass: who reviews what was done; any of these. */
  readonly reviewers?: readonly string[]
}

/** What the requester says besides the terms. Free text of strangers: escaped wherever it is shown. */
export interface Reasons {
  readonly justification: string
  readonly ticket?: string
  readonly riskAssessment?: string
  /** Objective criteria that approvals.yaml demands, by name, and the answer to each. */
  readonly criteria?: Readonly<Record<string, string>>
}

/** One person's word on one version of a request. */
export interface ApprovalVote {
  readonly by: Person
  readonly decision: 'approve' | 'deny'
  /** `sha256:<hex>` of the canonical request that was decided on. */
  readonly digest: string
  /** Filters (expressions) that held for this call. */
  readonly filtersHeld: readonly string[]
  readonly narrowing?: Narrowing
  readonly comment?: string
  readonly at: number
}

/** Where a request is. `approved`: the grant was issued. */
export type RequestStatus = 'pending' | 'approved' | 'denied' | 'cancelled' | 'expired'

/** A request for extra privilege. */
export interface ElevationRequest {
  /** `req-` and 26 characters of a UUIDv7 in Crockford base 32: sorts by time. */
  readonly id: string
  /** 1, and one more with every edit; an edit voids all votes (threats §2.H 271). */
  readonly version: number
  readonly kind: 'elevation' | 'break-glass'
  readonly by: Person
  readonly terms: ElevationTerms
  readonly reasons: Reasons
  readonly createdAt: number
  readonly expiresAt: number
  /** Every one must be satisfied; of this and of the rules in force, the stricter. */
  readonly demands: readonly RequirementSet[]
  /** `sha256:<hex>` of the canonical form of this version. */
  readonly digest: string
  /** Votes on this version. */
  readonly votes: readonly ApprovalVote[]
  /** As last decided; expiry is by the clock and not written here. */
  readonly status: Exclude<RequestStatus, 'expired'>
  /** The rule of automatic approval that gave it, if one did. */
  readonly auto?: string
  /** Set when approved. */
  readonly grant?: string
  /** Who ended it and why, when denied or cancelled. */
  readonly closed?: { readonly by: string; readonly at: number; readonly reason: string }
}

/** Privilege that came of an approved request. */
export interface ElevationGrant {
  /** `grant-` and the same digits as its request. */
  readonly id: string
  readonly request: string
  /** The terms, narrowed as approvers narrowed them. */
  readonly terms: ElevationTerms
  readonly holder: Person
  /** `sha256:<hex>` of the canonical request that was approved. */
  readonly digest: string
  readonly votes: readonly ApprovalVote[]
  readonly demands: readonly RequirementSet[]
  readonly auto?: string
  readonly issuedAt: number
  readonly startsAt: number
  readonly expiresAt: number
  /**
   * Break-glass: worth nothing until `openedAt`, then for `terms.durationMs`. Used once; until
   * `reviewed` is there, none of its holder's other seals can be opened.
   */
  readonly sealed?: {
    readonly openedAt?: number
    readonly reason?: string
    readonly reviewed?: { readonly by: string; readonly at: number; readonly findings: string }
  }
  readonly revoked?: { readonly by: string; readonly at: number; readonly reason: string }
}
