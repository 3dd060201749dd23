/**
 * Which header fields never cross the gateway as received (I3, I4). Data and total predicates; the
 * order in which they are applied is in `headers.ts`.
 */

/** Fields that belong to one connection, RFC 9110 §7.6.1, and framing, which is regenerated. */
export const HOP_BY_HOP: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-authentication-info',
])

/**
 * Fields that `Connection` cannot name away (I4): removing them would leave upstream and gateway
 * with two meanings of one message, or hide it from the response guard.
 */
export const END_TO_END: ReadonlySet<string> = new Set([
  'authorization',
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'date',
  'etag',
  'host',
  'link',
  'location',
  'set-cookie',
  'traceparent',
  'tracestate',
  'vary',
  'www-authenticate',
])

/** Identity, client address and country, posture and rewriting fields by exact name. */
const MANAGED: ReadonlySet<string> = new Set([
  'cf-connecting-ip',
  'cf-ipcountry',
  'client-ip',
  'fastly-client-ip',
  'forwarded',
  'true-client-ip',
  'x-client-dn',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-email',
  'x-groups',
  'x-host',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-ms-client-principal',
  'x-real-ip',
  'x-request-id',
  'x-role',
  'x-roles',
  'x-user',
  'x-user-email',
  'x-user-groups',
  'x-user-id',
  'x-user-name',
  'x-user-roles',
  'x-username',
])

/** The same by prefix. Each is a scheme some proxy uses to tell an upstream who is asking. */
const MANAGED_PREFIXES: readonly string[] = [
  'x-forwarded',
  'x-modelgate-',
  'x-auth-',
  'x-authenticated-',
  'x-authentik-',
  'x-original-',
  'x-rewrite-',
  'x-envoy-',
  'x-device-',
  'x-remote-',
  'remote-',
  'x-consumer-',
  'x-credential-',
  'x-webauth-',
  'x-pomerium-',
  'x-amzn-oidc-',
  'x-goog-iap-',
  'x-goog-authenticated-user-',
  'x-ms-client-principal-',
  'x-ssl-',
  'ssl-client-',
  'x-client-cert',
  'x-tls-client-',
  'x-gw-',
  'cf-access-',
  'cloudfront-viewer-',
  'x-appengine-',
  'x-geo-',
  'x-vercel-ip-',
]

/** The prefixes by their first letter: most fields are ruled out by it alone. */
const PREFIXES_BY_LETTER: ReadonlyMap<string, readonly string[]> = new Map(
  [...new Set(MANAGED_PREFIXES.map((prefix) => prefix.charAt(0)))].map((letter) => [
    letter,
    MANAGED_PREFIXES.filter((prefix) => prefix.startsWith(letter)),
  ]),
)

/** Response fields that steer a proxy in front of us, or name a way around us. */
const STEERING: ReadonlySet<string> = new Set([
  'alt-svc',
  'alt-used',
  'x-sendfile',
  'x-reproxy-url',
  'x-lighttpd-send-file',
])

/**
 * The one spelling of a field name: lower case, `_` read as `-` as CGI and WSGI upstreams do, so
 * that `X_Forwarded_User` is not a second way in (CVE-2025-64484).
 */
export function canonicalName(name: string): string {
  const lower = name.trim().toLowerCase()
  return lower.includes('_') ? lower.replaceAll('_', '-') : lower
}

/**
 * Whether a request field speaks of identity, client address, posture or rewriting, in any spelling.
 * Such fields are only ever written by the gateway.
 */
export function isManagedHeader(name: string): boolean {
  const canonical = canonicalName(name)
  if (MANAGED.has(canonical)) return true
  const prefixes = PREFIXES_BY_LETTER.get(canonical.charAt(0))
  return prefixes?.some((prefix) => canonical.startsWith(prefix)) === true
}

/** Whether a response field is for the gateway's side of the connection alone. */
export function isManagedResponseHeader(name: string): boolean {
  return (
    STEERING.has(name) ||
    name.startsWith('proxy-') ||
    name.startsWith('x-accel-') ||
    name.startsWith('x-modelgate-')
  )
}

/**
 * The names a `Connection` value lists, lower case, without those it cannot name (I4). Bounded by
 * the size of the header block.
 */
export function connectionNamed(value: string): ReadonlySet<string> {
  const names = new Set<string>()
  for (const token of value.split(',')) {
    const name = canonicalName(token)
    if (name !== '' && !END_TO_END.has(name)) names.add(name)
  }
  return names
}
