import type { ElevationDeps } from '../../access/elevation/deps.ts'
import type { ApiCaller } from './api-caller.ts'

/** What routes work with besides the journal; each part is composed where rooms are wired. */
export interface ApiParts {
  /** The rules in force, and the call of `caller`, as commands on requests ask about them. */
  elevation(caller: ApiCaller): ElevationDeps
  /** Whether lifting a lock takes two people. */
  readonly secondPersonToLift: boolean
}
