/** What the journal's entries say. Facts only: folding them asks nobody and decides nothing. */
import type { ApprovalVote, ElevationGrant, ElevationRequest } from './elevation.ts'
import type { Drill, DrillReport, Lock } from './lock.ts'
import type { Notice } from './notice.ts'
import type { Person } from './person.ts'
import type { ReviewCampaign, ReviewLine } from './review.ts'
import type { BegunRegistration, RegisteredVersion, TrainingRun } from './version.ts'

/** Who did something when and why. */
interface Deed {
  readonly by: string
  readonly reason: string
}

/** One thing that happened. `type` names it in webhooks and exports too. */
export type AccessEvent =
  | { readonly type: 'request.created'; readonly request: ElevationRequest }
  /** A whole new version, without votes. */
  | { readonly type: 'request.edited'; readonly request: ElevationRequest }
  | {
      readonly type: 'request.voted'
      readonly id: string
      readonly version: number
      readonly vote: ApprovalVote
    }
  | ({ readonly type: 'request.denied'; readonly id: string } & Deed)
  | ({ readonly type: 'request.cancelled'; readonly id: string } & Deed)
  /** Closes the request as approved. */
  | { readonly type: 'grant.issued'; readonly grant: ElevationGrant }
  | ({ readonly type: 'grant.revoked'; readonly id: string } & Deed)
  /** Break-glass: the seal is opened. */
  | ({
      readonly type: 'grant.opened'
      readonly id: string
      readonly openedAt: number
      readonly expiresAt: number
    } & Deed)
  | {
      readonly type: 'grant.reviewed'
      readonly id: string
      readonly by: string
      readonly findings: string
    }
  | { readonly type: 'lock.set'; readonly lock: Lock }
  | ({ readonly type: 'lock.lift-asked'; readonly id: string; readonly person: string } & Deed)
  | {
      readonly type: 'lock.lifted'
      readonly id: string
      readonly by: readonly string[]
      readonly reason: string
    }
  | { readonly type: 'drill.begun'; readonly drill: Drill }
  | { readonly type: 'drill.reported'; readonly id: string; readonly report: DrillReport }
  /** A signal that asked for nothing that is done here; kept so that it is taken once. */
  | {
      readonly type: 'signal.received'
      readonly issuer: string
      readonly jti: string
      readonly event: string
    }
  /** What somebody holds now, learnt from a token of theirs (threats §2.H 268). */
  | { readonly type: 'person.seen'; readonly person: Person }
  /** With as many lines as fit into the entry. */
  | { readonly type: 'review.started'; readonly review: ReviewCampaign }
  | {
      readonly type: 'review.lines-added'
      readonly id: string
      readonly lines: readonly ReviewLine[]
    }
  | {
      readonly type: 'review.decided'
      readonly id: string
      readonly line: string
      readonly decision: NonNullable<ReviewLine['decision']>
    }
  | {
      readonly type: 'review.delegated'
      readonly id: string
      readonly line: string
      readonly to: string
      readonly by: string
    }
  | { readonly type: 'review.closed'; readonly id: string; readonly by: string }
  | { readonly type: 'training.begun'; readonly run: TrainingRun }
  | { readonly type: 'training.named'; readonly id: string; readonly upstreamRun: string }
  /** Is sent on now; told again as long as its answer is waited for. */
  | { readonly type: 'registration.begun'; readonly registration: Omit<BegunRegistration, 'since'> }
  /** Nothing came of it, or nothing of a training. */
  | { readonly type: 'registration.ended'; readonly id: string }
  | {
      readonly type: 'version.registered'
      readonly version: RegisteredVersion
      /** Id of the registration that ends with it. */
      readonly registration?: string
    }
  | ({ readonly type: 'version.released'; readonly model: string } & Deed)
  /** Of what happened beside the journal; see `notice.ts`. */
  | { readonly type: 'incident.raised'; readonly notice: Notice }
  | { readonly type: 'decision.refused'; readonly notice: Notice }
  | { readonly type: 'decision.exported'; readonly notice: Notice }

/** The name of a kind of event. */
export type AccessEventType = AccessEvent['type']

/** An event with what makes a repeated call of the API the same call. */
export interface JournalledEvent {
  /** Form of the entry: 1. */
  readonly v: number
  readonly event: AccessEvent
  /** Of the first event of a call that carried an Idempotency-Key. */
  readonly call?: IdempotentCall
  /**
   * Digest of the text of the entry that it was decided behind, 32 hexadecimal digits; written last.
   * Absent in the first entry, and in those of versions that did not write it.
   */
  readonly prev?: string
}

/** A call of the API that may be repeated. */
export interface IdempotentCall {
  /** `sha256:<hex>` of caller and key. */
  readonly key: string
  /** `sha256:<hex>` of method, path and canonical body. */
  readonly body: string
  /** Id of what it made or changed. */
  readonly result: string
}
