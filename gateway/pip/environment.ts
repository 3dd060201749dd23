/** Puts the facts about now and here together: one snapshot per request. */
import type { ClientAddress, Environment } from '../domain/access.ts'
import type { HeaderBag } from '../domain/request.ts'
import { isRefusal, type Refusal } from '../domain/refusal.ts'
import type { DevicePosture, Subject } from '../domain/subject.ts'
import type { CountryReader } from './country.ts'
import type { PostureReader } from './device-posture.ts'
import type { AssertionReader } from './posture-assertion.ts'

/** How far ahead of the gateway's clock another machine's may run, in milliseconds. */
const CLOCK_SKEW_MS = 60_000

/** What the gatherer is made of. */
export interface EnvironmentGathererDeps {
  readonly readPosture: PostureReader
  /** Reads the signed assertion of posture, where one is configured. */
  readonly readAssertion?: AssertionReader | undefined
  /** Says the country of a request, where anything does. */
  readonly readCountry?: CountryReader | undefined
  /** A posture assessed longer ago than this says nothing about now. Milliseconds. */
  readonly postureAgeMaxMs: number
}

/** What it looks at. */
export interface GatherableRequest {
  /** The one time of this request, milliseconds since the epoch. */
  readonly now: number
  /** Text of the TCP peer address. */
  readonly peer: string
  /** The client address as judged at admit. */
  readonly client: ClientAddress
  readonly headers: HeaderBag
  readonly subject: Subject
  /** Names in the client certificate of the TCP peer; none without one. */
  readonly peerNames: readonly string[]
}

/**
 * The environment; `forwarded_invalid` when a hop that is believed sends something ambiguous,
 * `posture_invalid` when an assertion of posture does not hold. Waits only for an assertion that
 * has not been verified before.
 */
export type EnvironmentGatherer = (
  request: GatherableRequest,
) => Environment | Refusal | Promise<Environment | Refusal>

/**
 * Creates a gatherer; it keeps nothing between requests. Posture comes from the strongest source
 * that says anything: a signed assertion, claims of the verified token, a hop with a certificate, a
 * hop with a trusted address; they are never mixed. A posture that is too old is unknown, not false;
 * so is one from the future, which would otherwise never grow old (milliseconds for seconds). The ids
 * of devices are kept whatever the age and the source, for locks: an old posture still says which
 * device it is. So a hop is read, and refused where it is ambiguous, beside a stronger source too.
 */
export function createEnvironmentGatherer(deps: EnvironmentGathererDeps): EnvironmentGatherer {
  return (request) => {
    const asserted = deps.readAssertion?.(request.headers, request.subject)
    return asserted instanceof Promise
      ? asserted.then((device) => environmentWith(device, request, deps))
      : environmentWith(asserted, request, deps)
  }
}

function environmentWith(
  asserted: DevicePosture | Refusal | undefined,
  request: GatherableRequest,
  deps: EnvironmentGathererDeps,
): Environment | Refusal {
  const { now, client, headers, subject } = request
  if (isRefusal(asserted)) return asserted
  const told = deps.readPosture(request, headers, now)
  if (isRefusal(told)) return told
  const device = asserted ?? subject.device ?? told
  const country = deps.readCountry?.(request)
  if (isRefusal(country)) return country
  const known = country === undefined ? { now, client } : { now, client, country }
  if (device === undefined) return known
  const ageMs = now - assessedAt(device, subject, now)
  const isDated = ageMs <= deps.postureAgeMaxMs && ageMs >= -CLOCK_SKEW_MS
  const devices = idsOf(asserted, subject.device, told)
  return {
    ...known,
    ...(isDated ? { device } : {}),
    ...(devices === undefined ? {} : { devices }),
  }
}

/** Every device that is named, so that no source hides from a lock what another one says. */
function idsOf(...told: readonly (DevicePosture | undefined)[]): readonly string[] | undefined {
  const ids = new Set<string>()
  for (const one of told) if (one?.id !== undefined) ids.add(one.id)
  return ids.size === 0 ? undefined : [...ids]
}

/**
 * When a posture was assessed. Undated claims are as old as the token that carries them; an undated
 * header is what the trusted hop says of this very request.
 */
function assessedAt(device: DevicePosture, subject: Subject, now: number): number {
  return device.assessedAt ?? (device.source === 'token' ? subject.issuedAt : now)
}
