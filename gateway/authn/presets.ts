/**
 * What the tokens of well-known issuers look like. Data only: every value can be overridden per
 * issuer. Claim names are those the vendors document for access tokens; where a vendor's access
 * tokens cannot be told from ID tokens by `typ`, other marks are named.
 */
import type { SignatureAlgorithm } from './algorithms.ts'

/** Names of {@link PRESETS}. */
export const PRESET_NAMES = [
  'keycloak',
  'okta',
  'auth0',
  'entra',
  'cognito',
  'google',
  'kubernetes',
  'github',
  'spiffe',
  'generic',
] as const

/** One of {@link PRESET_NAMES}. */
export type PresetName = (typeof PRESET_NAMES)[number]

/** How one kind of issuer writes its tokens. Claim paths are in {@link parseClaimPath} text. */
export interface Preset {
  readonly algorithms: readonly SignatureAlgorithm[]
  /** Accepted `typ` header values, compared without case and `application/`. */
  readonly tokenTypes: readonly string[]
  /** Whether a token without `typ` is accepted. */
  readonly typOptional: boolean
  /** Claims that must be present, besides `iss` and the audience claim. */
  readonly requiredClaims: readonly string[]
  /** Groups of claims of which one must be present: the mark of an access token. */
  readonly requiredAnyOf: readonly (readonly string[])[]
  /** Claims that must have exactly this string value. */
  readonly requiredValues: Readonly<Record<string, string>>
  /** Claims whose presence gives away an ID token, unless `typ` is `at+jwt`. */
  readonly idTokenClaims: readonly string[]
  /** Claim that must name this gateway. */
  readonly audienceClaim: string
  readonly subjectClaim: string
  readonly groups: readonly string[]
  /** `{audience}` stands for each configured audience. */
  readonly roles: readonly string[]
  readonly clientId: readonly string[]
  /** Where the token id is, first match wins. */
  readonly tokenId: readonly string[]
  /** Where the id of the login is, first match wins. */
  readonly sessionId: readonly string[]
  /** `string`: RFC 8693 §4.2 text. `list`: JSON list. */
  readonly scope: { readonly claim: string; readonly form: 'string' | 'list' | 'either' }
  /** Claims copied for conditions to test. */
  readonly claims: readonly string[]
  readonly maxLifetimeMs: number
  /** `use` values of keys that sign tokens. */
  readonly keyUses: readonly string[]
}

const HOUR_MS = 3_600_000

const GENERIC: Preset = {
  algorithms: ['RS256', 'PS256', 'ES256', 'EdDSA', 'Ed25519'],
  // RFC 9068 §2.1: an access token says that it is one.
  tokenTypes: ['at+jwt'],
  typOptional: false,
  requiredClaims: ['exp', 'iat', 'sub', 'jti'],
  requiredAnyOf: [],
  requiredValues: {},
  idTokenClaims: ['nonce', 'at_hash', 'c_hash'],
  audienceClaim: 'aud',
  subjectClaim: 'sub',
  groups: ['groups'],
  roles: ['roles'],
  clientId: ['client_id', 'azp'],
  tokenId: ['jti'],
  // OpenID Connect Front-Channel Logout 1.0 §3.
  sessionId: ['sid'],
  scope: { claim: 'scope', form: 'string' },
  claims: [],
  maxLifetimeMs: HOUR_MS,
  keyUses: ['sig'],
}

