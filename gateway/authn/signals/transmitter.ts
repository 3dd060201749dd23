import type { SignatureAlgorithm } from '../algorithms.ts'
import type { JwksKeeper } from '../jwks-keeper.ts'

/** One transmitter whose tokens of one kind are taken. */
export interface Transmitter {
  /** Short name of the issuer whose subjects it speaks about. */
  readonly name: string
  /** The `iss` of its tokens, byte for byte. */
  readonly issuer: string
  /** `aud` of its tokens, client ids for logout tokens; none are taken when empty. */
  readonly audiences: readonly string[]
  readonly algorithms: readonly SignatureAlgorithm[]
  /** Tolerated difference of clocks. */
  readonly skewMs: number
  /** The value of `Authorization` that a push must come with, at this moment; none when absent. */
  readonly authorization?: () => string | undefined
  readonly keeper: JwksKeeper
}

/**
 * Who sends what. Logout tokens come from the identity provider itself and are signed as its ID
 * tokens are; Security Event Tokens may come from somebody else who speaks about the same subjects.
 */
export interface Transmitters {
  /** Of Security Event Tokens. */
  readonly event: readonly Transmitter[]
  /** Of logout tokens. */
  readonly logout: readonly Transmitter[]
}
