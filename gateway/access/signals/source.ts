/** Whose word a signal is, and what that word is good for. */
export interface SignalSource {
  /** Short name of the issuer, as in `user:<name>/<sub>`. */
  readonly name: string
  /** Its `iss` claim: the only one that the subjects of its signals may have. */
  readonly issuer: string
  /** Whether `sub` names the account; else accounts are named by another claim and not found by it. */
  readonly subIsAccount: boolean
  /** Whether its person key is the email address, so that one names a person. */
  readonly emailIsPerson: boolean
  /** No token or login of it outlives this; milliseconds. */
  readonly tokenMs: number
  /** How long a high risk locks when nothing takes it back; milliseconds. */
  readonly riskMs: number
}
