/** Gathers what a decision needs to know besides who asks for what: one snapshot per request. */
import type { Environment, ResourceAttributes } from '../domain/access.ts'
import type { Clock } from '../domain/clock.ts'
import type { ResourceCatalog } from '../domain/ports.ts'
import type { HeaderBag } from '../domain/request.ts'
import { isRefusal, type Refusal } from '../domain/refusal.ts'
import type { Subject } from '../domain/subject.ts'
import type { Resource } from '../domain/vocabulary.ts'
import type { AddressResolver } from './client-address.ts'
import type { PostureReader } from './device-posture.ts'

/** What the gatherer is made of. */
export interface EnvironmentGathererDeps {
  readonly clock: Clock
  readonly resolveAddress: AddressResolver
  readonly readPosture: PostureReader
  /** The catalog of the revision in force; asked each time, since a reload replaces it. */
  readonly catalog: () => ResourceCatalog | undefined
}

/** What it looks at. */
export interface GatherableRequest {
  /** Text of the TCP peer address. */
  readonly peer: string
  readonly headers: HeaderBag
  readonly subject: Subject
}

/** Supplies attributes; keeps nothing between requests. */
export interface EnvironmentGatherer {
  /** The environment, or `forwarded_invalid` when a trusted hop sends something ambiguous. */
  gather(request: GatherableRequest): Environment | Refusal
  /** What is on file of a resource; `undefined` when nothing is. */
  attributesOf(resource: Resource): ResourceAttributes | undefined
}

/**
 * Creates a gatherer. Posture claims of the verified token come before the header of a trusted hop
 * and are never mixed with it; the time is read once.
 */
export function createEnvironmentGatherer(deps: EnvironmentGathererDeps): EnvironmentGatherer {
  return {
    gather({ peer, headers, subject }) {
      const now = deps.clock.now()
      const client = deps.resolveAddress(peer, headers)
      if (isRefusal(client)) return client
      const device = subject.device ?? deps.readPosture(peer, headers, now)
      if (isRefusal(device)) return device
      return device === undefined ? { now, client } : { now, client, device }
    },
    attributesOf: (resource) => deps.catalog()?.attributesOf(resource),
  }
}
