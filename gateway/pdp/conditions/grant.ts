/**
 * Kind `grant`: the request makes use of a grant that is in force. Without one in the request it is
 * unknown, not false: what needs a grant is not permitted, and a deny that names it, negated or not,
 * still applies. One that has ended is known not to hold.
 */
import type { SpecOf } from '../../settings/schemas/conditions.ts'
import { durationText, fails, HOLDS, unknown, type Test } from './condition.ts'

const NONE = unknown('no grant is in use')
const ENDED = fails('the grant has ended')

/** Compiles a `grant` condition. */
export function grantTest(spec: SpecOf<'grant'>): Test {
  const maxMs = spec.max_remaining ?? Infinity
  const tooLong = fails(`the grant is in force for more than another ${durationText(maxMs)}`)
  return ({ environment: { grant, now } }) => {
    const leftMs = grant === undefined ? Number.NaN : grant.expiresAt - now
    if (!Number.isFinite(leftMs)) return NONE
    if (leftMs <= 0) return ENDED
    return leftMs <= maxMs ? HOLDS : tooLong
  }
}
