import { GatewayError } from '../domain/errors.ts'

/** Times and bounds of keeping keys. */
export interface KeyPolicy {
  /** Between refreshes that succeed, ±10 %; a withdrawn key is gone after at most this. */
  readonly refreshMs: number
  /** How long the last good set may be used when it cannot be refreshed. */
  readonly maxStaleMs: number
  /** Least time between fetches that tokens with unknown keys ask for. */
  readonly cooldownMs: number
  readonly backoffBaseMs: number
  readonly backoffMaxMs: number
  /** Longest a request waits for a fetch. */
  readonly waitMs: number
  /** Most requests waiting for a fetch at once. */
  readonly waitersMax: number
}

/** A policy in which everything may be left out. */
export type KeyPolicyChanges = { readonly [K in keyof KeyPolicy]?: number | undefined }

/** Sound values for an issuer on the network. */
export const DEFAULT_KEY_POLICY: KeyPolicy = {
  refreshMs: 300_000,
  maxStaleMs: 3_600_000,
  cooldownMs: 2_000,
  backoffBaseMs: 1_000,
  backoffMaxMs: 300_000,
  waitMs: 8_000,
  waitersMax: 256,
}

/**
 * The default policy with what the operator changed.
 * @throws ERR_CONFIG_INVALID when a value is not positive, or when keys would go stale between two
 * refreshes that succeed.
 */
export function keyPolicy(changes: KeyPolicyChanges = {}): KeyPolicy {
  const given = Object.entries(changes).filter(([, value]) => value !== undefined)
  const policy = { ...DEFAULT_KEY_POLICY, ...(Object.fromEntries(given) as Partial<KeyPolicy>) }
  const broken = Object.entries(policy).find(([, value]) => !(value > 0 && Number.isFinite(value)))
  if (broken !== undefined) {
    throw new GatewayError('ERR_CONFIG_INVALID', `issuer keys: ${broken[0]} must be positive`)
  }
  if (policy.maxStaleMs < policy.refreshMs * 1.2) {
    throw new GatewayError(
      'ERR_CONFIG_INVALID',
      'issuer keys: the staleness bound must be at least 1.2 times the refresh interval',
    )
  }
  return policy
}
