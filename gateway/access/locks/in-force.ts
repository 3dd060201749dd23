/** Which locks count. */
import type { Lock } from '../lock.ts'

/** Whether `lock` counts at `now`: nobody lifted it, and its time is not over. */
export function isInForce({ lifted, expiresAt }: Lock, now: number): boolean {
  return lifted === undefined && (expiresAt === undefined || expiresAt > now)
}

/** The older of two locks comes first; of two of the same millisecond, the one with the lesser id. */
export function byAge(a: Lock, b: Lock): number {
  if (a.at !== b.at) return a.at - b.at
  return a.id < b.id ? -1 : Number(a.id > b.id)
}
