/** Puts the facts about now and here together: one snapshot per request. */
import type { ClientAddress, Environment } from '../domain/access.ts'
import type { HeaderBag } from '../domain/request.ts'
import { isRefusal, type Refusal } from '../domain/refusal.ts'
import type { DevicePosture, Subject } from '../domain/subject.ts'
import type { PostureReader } from './device-posture.ts'

/** What the gatherer is made of. */
export interface EnvironmentGathererDeps {
  readonly readPosture: PostureReader
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
}

/** The environment, or `forwarded_invalid` when a trusted hop sends something ambiguous. */
export type EnvironmentGatherer = (request: GatherableRequest) => Environment | Refusal

/**
 * Creates a gatherer; it keeps nothing between requests. Posture claims of the verified token come
 * before the header of a trusted hop and are never mixed with it. A posture that is too old is
 * unknown, not false.
 */
export function createEnvironmentGatherer(deps: EnvironmentGathererDeps): EnvironmentGatherer {
  return ({ now, peer, client, headers, subject }) => {
    const device = subject.device ?? deps.readPosture(peer, headers, now)
    if (isRefusal(device)) return device
    const isOld = assessedAt(device, subject, now) < now - deps.postureAgeMaxMs
    return device === undefined || isOld ? { now, client } : { now, client, device }
  }
}

/**
 * When a posture was assessed. Undated claims are as old as the token that carries them; an undated
 * header is what the trusted hop says of this very request.
 */
function assessedAt(device: DevicePosture | undefined, subject: Subject, now: number): number {
  return device?.assessedAt ?? (device?.source === 'token' ? subject.issuedAt : now)
}