/** The presets by name. */
export const PRESETS: Readonly<Record<PresetName, Preset>> = {
  generic: GENERIC,
  keycloak: {
    ...GENERIC,
    tokenTypes: ['JWT', 'at+jwt'],
    // Its access tokens say so in a claim; older ones carry the nonce of the login as well.
    requiredValues: { typ: 'Bearer' },
    idTokenClaims: ['at_hash', 'c_hash'],
    roles: ['realm_access.roles', 'resource_access.{audience}.roles'],
    clientId: ['azp', 'client_id'],
    // Before version 24 the login was named here only.
    sessionId: ['sid', 'session_state'],
  },
  okta: {
    ...GENERIC,
    algorithms: ['RS256'],
    tokenTypes: ['JWT', 'at+jwt', 'okta-internal-at+jwt'],
    typOptional: true,
    requiredAnyOf: [['cid']],
    clientId: ['cid'],
    scope: { claim: 'scp', form: 'list' },
  },
  auth0: {
    ...GENERIC,
    algorithms: ['RS256', 'PS256'],
    tokenTypes: ['JWT', 'at+jwt'],
    requiredClaims: ['exp', 'iat', 'sub'],
    requiredAnyOf: [['azp', 'client_id']],
    clientId: ['azp', 'client_id'],
    claims: ['permissions', 'org_id'],
    maxLifetimeMs: 24 * HOUR_MS,
  },
  entra: {
    ...GENERIC,
    algorithms: ['RS256'],
    tokenTypes: ['JWT', 'at+jwt'],
    // `sub` is pairwise per application; `oid` is the person or service principal in the tenant.
    requiredClaims: ['exp', 'iat', 'sub', 'oid', 'tid'],
    requiredAnyOf: [['azp', 'appid']],
    subjectClaim: 'oid',
    clientId: ['azp', 'appid'],
    tokenId: ['jti', 'uti'],
    scope: { claim: 'scp', form: 'string' },
    claims: ['tid', 'idtyp', 'azpacr', 'wids', 'ver'],
    // Access tokens live 60 to 90 minutes at random, and `iat` lies five minutes back.
    maxLifetimeMs: 2 * HOUR_MS,
  },
  cognito: {
    ...GENERIC,
    algorithms: ['RS256'],
    tokenTypes: ['JWT', 'at+jwt'],
    typOptional: true,
    requiredClaims: ['exp', 'iat', 'sub'],
    requiredValues: { token_use: 'access' },
    // Access tokens have no `aud`: the client they were issued to is what can be checked.
    audienceClaim: 'client_id',
    groups: ['cognito:groups'],
    roles: [],
    clientId: ['client_id'],
    tokenId: ['jti', 'origin_jti'],
    // All tokens of one login name the first of them.
    sessionId: ['origin_jti'],
    claims: ['username', 'origin_jti'],
  },
  google: {
    ...GENERIC,
    algorithms: ['RS256'],
    tokenTypes: ['JWT'],
    requiredClaims: ['exp', 'iat', 'sub'],
    // Google gives services ID tokens; there is no JWT access token to mistake them for.
    idTokenClaims: [],
    groups: [],
    roles: [],
    clientId: ['azp'],
    claims: ['hd', 'email_verified'],
  },
  kubernetes: {
    ...GENERIC,
    algorithms: ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512'],
    tokenTypes: ['JWT'],
    typOptional: true,
    requiredClaims: ['exp', 'iat', 'sub'],
    requiredAnyOf: [['kubernetes.io']],
    idTokenClaims: [],
    groups: [],
    roles: [],
    clientId: [],
    claims: [
      'kubernetes\\.io.namespace',
      'kubernetes\\.io.serviceaccount.name',
      'kubernetes\\.io.pod.name',
      'kubernetes\\.io.node.name',
    ],
    // Projected tokens live 3607 s.
    maxLifetimeMs: 2 * HOUR_MS,
  },
  github: {
    ...GENERIC,
    algorithms: ['RS256'],
    tokenTypes: ['JWT'],
    idTokenClaims: [],
    groups: [],
    roles: [],
    clientId: [],
    claims: [
      'repository',
      'repository_id',
      'repository_owner',
      'repository_owner_id',
      'repository_visibility',
      'ref',
      'ref_type',
      'environment',
      'workflow_ref',
      'job_workflow_ref',
      'event_name',
      'actor',
      'runner_environment',
    ],
  },
  spiffe: {
    ...GENERIC,
    // JWT-SVID §2.1, §3: `iss`, `iat` and `jti` are not required; `typ` is absent, JWT or JOSE.
    algorithms: ['RS256', 'RS384', 'RS512', 'ES256', 'ES384', 'ES512', 'PS256', 'PS384', 'PS512'],
    tokenTypes: ['JWT', 'JOSE'],
    typOptional: true,
    requiredClaims: ['exp', 'sub'],
    idTokenClaims: [],
    groups: [],
    roles: [],
    clientId: [],
    // The bundle of a trust domain marks its keys `jwt-svid`, a discovery provider `sig`.
    keyUses: ['jwt-svid', 'sig'],
  },
}
