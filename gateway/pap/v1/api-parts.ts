/** What routes work with besides the journal; each part is composed where rooms are wired. */
export interface ApiParts {
  /** What the rules in force say of approvals. */
  readonly revision: () => string
}
