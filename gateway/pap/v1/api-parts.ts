import type { AccessReplica } from '../../access/replica.ts'
import type { PrivilegeListing } from '../../access/reviews/listing.ts'

/** What routes work with besides the journal; each part is composed where rooms are wired. */
export interface ApiParts {
  /** What the rules in force say of approvals. */
  readonly revision: () => string
  /** What rules and grants give. */
  readonly privileges: PrivilegeListing
  /** For changes of several steps, whose first one is recorded and keyed as a change. */
  readonly run: AccessReplica['run']
}
