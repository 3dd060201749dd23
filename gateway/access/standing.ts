/** How requests, grants and locks stand at a moment; what expires does so by the clock alone. */
import type { ElevationGrant, ElevationRequest, RequestStatus } from './elevation.ts'
import type { Lock } from './lock.ts'
import { isInForce } from './locks/in-force.ts'

/** Where `request` is at `now`. */
export function statusOf(request: ElevationRequest, now: number): RequestStatus {
  const { status, expiresAt } = request
  return status === 'pending' && expiresAt <= now ? 'expired' : status
}

/** Where a grant is. `sealed`: break-glass that nobody has opened. */
export type GrantStatus = 'sealed' | 'waiting' | 'active' | 'expired' | 'revoked'

/** Where `grant` is at `now`. */
export function grantStatusOf(grant: ElevationGrant, now: number): GrantStatus {
  if (grant.revoked !== undefined) return 'revoked'
  if (grant.expiresAt <= now) return 'expired'
  if (grant.sealed !== undefined && grant.sealed.openedAt === undefined) return 'sealed'
  return grant.startsAt > now ? 'waiting' : 'active'
}

/** Whether `grant` is good for something at `now`. */
export function isActiveGrant(grant: ElevationGrant, now: number): boolean {
  return grantStatusOf(grant, now) === 'active'
}

/** Where a lock is. */
export type LockStatus = 'active' | 'expired' | 'lifted'

/** Where `lock` is at `now`. */
export function lockStatusOf(lock: Lock, now: number): LockStatus {
  if (lock.lifted !== undefined) return 'lifted'
  return isInForce(lock, now) ? 'active' : 'expired'
}
