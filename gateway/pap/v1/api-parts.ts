import type { ElevationDeps } from '../../access/elevation/deps.ts'
import type { KnownNames } from '../../access/locks/names-nothing.ts'
import type { AccessReplica } from '../../access/replica.ts'
import type { PrivilegeListing } from '../../access/reviews/listing.ts'
import type { ApiCaller } from './api-caller.ts'

/** What routes work with besides the journal; each part is composed where rooms are wired. */
export interface ApiParts {
  /** The rules in force, and the call of `caller`, as commands on requests ask about them. */
  elevation(caller: ApiCaller): ElevationDeps
  /** Whether lifting a lock takes two people. */
  readonly secondPersonToLift: boolean
  /** What locks can be on. */
  readonly names: KnownNames
  /** What rules and grants give. */
  readonly privileges: PrivilegeListing
  /** For changes of several steps, whose first one is recorded and keyed as a change. */
  readonly run: AccessReplica['run']
}
