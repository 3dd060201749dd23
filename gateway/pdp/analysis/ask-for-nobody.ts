import type { AccessRequest, Environment } from '../../domain/access.ts'
import type { Resource } from '../../domain/vocabulary.ts'

/**
 * A request of a subject that holds and proves nothing, for conditions that read the resource or the
 * environment alone.
 */
export function askForNobody(resource: Resource, environment: Environment): AccessRequest {
  const { now } = environment
  return {
    subject: {
      id: 'user:analysis/nobody',
      issuer: 'urn:modelgate:analysis',
      issuerName: 'analysis',
      groups: [],
      roles: [],
      issuedAt: now,
      expiresAt: now,
      authentication: {},
      claims: new Map(),
    },
    action: 'read',
    resource,
    environment,
  }
}
