/** Security events of identity providers, verified, on their way to the locks they lead to. */

/** A verified Security Event Token (RFC 8417), or a logout token in the same form. */
export interface SecurityEventToken {
  /** The short name of the issuer whose subjects it speaks about. */
  readonly issuer: string
  readonly jti: string
  /** When it was signed; milliseconds since the epoch. */
  readonly issuedAt: number
  /** `toe`: when it happened (RFC 8417 §2.2), if it says so; milliseconds since the epoch. */
  readonly occurredAt?: number
  /** `sub_id` (RFC 9493) as it came: signed, but by software that may be wrong. */
  readonly subject: unknown
  /** From 1 to 8 events about the same occurrence. */
  readonly events: readonly SecurityEvent[]
}

/** One event. */
export interface SecurityEvent {
  /** Its URI. */
  readonly type: string
  /** As it came; read own members only. */
  readonly payload: Readonly<Record<string, unknown>>
}

/** Events of one token; more make it malformed. */
export const EVENTS_MAX = 8

/** The one event of a logout token (OpenID Connect Back-Channel Logout 1.0 §2.4). */
export const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'
