/** Whose word a signal is, and what that word is good for. */
export interface SignalSource {
  /** Short name of the issuer, as in `user:<name>/<sub>`. */
  readonly name: string
  /** Its `iss` claim: the only one that the subjects of its signals may have. */
  readonly issuer: string
  /** Whether `sub` names the account; else accounts are named by another claim and not found by it. */
  readonly subIsAccount: boolean
  /**
   * Short names of the issuers, itself among them, whose accounts its word about a person or a device
   * locks: neither an email address nor the id of a device is any issuer's own.
   */
  readonly locksAccountsOf: readonly string[]
  /** Whether its person key is the email address, so that one names a person. */
  readonly emailIsPerson: boolean
  /** No token or login of it outlives this; milliseconds. */
  readonly tokenMs: number
  /** How long a high risk locks when nothing takes it back; milliseconds. */
  readonly riskMs: number
}
