import type { SignatureAlgorithm } from '../algorithms.ts'
import type { JwksKeeper } from '../jwks-keeper.ts'

/** One transmitter whose signals are taken. */
export interface Transmitter {
  /** Short name of the issuer whose subjects it speaks about. */
  readonly name: string
  /** The `iss` of its tokens, byte for byte. */
  readonly issuer: string
  /** `aud` of Security Event Tokens; none are taken when empty. */
  readonly audiences: readonly string[]
  /** `aud` of logout tokens: client ids. None are taken when empty. */
  readonly logoutAudiences: readonly string[]
  readonly algorithms: readonly SignatureAlgorithm[]
  /** Tolerated difference of clocks. */
  readonly skewMs: number
  /** The value of `Authorization` that a push must come with, at this moment; none when absent. */
  readonly authorization?: () => string | undefined
  readonly keeper: JwksKeeper
}
