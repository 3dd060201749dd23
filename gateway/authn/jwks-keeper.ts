/**
 * Keeps the keys of one issuer in memory, fresh from outside: no request waits on the network,
 * except the first token signed with a key not yet seen. jose's own remote set fails every
 * verification once its cache is ten minutes old and refetches on each; this one keeps the last
 * good set for a bounded time, backs off, and says so.
 */
import type { CryptoKey } from 'jose'
import type { Clock } from '../domain/clock.ts'
import { GatewayError, type ErrorCode } from '../domain/errors.ts'
import type { OnAuthnEvent } from './events.ts'
import type { KeyPolicy } from './key-policy.ts'
import { importKeySet, type KeySet, type KeySetRules } from './key-set.ts'
import type { KeySource } from './key-source.ts'
import type { Timers } from './timers.ts'

/** What a keeper needs. */
export interface JwksKeeperDeps {
  /** The issuer's short name, for events. */
  readonly issuer: string
  readonly source: KeySource
  readonly rules: KeySetRules
  readonly policy: KeyPolicy
  readonly clock: Clock
  readonly timers: Timers
  /** Uniform in [0, 1). */
  readonly random: () => number
  readonly onEvent?: OnAuthnEvent | undefined
}

/** The answer to "which keys may have signed this?". */
export type KeyLookup =
  | {
      readonly status: 'found'
      readonly keys: readonly CryptoKey[]
      /** The generation these keys are of. */
      readonly generation: number
    }
  /** The issuer publishes no such key, as far as is known now. */
  | { readonly status: 'unknown' }
  /** The key is there but not for this algorithm: no fetch will change that. */
  | { readonly status: 'mismatch' }
  /** It cannot be known: no set, or one too stale, or the refetch failed. */
  | { readonly status: 'unavailable'; readonly retryAfterMs: number }

/** Keys of one issuer. Never throws, never rejects. */
export interface JwksKeeper {
  /** Grows by one whenever the set changes; 0 until the first set. */
  readonly generation: number
  /** Whether a set was ever had. */
  readonly loaded: boolean
  /** Whether the set in memory may still be used. */
  usable(): boolean
  /** Looks in memory only. */
  find(algorithm: string, kid: string | undefined): KeyLookup
  /** Looks again after one fetch begun no earlier than now, at most `waitMs` away. */
  findFresh(algorithm: string, kid: string | undefined): Promise<KeyLookup>
  /** Fetches now, back-off or not; joins a fetch under way. Resolves to whether it succeeded. */
  refresh(): Promise<boolean>
  /** Fetches, then keeps refreshing in the background. */
  start(): Promise<void>
  stop(): void
}

/** Builds the keeper of one issuer; nothing is fetched before it is asked for or started. */
export function createJwksKeeper(deps: JwksKeeperDeps): JwksKeeper {
  return new Keeper(deps)
}

class Keeper implements JwksKeeper {
  generation = 0
  #set: KeySet | undefined
  #fetchedAt = 0
  #failures = 0
  #attemptedAt: number | undefined
  #retryAt = 0
  #staleReported = false
  #running = false
  #waiters = 0
  #flight: Promise<boolean> | undefined
  #delayed: Promise<boolean> | undefined
  #cancelRefresh: (() => void) | undefined
  readonly #deps: JwksKeeperDeps

  constructor(deps: JwksKeeperDeps) {
    this.#deps = deps
  }

  get loaded(): boolean {
    return this.#set !== undefined
  }

