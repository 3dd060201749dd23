/** Where the keys of an issuer come from: a file, an address, or OpenID / OAuth discovery. */
import { open } from 'node:fs/promises'
import { GatewayError } from '../domain/errors.ts'
import { keyUrl, type FetchJson } from './http-fetch.ts'

/** Loads the JWK set anew. Bounded in time and size; the result is not trusted. */
export interface KeySource {
  /** @throws ERR_AUTHN_KEYS_UNAVAILABLE, ERR_AUTHN_DISCOVERY */
  load(): Promise<unknown>
}

/** Where to look. `jwksFile` wins over `jwksUri`, and either makes discovery unnecessary. */
export interface KeyLocation {
  /** Byte for byte the `issuer` that a discovery document must name. */
  readonly issuer: string
  readonly jwksUri?: string | undefined
  readonly jwksFile?: string | undefined
  /** PEM text that replaces the system's trust store. */
  readonly ca?: string | undefined
  /** File of a bearer token, read on every load; sent to `jwksUri` or to the issuer's origin. */
  readonly bearerTokenFile?: string | undefined
  readonly timeoutMs: number
  readonly bytesMax: number
}

/** Longest bearer token read from a file. */
const BEARER_BYTES_MAX = 16_384

/** Builds the source of a location. */
export function createKeySource(location: KeyLocation, fetchJson: FetchJson): KeySource {
  const { jwksFile, jwksUri } = location
  if (jwksFile !== undefined) {
    return { load: () => loadFile(jwksFile, location.bytesMax) }
  }
  if (jwksUri !== undefined) {
    return { load: async () => fetchFrom(jwksUri, location, fetchJson) }
  }
  return {
    async load() {
      const address = await discoverJwksUri(location, fetchJson)
      return fetchFrom(address, location, fetchJson)
    },
  }
}

async function fetchFrom(
  url: string,
  location: KeyLocation,
  fetchJson: FetchJson,
): Promise<unknown> {
  const parsed = keyUrl(url)
  if (parsed === undefined) throw discovery('the address of the keys is not https')
  const { timeoutMs, bytesMax, ca, bearerTokenFile } = location
  // The token goes only where the operator pointed, never where a document points.
  const home = location.jwksUri ?? location.issuer
  const own = URL.canParse(home) && new URL(home).origin === parsed.origin
  const bearer =
    bearerTokenFile === undefined || !own ? undefined : await readBearer(bearerTokenFile)
  return fetchJson(url, {
    timeoutMs,
    bytesMax,
    ...(ca === undefined ? {} : { ca }),
    ...(bearer === undefined ? {} : { bearer }),
  })
}

/**
 * The documents in the order they are tried: OpenID Connect Discovery 1.0 §4 appends to the issuer,
 * RFC 8414 §3.1 inserts between host and path.
 */
export function discoveryUrls(issuer: string): readonly string[] {
  if (keyUrl(issuer) === undefined || issuer.includes('?')) {
    throw discovery('the issuer is not an https URL: give jwks_uri or jwks_file')
  }
  const bare = issuer.endsWith('/') ? issuer.slice(0, -1) : issuer
  const origin = new URL(issuer).origin
  const path = new URL(bare).pathname.replace(/\/$/, '')
  return [
    `${bare}/.well-known/openid-configuration`,
    `${origin}/.well-known/oauth-authorization-server${path}`,
  ]
}

async function discoverJwksUri(location: KeyLocation, fetchJson: FetchJson): Promise<string> {
  let failure: unknown
  for (const url of discoveryUrls(location.issuer)) {
    let document: unknown
    try {
      document = await fetchFrom(url, location, fetchJson)
    } catch (error) {
      failure ??= error
      continue
    }
    return jwksUriOf(document, location.issuer)
  }
  throw new GatewayError('ERR_AUTHN_DISCOVERY', 'no discovery document can be had', {
    cause: failure,
  })
}

function jwksUriOf(document: unknown, issuer: string): string {
  const { issuer: named, jwks_uri: uri } = (document ?? {}) as Record<string, unknown>
  // Mix-up and hijack defence: the document must name exactly the issuer it was asked for.
  if (named !== issuer) throw discovery('the discovery document names another issuer')
  if (typeof uri !== 'string' || keyUrl(uri) === undefined) {
    throw discovery('the discovery document has no https jwks_uri')
  }
  return uri
}

async function loadFile(path: string, bytesMax: number): Promise<unknown> {
  const text = await readBounded(path, bytesMax)
  try {
    return JSON.parse(text) as unknown
  } catch (cause) {
    throw new GatewayError('ERR_AUTHN_KEYS_UNAVAILABLE', 'the key file is not JSON', { cause })
  }
}

async function readBearer(path: string): Promise<string> {
  const text = (await readBounded(path, BEARER_BYTES_MAX)).trim()
  if (/^[A-Za-z0-9._~+/=-]+$/.test(text)) return text
  throw new GatewayError('ERR_AUTHN_KEYS_UNAVAILABLE', 'the bearer token file holds no token')
}

/** Reads at most `bytesMax` bytes, whatever the size claims to be (a FIFO or /proc has none). */
async function readBounded(path: string, bytesMax: number): Promise<string> {
  try {
    const file = await open(path, 'r')
    try {
      const buffer = Buffer.alloc(bytesMax + 1)
      let length = 0
      while (length <= bytesMax) {
        const { bytesRead } = await file.read(buffer, length, bytesMax + 1 - length, null)
        if (bytesRead === 0) break
        length += bytesRead
      }
      if (length > bytesMax) throw new RangeError('too large')
      return buffer.toString('utf8', 0, length)
    } finally {
      await file.close()
    }
  } catch (cause) {
    throw new GatewayError('ERR_AUTHN_KEYS_UNAVAILABLE', 'a key file cannot be read', { cause })
  }
}

function discovery(message: string): GatewayError {
  return new GatewayError('ERR_AUTHN_DISCOVERY', message)
}
