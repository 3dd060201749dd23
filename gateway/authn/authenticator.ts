/** The authenticator of the gateway: several issuers, one cache, refusals instead of throws. */
import type { Clock } from '../domain/clock.ts'
import { GatewayError } from '../domain/errors.ts'
import type { Authenticator } from '../domain/ports.ts'
import { isRefusal, type Refusal } from '../domain/refusal.ts'
import type { Subject } from '../domain/subject.ts'
import { claim } from './claim-checks.ts'
import type { AuthnEvent, OnAuthnEvent } from './events.ts'
import type { FetchJson } from './http-fetch.ts'
import { issuerProfile, type IssuerOptions } from './issuer.ts'
import { createJwksKeeper, type JwksKeeper } from './jwks-keeper.ts'
import { keyPolicy } from './key-policy.ts'
import { createKeySource } from './key-source.ts'
import { refuseToken } from './refusals.ts'
import { unrefTimers, type Timers } from './timers.ts'
import { CACHE_ENTRIES_DEFAULT, createTokenCache, type TokenCacheStats } from './token-cache.ts'
import { bearerText, isGrammarFault, parseToken, type ParsedToken } from './token-grammar.ts'
import { verifyToken, type Issuer } from './verify.ts'

/** What the authenticator needs. */
export interface AuthenticatorDeps {
  readonly issuers: readonly IssuerOptions[]
  readonly clock: Clock
  readonly fetchJson: FetchJson
  /** Uniform in [0, 1), for jitter. */
  readonly random?: (() => number) | undefined
  readonly timers?: Timers | undefined
  readonly onEvent?: OnAuthnEvent | undefined
  /** Verified tokens remembered; 0 turns the cache off. */
  readonly cacheEntriesMax?: number | undefined
  /**
   * The authenticator before a reload: issuers whose keys are kept in the same way go on with its
   * keys, so that a change of configuration while an issuer is down loses none of them.
   */
  readonly inherit?: RunningAuthenticator | undefined
}

/** How the keys of one issuer stand, for the control plane and the readiness probe. */
export interface IssuerStatus {
  readonly name: string
  readonly generation: number
  /** Whether tokens of this issuer can be verified now. */
  readonly usable: boolean
}

/** An {@link Authenticator} with its background work. */
export interface RunningAuthenticator extends Authenticator {
  /** Whether every issuer has had keys at least once. */
  ready(): boolean
  /** Makes the first fetches and keeps refreshing. Never throws: a failure is an event. */
  start(): Promise<void>
  stop(): void
  /** Fetches the keys of every issuer now. Resolves to whether all fetches succeeded. */
  refreshKeys(): Promise<boolean>
  issuers(): readonly IssuerStatus[]
  cacheStats(): TokenCacheStats
  /** Hands over the keys of an issuer, and does not stop them any more. */
  release(fingerprint: string): JwksKeeper | undefined
}

const KEYS_TIMEOUT_MS = 5_000
const KEYS_BYTES_MAX = 256 * 1024

/**
 * Builds the authenticator.
 * @throws ERR_CONFIG_INVALID for an issuer that cannot be right, or two that claim one name or
 * one `iss`.
 */
export function createAuthenticator(deps: AuthenticatorDeps): RunningAuthenticator {
  const onEvent = guarded(deps.onEvent)
  const { byIss, list } = issuerIndex(deps, onEvent)
  const entriesMax = deps.cacheEntriesMax ?? CACHE_ENTRIES_DEFAULT
  const cache = createTokenCache({ clock: deps.clock, entriesMax })
  const released = new Set<Issuer>()

  const verify = async (token: ParsedToken, issuer: Issuer): Promise<Subject | Refusal> => {
    try {
      const verified = await verifyToken(token, issuer, { clock: deps.clock, onEvent })
      if (isRefusal(verified)) return verified
      cache.put(token.text, verified)
      return verified.subject
    } catch {
      // Not the token's doing as far as is known: fail closed without blaming the caller.
      return refuseToken('authn_keys_unavailable')
    }
  }

  return {
    authenticate(authorization) {
      if (authorization === undefined) return refuseToken('authn_missing')
      const text = bearerText(authorization)
      if (isGrammarFault(text)) return refuseFault(text, onEvent)
      const cached = cache.get(text)
      if (cached !== undefined) return cached.subject
      const token = parseToken(text)
      if (isGrammarFault(token)) return refuseFault(token, onEvent)
      const issuer = issuerOf(token, byIss)
      return issuer === undefined ? refuseToken('authn_issuer') : verify(token, issuer)
    },
    ready: () => list.every(({ keeper }) => keeper.loaded),
    start: async () => {
      await Promise.all(list.map(({ keeper }) => keeper.start()))
    },
    stop: () =>
      list.filter((issuer) => !released.has(issuer)).forEach(({ keeper }) => keeper.stop()),
    release: (fingerprint) => {
      const issuer = list.find((candidate) => candidate.fingerprint === fingerprint)
      if (issuer !== undefined) released.add(issuer)
      return issuer?.keeper
    },
    refreshKeys: async () =>
      (await Promise.all(list.map(({ keeper }) => keeper.refresh()))).every(Boolean),
    issuers: () => list.map(statusOf),
    cacheStats: () => cache.stats(),
  }
}

