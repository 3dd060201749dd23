/** A claim value as the gateway keeps it: scalars and flat lists only, copied by allow-list. */
export type ClaimValue = string | number | boolean | readonly (string | number | boolean)[]

/** How and when the subject authenticated, as its issuer says. Absent means unknown, never "no". */
export interface AuthenticationContext {
  /** RFC 8176 values; absent when the token carries none or not as a list of strings. */
  readonly amr?: readonly string[]
  readonly acr?: string
  /** Entra authentication-context ids. */
  readonly acrs?: readonly string[]
  /** `auth_time`, milliseconds since the epoch. */
  readonly authTime?: number
  /**
   * Whether a second factor was used, by the issuer's configured predicate over amr, acr and acrs.
   * Absent when none of the claims the predicate reads is present.
   */
  readonly mfa?: boolean
}

/** Posture of the device the request comes from. Absent fields are unknown, never false. */
export interface DevicePosture {
  readonly id?: string
  readonly managed?: boolean
  readonly compliant?: boolean
  readonly encrypted?: boolean
  readonly os?: string
  readonly osVersion?: string
  /** When the posture was assessed, milliseconds since the epoch. */
  readonly assessedAt?: number
  /**
   * Where it was learnt, strongest first: a signed posture assertion, the verified token, a hop that
   * proved itself with a client certificate, a hop trusted by its address.
   */
  readonly source: 'assertion' | 'token' | 'mtls-hop' | 'trusted-hop'
}

/**
 * Who asks, from a verified token. Every prefix is written, so that a user named `admin` never
 * becomes the role `admin`. Immutable and shared between requests with the same token.
 */
export interface Subject {
  /** `user:<issuer name>/<sub>`. */
  readonly id: string
  /** The `iss` claim, byte for byte. */
  readonly issuer: string
  /** The short name the operator gave the issuer. */
  readonly issuerName: string
  /** OAuth client id, from the issuer's configured claim. */
  readonly clientId?: string
  /** `group:<name>`, from the issuer's configured claim paths. */
  readonly groups: readonly string[]
  /** `role:<name>`, only those the issuer is configured to assert. */
  readonly roles: readonly string[]
  /** `jti`, where the token has one. */
  readonly tokenId?: string
  /** The login that the token came of, from the issuer's configured claim. */
  readonly sessionId?: string
  /**
   * Person key: `person:` and the value of the issuer's `person_claim`, trimmed, in lower case and
   * NFC; `person:<id>` where no claim is configured. Absent where the configured claim is not in the
   * token or no usable name: then nobody knows which person this is, and they count as nobody.
   */
  readonly person?: string
  /** Milliseconds since the epoch. */
  readonly issuedAt: number
  /** Milliseconds since the epoch; the token is refused from then on. */
  readonly expiresAt: number
  readonly authentication: AuthenticationContext
  /** Posture claims of the token, where its issuer is configured to assert them. */
  readonly device?: DevicePosture
  /** Claims that conditions may test, by claim path; only those the issuer config lists. */
  readonly claims: ReadonlyMap<string, ClaimValue>
}
