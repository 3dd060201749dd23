/** Closed lists of words that options of these verbs take: those of the control API, in its order. */

/** Where a request is. */
export const REQUEST_STATUSES = ['pending', 'approved', 'denied', 'cancelled', 'expired'] as const

/** Where a grant is. */
export const GRANT_STATUSES = ['sealed', 'waiting', 'active', 'expired', 'revoked'] as const

/** Where a lock is. */
export const LOCK_STATUSES = ['active', 'expired', 'lifted'] as const

/** Where a version is that came of a retraining. */
export const VERSION_STATUSES = ['restricted', 'released'] as const

/** What became of a line of a review. */
export const LINE_STATUSES = ['open', 'certified', 'revoked', 'lapsed', 'abandoned'] as const

/** What a review is of. */
export const PRIVILEGE_KINDS = ['standing', 'grant'] as const