function statusOf({ profile, keeper }: Issuer): IssuerStatus {
  return { name: profile.name, generation: keeper.generation, usable: keeper.usable() }
}

function refuseFault(
  fault: Extract<ReturnType<typeof parseToken>, { ok: false }>,
  onEvent: (event: AuthnEvent) => void,
): Refusal {
  if (fault.member !== undefined) onEvent({ type: 'header_refused', member: fault.member })
  const refusal = refuseToken(fault.reason)
  return fault.otherScheme === true ? { ...refusal, challenge: {} } : refusal
}

/** By `iss`, byte for byte (I19); without one, by the SPIFFE trust domain in `sub`. */
function issuerOf(token: ParsedToken, byIss: ReadonlyMap<string, Issuer>): Issuer | undefined {
  const iss = claim(token.claims, 'iss')
  if (typeof iss === 'string') return byIss.get(iss)
  const sub = claim(token.claims, 'sub')
  if (iss !== undefined || typeof sub !== 'string' || !sub.startsWith('spiffe://')) return undefined
  const end = sub.indexOf('/', 'spiffe://'.length)
  const issuer = end < 0 ? undefined : byIss.get(sub.slice(0, end))
  return issuer?.profile.trustDomain === undefined ? undefined : issuer
}

function issuerIndex(
  deps: AuthenticatorDeps,
  onEvent: OnAuthnEvent,
): { readonly byIss: ReadonlyMap<string, Issuer>; readonly list: readonly KeptIssuer[] } {
  const byIss = new Map<string, Issuer>()
  const names = new Set<string>()
  const list = deps.issuers.map((options) => buildIssuer(options, deps, onEvent))
  for (const issuer of list) {
    const { name, issClaims } = issuer.profile
    const taken = names.has(name) || issClaims.some((iss) => byIss.has(iss))
    if (taken) {
      throw new GatewayError('ERR_CONFIG_INVALID', `issuer "${name}": name or issuer used twice`)
    }
    names.add(name)
    for (const iss of issClaims) byIss.set(iss, issuer)
  }
  return { byIss, list }
}

/** An issuer, and what its keys are kept by. */
interface KeptIssuer extends Issuer {
  readonly fingerprint: string
}

function buildIssuer(
  options: IssuerOptions,
  deps: AuthenticatorDeps,
  onEvent: OnAuthnEvent,
): KeptIssuer {
  const profile = issuerProfile(options)
  const {
    jwksUri,
    jwksFile,
    ca,
    bearerTokenFile,
    pins,
    timeoutMs = KEYS_TIMEOUT_MS,
    bytesMax = KEYS_BYTES_MAX,
    ...policy
  } = options.keys ?? {}
  const location = { issuer: profile.issuer, jwksUri, jwksFile, ca, bearerTokenFile }
  const rules = { algorithms: profile.algorithms, keyUses: profile.keyUses, pins }
  const kept = { name: profile.name, location, timeoutMs, bytesMax, rules, policy }
  const fingerprint = JSON.stringify(kept)
  const inherited = deps.inherit?.release(fingerprint)
  if (inherited !== undefined) return { profile, keeper: inherited, fingerprint }
  const keeper = createJwksKeeper({
    issuer: profile.name,
    source: createKeySource({ ...location, timeoutMs, bytesMax }, deps.fetchJson),
    rules,
    policy: keyPolicy(policy),
    clock: deps.clock,
    timers: deps.timers ?? unrefTimers,
    random: deps.random ?? Math.random,
    onEvent,
  })
  return { profile, keeper, fingerprint }
}

/** Listeners must not throw; one that does must not turn a good fetch into a failed one. */
function guarded(onEvent: OnAuthnEvent | undefined): OnAuthnEvent {
  return (event) => {
    try {
      onEvent?.(event)
    } catch {
      // Nobody to tell: the listener is the one who would have been told.
    }
  }
}
