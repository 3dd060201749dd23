/** How often somebody may call: token buckets in memory, bounded (threats §2.J 328). */
import type { Clock } from '../../domain/clock.ts'

/** How fast a bucket fills and how much it holds. */
export interface Rate {
  readonly perSecond: number
  readonly burst: number
}

/** Seconds to wait, or `undefined` when the call may go on. Nobody is kept out for longer than that. */
export type RateLimit = (key: string) => number | undefined

/** Those remembered; whoever has not called for longest is forgotten first. */
const KEYS_MAX = 10_000

interface Bucket {
  tokens: number
  at: number
}

/** One bucket for each key. */
export function createRateLimit(rate: Rate, clock: Pick<Clock, 'monotonicMs'>): RateLimit {
  const buckets = new Map<string, Bucket>()
  return (key) => {
    const now = clock.monotonicMs()
    const bucket = buckets.get(key) ?? { tokens: rate.burst, at: now }
    const filled = bucket.tokens + ((now - bucket.at) / 1_000) * rate.perSecond
    const tokens = Math.min(rate.burst, filled)
    const left = tokens < 1 ? tokens : tokens - 1
    // Set anew, so that the order of the map is that of the last calls.
    buckets.delete(key)
    buckets.set(key, { tokens: left, at: now })
    if (buckets.size > KEYS_MAX) buckets.delete(buckets.keys().next().value ?? '')
    return tokens < 1 ? Math.max(1, Math.ceil((1 - tokens) / rate.perSecond)) : undefined
  }
}

/** Calls of one address before anybody is authenticated, and of one principal after. */
const ADDRESS_RATE = { perSecond: 100, burst: 400 }
const PRINCIPAL_RATE = { perSecond: 20, burst: 200 }

/** How often the control API may be called. */
export interface CallRates {
  /** By {@link addressKey}. */
  readonly byAddress: RateLimit
  /** By id of the subject. */
  readonly byPrincipal: RateLimit
}

/** Empty ones. */
export function createCallRates(clock: Pick<Clock, 'monotonicMs'>): CallRates {
  return {
    byAddress: createRateLimit(ADDRESS_RATE, clock),
    byPrincipal: createRateLimit(PRINCIPAL_RATE, clock),
  }
}

/** The bucket of an address: an IPv6 network of 64 bits is one household. */
export function addressKey(address: string): string {
  if (!address.includes(':')) return address
  const mapped = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(address)?.[1]
  if (mapped !== undefined) return mapped
  return expanded(address).slice(0, 4).join(':')
}

function expanded(address: string): readonly string[] {
  const [head = '', tail] = address.replace(/%.*$/, '').split('::', 2)
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = Math.max(0, 8 - left.length - right.length)
  return [...left, ...Array.from({ length: zeros }, () => '0'), ...right]
}
