/** The view of a gateway to which nothing was ever asked, granted or locked. */
import type { AccessView } from './view.ts'

/** Fresh and empty: locks nobody, grants nothing, has revoked nothing. */
export const NO_ACCESS: AccessView = {
  fresh: true,
  stalenessMs: 0,
  now: () => 0,
  lockOn: () => undefined,
  findGrant: () => ({}),
  revokedBy: () => undefined,
  isRestricted: () => false,
  used: () => undefined,
  seen: () => undefined,
}
