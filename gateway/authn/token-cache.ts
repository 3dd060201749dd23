/**
 * Remembers which tokens were verified, so that a known token costs a hash instead of a signature.
 * CVE-2026-35030 is what a truncated cache key does; this one is the digest of the whole token.
 */
import { hash } from 'node:crypto'
import type { Clock } from '../domain/clock.ts'
import type { VerifiedToken } from './verify.ts'

/** Counters since start, for metrics. */
export interface TokenCacheStats {
  readonly entries: number
  readonly hits: number
  readonly misses: number
}

/** A bounded LRU of verified tokens. Holds digests, never token texts; holds no refusals. */
export interface TokenCache {
  /** The verified token, when every ground it was verified on still stands. Synchronous. */
  get(text: string): VerifiedToken | undefined
  put(text: string, verified: VerifiedToken): void
  clear(): void
  stats(): TokenCacheStats
}

/** Entries kept when nothing else is said. */
export const CACHE_ENTRIES_DEFAULT = 10_000

/**
 * Builds the cache. An entry stands while the token is in its lifetime, its issuer's key set is the
 * one it was verified under and that set is not stale; the digest covers the whole token, and with
 * it header, issuer and signature. `entriesMax` 0 turns the cache off.
 */
export function createTokenCache(deps: {
  readonly clock: Clock
  readonly entriesMax: number
}): TokenCache {
  const entries = new Map<string, VerifiedToken>()
  let hits = 0
  let misses = 0
  return {
    get(text) {
      const key = digest(text)
      const entry = entries.get(key)
      if (entry === undefined) {
        misses++
        return undefined
      }
      entries.delete(key)
      if (!stands(entry, deps.clock.now())) {
        misses++
        return undefined
      }
      // Insertion order is age of use: the oldest entry is the first of the map.
      entries.set(key, entry)
      hits++
      return entry
    },
    put(text, verified) {
      if (deps.entriesMax === 0 || !stands(verified, deps.clock.now())) return
      if (entries.size >= deps.entriesMax) {
        const oldest = entries.keys().next()
        if (oldest.done !== true) entries.delete(oldest.value)
      }
      entries.set(digest(text), verified)
    },
    clear: () => entries.clear(),
    stats: () => ({ entries: entries.size, hits, misses }),
  }
}

function stands(entry: VerifiedToken, nowMs: number): boolean {
  const { keeper } = entry.issuer
  return (
    nowMs < entry.validUntilMs &&
    nowMs >= entry.validFromMs &&
    entry.generation === keeper.generation &&
    keeper.usable()
  )
}

/** One byte per character: a third of the memory of hex, and no decoding. */
function digest(text: string): string {
  return hash('sha256', text, 'binary')
}
