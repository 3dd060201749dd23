/** One issuer as configured, merged over its preset and checked once at start. */
import { GatewayError } from '../domain/errors.ts'
import { isSignatureAlgorithm, type SignatureAlgorithm } from './algorithms.ts'
import { parseClaimPath, type ClaimPath } from './claim-path.ts'
import { PRESETS, type Preset, type PresetName } from './presets.ts'
import type { KeyPolicyChanges } from './key-policy.ts'

/** When a token shows that a second factor was used: any of the three lists matching. */
export interface MfaRule {
  /** RFC 8176 values. */
  readonly amr: readonly string[]
  readonly acr: readonly string[]
  /** Entra authentication-context ids. */
  readonly acrs: readonly string[]
}

/** RFC 8176 values that stand for more than a password. */
export const DEFAULT_MFA: MfaRule = {
  amr: ['mfa', 'mca', 'otp', 'hwk', 'swk', 'sc', 'fpt', 'face', 'iris', 'retina', 'vbm', 'sms'],
  acr: [],
  acrs: [],
}

/** Claim paths of device posture, where the issuer is trusted to assert them. */
export interface PosturePaths {
  readonly id?: string | undefined
  readonly managed?: string | undefined
  readonly compliant?: string | undefined
  readonly encrypted?: string | undefined
  readonly os?: string | undefined
  readonly osVersion?: string | undefined
  /** NumericDate, seconds. */
  readonly assessedAt?: string | undefined
}

/** What an operator says of one issuer. Fields of {@link Preset} override the preset's. */
export interface IssuerOptions extends Partial<{
  readonly [K in keyof Preset]: Preset[K] | undefined
}> {
  /** The `iss` claim byte for byte; for SPIFFE, `spiffe://<trust domain>`. */
  readonly issuer: string
  /** Short name: `[a-z0-9][a-z0-9._-]{0,62}`. Part of every subject id. */
  readonly name: string
  readonly preset: PresetName
  /** Accepted audiences; a token must have one of them. */
  readonly audience: string | readonly string[]
  /** Further accepted `iss` values of a SPIFFE trust domain whose server sets one. */
  readonly issClaims?: readonly string[] | undefined
  /** Whether a token must have exactly one audience. */
  readonly audienceSingle?: boolean | undefined
  /** Role names this issuer may assert; every other is ignored. None by default. */
  readonly roleNames?: readonly string[] | undefined
  readonly mfa?: Partial<MfaRule> | undefined
  readonly posture?: PosturePaths | undefined
  /** Path of the claim that says which person it is; see `Subject.person`. */
  readonly person?: string | undefined
  /** Tolerated difference of clocks. Default 30 s. */
  readonly clockSkewMs?: number | undefined
  readonly keys?: IssuerKeyOptions | undefined
}

/** Where the keys are, and how they are kept. Nothing given: discovery from the issuer URL. */
export interface IssuerKeyOptions extends KeyPolicyChanges {
  readonly jwksUri?: string | undefined
  readonly jwksFile?: string | undefined
  /** PEM text of certificates that replace the system's trust store. */
  readonly ca?: string | undefined
  readonly bearerTokenFile?: string | undefined
  /** RFC 7638 SHA-256 thumbprints; every other key is ignored. */
  readonly pins?: readonly string[] | undefined
  readonly timeoutMs?: number | undefined
  readonly bytesMax?: number | undefined
}

/** An issuer ready to verify by: paths parsed, lists sets. Immutable. */
export interface IssuerProfile {
  readonly issuer: string
  readonly name: string
  /** Accepted `iss` values; none of them need be present when `trustDomain` is set. */
  readonly issClaims: readonly string[]
  /** SPIFFE: the sub must be of this trust domain. */
  readonly trustDomain: string | undefined
  readonly audiences: readonly string[]
  readonly audienceSingle: boolean
  readonly algorithms: readonly SignatureAlgorithm[]
  /** Lower case, without `application/`. */
  readonly tokenTypes: ReadonlySet<string>
  readonly typOptional: boolean
  readonly requiredClaims: readonly string[]
  readonly requiredAnyOf: readonly (readonly string[])[]
  readonly requiredValues: readonly (readonly [string, string])[]
  readonly idTokenClaims: readonly string[]
  readonly audienceClaim: string
  readonly subjectClaim: string
  readonly groups: readonly ClaimPath[]
  readonly roles: readonly ClaimPath[]
  readonly roleNames: ReadonlySet<string>
  readonly clientId: readonly ClaimPath[]
  readonly tokenId: readonly ClaimPath[]
  readonly sessionId: readonly ClaimPath[]
  /** Absent: an account is a person. */
  readonly person: ClaimPath | undefined
  readonly scope: Preset['scope']
  /** Name under which conditions know the claim, and where it is. */
  readonly claims: readonly { readonly name: string; readonly path: ClaimPath }[]
  readonly mfa: MfaRule
  readonly posture: ReadonlyMap<keyof PosturePaths, ClaimPath> | undefined
  readonly maxLifetimeS: number
  readonly skewS: number
  readonly keyUses: readonly string[]
}

