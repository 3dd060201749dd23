/** Texts of `WWW-Authenticate` and the resource metadata: constants and checked values only. */
import { GatewayError } from '../domain/errors.ts'
import type { Challenge } from '../domain/refusal.ts'

/** What every challenge of one listener says. */
export interface ChallengeOptions {
  /** Printable ASCII without quotes and backslashes, at most 128 characters. */
  readonly realm: string
  /** URL of the metadata document of RFC 9728. */
  readonly resourceMetadata?: string | undefined
}

/** Turns a challenge into the value of `WWW-Authenticate`. */
export type ChallengeWriter = (challenge: Challenge | undefined) => string

const DESCRIPTION: Readonly<
  Record<NonNullable<Challenge['error']> | 'insufficient_claims', string>
> = {
  invalid_request: 'The Authorization header is malformed',
  invalid_token: 'The access token is not accepted',
  insufficient_user_authentication: 'Stronger or fresher authentication is needed',
  insufficient_claims: 'The access token lacks an authentication context',
}

/** Characters of a quoted string that need no escaping (RFC 6750 §3, RFC 9110 §5.6.4). */
const QUOTABLE = /^[\x20\x21\x23-\x5b\x5d-\x7e]{1,512}$/
const MAX_AGE_MAX = 31_536_000

/**
 * Builds the writer. Nothing of a request can be reflected through it: the realm and the URL are
 * checked here, the descriptions are constants, and `acr_values` of another form is left out. Where
 * authentication contexts are missing, the error and the `claims` are those that clients of Entra
 * act on.
 * @throws ERR_CONFIG_INVALID for a realm or URL that cannot be quoted.
 * @see RFC 6750 §3, RFC 9470 §3, RFC 9728 §5.1
 */
export function createChallengeWriter(options: ChallengeOptions): ChallengeWriter {
  const { realm, resourceMetadata } = options
  if (!QUOTABLE.test(realm) || realm.length > 128) throw invalid('the realm cannot be quoted')
  if (resourceMetadata !== undefined) assertUrl(resourceMetadata, 'resource metadata')
  const suffix = resourceMetadata === undefined ? '' : `, resource_metadata="${resourceMetadata}"`
  return (challenge) => {
    const parts = [`Bearer realm="${realm}"`]
    const claims = claimsOf(challenge?.acrs)
    const error = claims === undefined ? challenge?.error : 'insufficient_claims'
    if (error !== undefined) {
      parts.push(`error="${error}"`)
      parts.push(`error_description="${DESCRIPTION[error]}"`)
    }
    if (claims !== undefined) parts.push(`claims="${claims}"`)
    const { acrValues, maxAge } = challenge ?? {}
    if (acrValues !== undefined && QUOTABLE.test(acrValues)) {
      parts.push(`acr_values="${acrValues}"`)
    }
    if (isMaxAge(maxAge)) parts.push(`max_age=${maxAge}`)
    return parts.join(', ') + suffix
  }
}

/**
 * The claims request for the first of `acrs`, base64 of JSON as Entra documents its claims challenge
 * (OpenID Connect Core §5.5.1). One context is asked for: any of them will do.
 */
function claimsOf(acrs: readonly string[] | undefined): string | undefined {
  const value = acrs?.[0]
  if (value === undefined || !/^[!#-[\]-~]{1,256}$/.test(value)) return undefined
  const request = { access_token: { acrs: { essential: true, value } } }
  return Buffer.from(JSON.stringify(request)).toString('base64')
}

function isMaxAge(value: number | undefined): value is number {
  return Number.isSafeInteger(value) && (value ?? -1) >= 0 && (value ?? 0) <= MAX_AGE_MAX
}

/** What the metadata document says of this gateway. */
export interface ProtectedResourceOptions {
  /** The gateway's public URL, without query and fragment. */
  readonly resource: string
  /** Issuers whose tokens are accepted. */
  readonly authorizationServers: readonly string[]
  readonly scopesSupported?: readonly string[] | undefined
  readonly resourceName?: string | undefined
  readonly resourceDocumentation?: string | undefined
}

/**
 * The document of `/.well-known/oauth-protected-resource`. Issuers without a URL of their own
 * (SPIFFE trust domains) are left out: clients could not fetch anything from them.
 * @throws ERR_CONFIG_INVALID when a URL is malformed.
 * @see RFC 9728 §2
 */
export function protectedResourceMetadata(
  options: ProtectedResourceOptions,
): Readonly<Record<string, unknown>> {
  const { resource, scopesSupported, resourceName, resourceDocumentation } = options
  assertUrl(resource, 'resource')
  if (resource.includes('?')) throw invalid('the resource URL must not have a query')
  return {
    resource,
    authorization_servers: options.authorizationServers.filter((issuer) =>
      /^https?:\/\//.test(issuer),
    ),
    bearer_methods_supported: ['header'],
    ...(scopesSupported === undefined ? {} : { scopes_supported: scopesSupported }),
    ...(resourceName === undefined ? {} : { resource_name: resourceName }),
    ...(resourceDocumentation === undefined
      ? {}
      : { resource_documentation: resourceDocumentation }),
  }
}

/** Where the metadata of `resource` is served: inserted between host and path. RFC 9728 §3.1 */
export function protectedResourceMetadataUrl(resource: string): string {
  assertUrl(resource, 'resource')
  const url = new URL(resource)
  const path = url.pathname === '/' ? '' : url.pathname
  return `${url.origin}/.well-known/oauth-protected-resource${path}`
}

function assertUrl(text: string, what: string): void {
  const sound = QUOTABLE.test(text) && !text.includes(' ') && !text.includes('#')
  if (!sound || !URL.canParse(text) || !/^https?:\/\//.test(text)) {
    throw invalid(`the ${what} URL is malformed`)
  }
}

function invalid(message: string): GatewayError {
  return new GatewayError('ERR_CONFIG_INVALID', message)
}
