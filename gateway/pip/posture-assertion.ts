/**
 * Posture from a signed assertion: a token of its own, from its own issuer, made for this caller.
 * It comes before everything a hop says, because nobody on the way can have changed it.
 */
import type { Authenticator } from '../domain/ports.ts'
import { isRefusal, refuse, type Refusal } from '../domain/refusal.ts'
import type { HeaderBag } from '../domain/request.ts'
import type { ClaimValue, DevicePosture, Subject } from '../domain/subject.ts'
import { valuesOf } from './trusted-hops.ts'

/** See {@link createAssertionReader}. */
export interface AssertionReaderOptions {
  /** Lower-case name of the header with the compact JWS. */
  readonly header: string
  /** Verifies assertions, and nothing else: it accepts no token of a caller. */
  readonly verifier: Authenticator
  /** Claim of the assertion that says whom it was made for; `sub` is its subject. */
  readonly subjectClaim: string
  /** Short names of the issuers whose callers assertions are made for. */
  readonly callerIssuers: ReadonlySet<string>
  /** Claim of the caller's token it must equal; the caller's id when absent. */
  readonly callerClaim: string | undefined
}

type Read = DevicePosture | Refusal | undefined

/** What reads an assertion. Synchronous when it was verified before. */
export type AssertionReader = (headers: HeaderBag, subject: Subject) => Read | Promise<Read>

/**
 * Creates a reader. `undefined` when no assertion is sent. `posture_invalid` when it does not
 * verify, says nothing of a device, or was made for somebody else: an assertion that fails is not
 * replaced by what a weaker source says. The keys of its issuer being away is 503.
 */
export function createAssertionReader(options: AssertionReaderOptions): AssertionReader {
  const { header, verifier } = options
  return (headers, subject) => {
    const [text, ...more] = valuesOf(headers, header)
    if (text === undefined) return undefined
    if (more.length > 0) return refuse('posture_invalid')
    const verified = verifier.authenticate(`Bearer ${text}`)
    return verified instanceof Promise
      ? verified.then((result) => postureFrom(result, subject, options))
      : postureFrom(verified, subject, options)
  }
}

function postureFrom(
  verified: Subject | Refusal,
  caller: Subject,
  options: AssertionReaderOptions,
): DevicePosture | Refusal {
  if (isRefusal(verified)) {
    // Whatever is wrong with it, the caller's own token is not: this is no 401.
    const { reason, retryAfter } = verified
    if (reason !== 'authn_keys_unavailable') return refuse('posture_invalid')
    return refuse(reason, retryAfter === undefined ? {} : { retryAfter })
  }
  // The same id from another issuer is another person.
  if (!options.callerIssuers.has(caller.issuerName)) return refuse('posture_invalid')
  const madeFor = claimOf(verified, options.subjectClaim)
  const asked = claimOf(caller, options.callerClaim ?? 'sub')
  const { device } = verified
  if (device === undefined || typeof madeFor !== 'string' || madeFor !== asked) {
    return refuse('posture_invalid')
  }
  // Claims without a date are as old as the assertion that carries them.
  return { ...device, assessedAt: device.assessedAt ?? verified.issuedAt, source: 'assertion' }
}

/** A claim conditions may test, or the id as it is in `user:<issuer name>/<id>`. */
function claimOf(subject: Subject, name: string): ClaimValue | undefined {
  if (name !== 'sub') return subject.claims.get(name)
  return subject.id.slice('user:'.length + subject.issuerName.length + '/'.length)
}
