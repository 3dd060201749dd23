/** Requests that can still be decided on. */
import { decline, type Declined } from '../command.ts'
import type { ElevationRequest } from '../elevation.ts'
import { statusOf } from '../standing.ts'
import type { AccessState } from '../state.ts'

/** Whether a request waits for people. */
export function isPending(request: ElevationRequest, now: number): boolean {
  return statusOf(request, now) === 'pending'
}

/** The request, or why nothing can be done about it: `not_found` or `closed` (threats §2.H 269). */
export function pendingRequest(
  { requests }: Pick<AccessState, 'requests'>,
  id: string,
  now: number,
): ElevationRequest | Declined {
  const request = requests.get(id)
  if (request === undefined) return decline('not_found', 'There is no such request.')
  const status = statusOf(request, now)
  return status === 'pending' ? request : decline('closed', `The request is ${status}.`)
}
