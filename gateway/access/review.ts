/** Reviews: somebody looks at every privilege there is, and says whether it stays. */

/** What somebody says of a line: it stays, or it goes at once. */
export type ReviewVerdict = 'certify' | 'revoke'

/** One privilege of one holder. */
export interface ReviewLine {
  /** Of the line within its review: `1`, `2`, … */
  readonly id: string
  readonly kind: 'standing' | 'grant'
  /** `user:…`, `group:…` or `role:…` who has it. */
  readonly holder: string
  /** The rule as written, or the id of the grant. */
  readonly privilege: string
  /** `policy.csv:12`, or the id of the request. */
  readonly source: string
  /** Who gave it: author of the rule's revision, or the approvers. */
  readonly givenBy: readonly string[]
  /** Milliseconds since the epoch; absent when that is not known. */
  readonly givenAt?: number
  readonly actions: readonly string[]
  readonly resources: readonly string[]
  /** Milliseconds since the epoch; absent when never, as far as is known. */
  readonly lastUsedAt?: number
  /** Its holder or its resource is known to nobody. */
  readonly ghost: boolean
  /** The campaign that took it away, while the rules still give it: to certify it gives it back. */
  readonly revokedIn?: string
  /** Who is to decide; anyone who may review when absent. */
  readonly assignee?: string
  readonly decision?: {
    readonly verdict: ReviewVerdict
    readonly by: string
    readonly at: number
    readonly comment?: string
  }
}

/** What a campaign is about; everything when empty. */
export interface ReviewScope {
  /** Only what reaches this resource. */
  readonly resource?: string
  /** Only what gives this action. */
  readonly action?: string
  /** Only what this one has; rows are then not known to be free to go for others. */
  readonly holder?: string
  readonly kind?: ReviewLine['kind']
}

/** A review campaign. */
export interface ReviewCampaign {
  /** `review-` and 26 characters. */
  readonly id: string
  readonly title: string
  readonly by: string
  readonly startedAt: number
  /** Lines without a decision lapse then: they count as revoked. */
  readonly dueAt: number
  /** Revision of the rules that were listed. */
  readonly revision: string
  readonly scope: ReviewScope
  /**
   * Lines it has once it is complete. A long campaign comes in several entries; until the last one
   * nothing in it can be decided, and nothing lapses.
   */
  readonly lineCount: number
  readonly lines: readonly ReviewLine[]
  readonly closed?: { readonly by: string; readonly at: number }
}
