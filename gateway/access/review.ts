/** Reviews: somebody looks at every privilege there is, and says whether it stays. */

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
  readonly actions: readonly string[]
  readonly resources: readonly string[]
  /** Milliseconds since the epoch; absent when never, as far as is known. */
  readonly lastUsedAt?: number
  /** Its holder or its resource is known to nobody. */
  readonly ghost: boolean
  /** Who is to decide; anyone who may review when absent. */
  readonly assignee?: string
  readonly decision?: {
    readonly verdict: 'certify' | 'revoke'
    readonly by: string
    readonly at: number
    readonly comment?: string
  }
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
  readonly lines: readonly ReviewLine[]
  readonly closed?: { readonly by: string; readonly at: number }
}