const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/
const TRUST_DOMAIN = /^spiffe:\/\/[a-z0-9._-]{1,255}$/
const SKEW_MS_DEFAULT = 30_000
const SKEW_MS_MAX = 300_000

/**
 * Merges the options over the preset and checks them.
 * @throws ERR_CONFIG_INVALID naming the issuer and what is wrong.
 */
export function issuerProfile(options: IssuerOptions): IssuerProfile {
  const { name, issuer } = options
  if (!NAME.test(name)) throw invalid(name, 'the name must match [a-z0-9][a-z0-9._-]*')
  if (issuer === '') throw invalid(name, 'the issuer is empty')
  const spiffe = options.preset === 'spiffe'
  if (spiffe && !TRUST_DOMAIN.test(issuer)) {
    throw invalid(name, 'the issuer of a SPIFFE preset must be spiffe://<trust domain>')
  }
  const merged = mergePreset(options)
  return {
    ...merged,
    issuer,
    name,
    issClaims: [issuer, ...(options.issClaims ?? [])],
    trustDomain: spiffe ? issuer : undefined,
    audiences: audiencesOf(options),
    audienceSingle: options.audienceSingle ?? false,
    algorithms: algorithmsOf(name, merged.algorithms),
    tokenTypes: new Set(merged.tokenTypes.map(normalType)),
    requiredValues: Object.entries(merged.requiredValues),
    groups: paths(name, merged.groups),
    roles: paths(name, expandAudience(merged.roles, audiencesOf(options))),
    roleNames: new Set(options.roleNames ?? []),
    clientId: paths(name, merged.clientId),
    tokenId: paths(name, merged.tokenId),
    sessionId: paths(name, merged.sessionId),
    person: options.person === undefined ? undefined : path(name, options.person),
    claims: merged.claims.map((text) => ({ name: text, path: path(name, text) })),
    mfa: { ...DEFAULT_MFA, ...options.mfa },
    posture: postureOf(options),
    maxLifetimeS: seconds(name, merged.maxLifetimeMs, 30 * 86_400_000),
    skewS: seconds(name, options.clockSkewMs ?? SKEW_MS_DEFAULT, SKEW_MS_MAX),
  }
}

/** `typ` values in the form they are compared in. @see RFC 7515 §4.1.9, RFC 9068 §4 */
export function normalType(typ: string): string {
  const lower = typ.toLowerCase()
  return lower.startsWith('application/') ? lower.slice('application/'.length) : lower
}

function mergePreset(options: IssuerOptions): Preset {
  const preset = PRESETS[options.preset]
  const changes = Object.entries(options).filter(
    ([key, value]) => Object.hasOwn(preset, key) && value !== undefined,
  )
  return { ...preset, ...(Object.fromEntries(changes) as Partial<Preset>) }
}

function audiencesOf(options: IssuerOptions): readonly string[] {
  const list = typeof options.audience === 'string' ? [options.audience] : options.audience
  if (list.length === 0 || list.includes('')) throw invalid(options.name, 'no audience is given')
  return list
}

function algorithmsOf(
  name: string,
  algorithms: readonly SignatureAlgorithm[],
): readonly SignatureAlgorithm[] {
  if (algorithms.length > 0 && algorithms.every(isSignatureAlgorithm)) return algorithms
  throw invalid(name, 'the algorithms must be asymmetric signature algorithms')
}

/** An audience with a dot in it is still one member name. */
function expandAudience(texts: readonly string[], audiences: readonly string[]): string[] {
  return texts.flatMap((text) =>
    text.includes('{audience}')
      ? audiences.map((audience) => text.replace('{audience}', () => escapeDots(audience)))
      : [text],
  )
}

function escapeDots(text: string): string {
  return text.replaceAll('.', '\\.')
}

function paths(name: string, texts: readonly string[]): readonly ClaimPath[] {
  return texts.map((text) => path(name, text))
}

function path(name: string, text: string): ClaimPath {
  const parsed = parseClaimPath(text)
  if (parsed === undefined) throw invalid(name, `the claim path ${JSON.stringify(text)} is invalid`)
  return parsed
}

function postureOf(options: IssuerOptions): IssuerProfile['posture'] {
  if (options.posture === undefined) return undefined
  const entries = Object.entries(options.posture) as [keyof PosturePaths, string | undefined][]
  return new Map(
    entries.flatMap(([field, text]) =>
      text === undefined ? [] : [[field, path(options.name, text)] as const],
    ),
  )
}

function seconds(name: string, ms: number, msMax: number): number {
  if (Number.isFinite(ms) && ms >= 0 && ms <= msMax) return Math.floor(ms / 1000)
  throw invalid(name, 'a duration is negative or too long')
}

function invalid(name: string, what: string): GatewayError {
  return new GatewayError('ERR_CONFIG_INVALID', `issuer ${JSON.stringify(name)}: ${what}`)
}