  usable(): boolean {
    if (this.#set === undefined) return false
    const ageMs = this.#deps.clock.monotonicMs() - this.#fetchedAt
    if (ageMs <= this.#deps.policy.maxStaleMs) return true
    this.#reportStale(ageMs)
    return false
  }

  find(algorithm: string, kid: string | undefined): KeyLookup {
    // Before the first attempt has ended there is nothing to judge by: a fetch will tell.
    if (this.#set === undefined && this.#failures === 0) return { status: 'unknown' }
    if (this.#set === undefined || !this.usable()) return this.#unavailable()
    const keys = this.#set.find(algorithm, kid)
    if (keys.length > 0) return { status: 'found', keys, generation: this.generation }
    return { status: this.#set.has(kid) ? 'mismatch' : 'unknown' }
  }

  async findFresh(algorithm: string, kid: string | undefined): Promise<KeyLookup> {
    if (this.#waiters >= this.#deps.policy.waitersMax) return this.#unavailable()
    this.#waiters++
    try {
      const arrivedAt = this.#deps.clock.monotonicMs()
      let ok = await this.#withinWait(this.#nextFetch())
      let answer = this.find(algorithm, kid)
      // A fetch already under way may have read the set just before the new key was published.
      if (ok && answer.status === 'unknown' && (this.#attemptedAt ?? 0) < arrivedAt) {
        ok = await this.#withinWait(this.#nextFetch())
        answer = this.find(algorithm, kid)
      }
      return ok || answer.status === 'found' ? answer : this.#unavailable()
    } finally {
      this.#waiters--
    }
  }

  refresh(): Promise<boolean> {
    this.#flight ??= this.#attempt().finally(() => {
      this.#flight = undefined
    })
    return this.#flight
  }

  async start(): Promise<void> {
    this.#running = true
    await this.refresh()
  }

  stop(): void {
    this.#running = false
    this.#cancelRefresh?.()
    this.#cancelRefresh = undefined
  }

  /** The next fetch allowed: the one under way, or one after the cooldown; none in back-off. */
  #nextFetch(): Promise<boolean> {
    if (this.#flight !== undefined) return this.#flight
    const { clock, policy, timers } = this.#deps
    const now = clock.monotonicMs()
    if (this.#failures > 0) return now < this.#retryAt ? Promise.resolve(false) : this.refresh()
    if (this.#attemptedAt === undefined) return this.refresh()
    const waitMs = this.#attemptedAt + policy.cooldownMs - now
    if (waitMs <= 0) return this.refresh()
    // Everyone who asks during the cooldown waits for the same fetch at its end.
    this.#delayed ??= new Promise<void>((resolve) => {
      timers.schedule(resolve, waitMs)
    })
      .then(() => this.refresh())
      .finally(() => {
        this.#delayed = undefined
      })
    return this.#delayed
  }

  async #attempt(): Promise<boolean> {
    const { clock, source, rules } = this.#deps
    const startedAt = clock.monotonicMs()
    this.#attemptedAt = startedAt
    let ok = true
    try {
      this.#accept(await importKeySet(await source.load(), rules), startedAt)
    } catch (error) {
      ok = false
      this.#fail(error)
    }
    this.#scheduleRefresh()
    return ok
  }

  #accept(set: KeySet, startedAt: number): void {
    const { issuer, clock, onEvent } = this.#deps
    const before = this.#set
    this.#failures = 0
    this.#staleReported = false
    // Freshness counts from the moment of asking, not of hearing.
    this.#fetchedAt = startedAt
    this.#set = set
    if (before?.fingerprint !== set.fingerprint) {
      this.generation++
      const had = before?.thumbprints ?? []
      const added = set.thumbprints.filter((print) => !had.includes(print))
      const removed = had.filter((print) => !set.thumbprints.includes(print))
      onEvent?.({ type: 'keys_changed', issuer, generation: this.generation, added, removed })
    }
    const durationMs = clock.monotonicMs() - startedAt
    const keys = set.thumbprints.length
    onEvent?.({ type: 'keys_fetched', issuer, generation: this.generation, keys, durationMs })
  }

  #fail(error: unknown): void {
    const { issuer, policy, clock, random, onEvent } = this.#deps
    this.#failures++
    const exponent = Math.min(this.#failures - 1, 30)
    const ceiling = Math.min(policy.backoffMaxMs, policy.backoffBaseMs * 2 ** exponent)
    // Half fixed, half random: replicas that fail together do not come back together.
    const retryInMs = ceiling * (0.5 + random() / 2)
    this.#retryAt = clock.monotonicMs() + retryInMs
    const known = error instanceof GatewayError
    const code: ErrorCode = known ? error.code : 'ERR_AUTHN_KEYS_UNAVAILABLE'
    const message = known ? error.message : 'the keys cannot be loaded'
    const failures = this.#failures
    onEvent?.({ type: 'keys_failed', issuer, code, message, failures, retryInMs })
    this.usable()
  }

  #scheduleRefresh(): void {
    const { policy, clock, random, timers } = this.#deps
    this.#cancelRefresh?.()
    this.#cancelRefresh = undefined
    if (!this.#running) return
    const delayMs =
      this.#failures > 0
        ? Math.max(0, this.#retryAt - clock.monotonicMs())
        : policy.refreshMs * (0.9 + random() * 0.2)
    this.#cancelRefresh = timers.schedule(() => void this.refresh(), delayMs)
  }

  #withinWait(fetch: Promise<boolean>): Promise<boolean> {
    return new Promise((resolve) => {
      const cancel = this.#deps.timers.schedule(() => resolve(false), this.#deps.policy.waitMs)
      void fetch.then((ok) => {
        cancel()
        resolve(ok)
      })
    })
  }

  #unavailable(): KeyLookup {
    const retryAfterMs = Math.max(1_000, this.#retryAt - this.#deps.clock.monotonicMs())
    return { status: 'unavailable', retryAfterMs }
  }

  #reportStale(ageMs: number): void {
    if (this.#staleReported) return
    this.#staleReported = true
    this.#deps.onEvent?.({ type: 'keys_stale', issuer: this.#deps.issuer, ageMs })
  }
}
