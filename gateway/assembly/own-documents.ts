import { protectedResourceMetadata, protectedResourceMetadataUrl } from '../authn/challenge.ts'
import type { RequestTarget } from '../domain/request.ts'
import type { Answer } from '../pep/result.ts'
import type { Settings } from '../settings/settings.ts'

/** The gateway's URL as callers know it, as far as the configuration says. */
export function publicUrl(settings: Settings): string | undefined {
  return settings.publicUrl?.replace(/\/$/, '')
}

/**
 * The only document the data listener answers without a subject: the protected resource metadata
 * (RFC 9728 §3), an exact constant path, when `public_url` is configured. Nothing secret is in it.
 */
export function ownDocuments(settings: Settings): (target: RequestTarget) => Answer | undefined {
  const resource = publicUrl(settings)
  if (resource === undefined) return () => undefined
  const path = new URL(protectedResourceMetadataUrl(resource)).pathname
  const answer: Answer = {
    outcome: 'answered',
    status: 200,
    contentType: 'application/json',
    body: JSON.stringify(
      protectedResourceMetadata({
        resource,
        authorizationServers: settings.issuers.map(({ issuer }) => issuer),
        resourceName: 'Modelgate',
      }),
    ),
  }
  return (target) => (target.path === path && target.query === undefined ? answer : undefined)
}
