/**
 * An OpenID issuer for development and demonstrations: real discovery, real keys, real signatures,
 * no login. It only ever listens on loopback, so that it can never be mistaken for an identity
 * provider, and tokens are minted in the process, never over the network.
 */
import { randomUUID } from 'node:crypto'
import { createServer, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  calculateJwkThumbprint,
  exportJWK,
  generateKeyPair,
  importJWK,
  SignJWT,
  type CryptoKey,
  type JWK,
  type JWTPayload,
} from 'jose'
import type { Clock } from '../domain/clock.ts'
import { GatewayError } from '../domain/errors.ts'
import type { SignatureAlgorithm } from './algorithms.ts'
import { isLoopbackAddress } from './http-fetch.ts'

/** What a development issuer needs. */
export interface DevIssuerOptions {
  /** A literal loopback address. */
  readonly host: string
  /** 0 picks a free port. */
  readonly port: number
  readonly clock: Clock
  /** Default ES256. */
  readonly algorithm?: Extract<SignatureAlgorithm, 'RS256' | 'ES256' | 'EdDSA'> | undefined
  /** A private JWK kept from an earlier run, so that its tokens stay good. */
  readonly privateJwk?: JWK | undefined
}

/** How a token is minted. */
export interface MintOptions {
  readonly lifetimeS: number
  /** Default `at+jwt` (RFC 9068 §2.1). */
  readonly typ?: string | undefined
}

/** A running development issuer. */
export interface DevIssuer {
  /** `http://127.0.0.1:<port>`: the `iss` of every token it mints. */
  readonly issuer: string
  /** A signed token; `iss`, `iat`, `exp` and `jti` are set unless `claims` sets them. */
  mint(claims: JWTPayload, options: MintOptions): Promise<string>
  /** Signs with a new key from now on; the one before stays published. */
  rotate(): Promise<void>
  /** The current private key, for the caller to keep. */
  privateJwk(): Promise<JWK>
  close(): Promise<void>
}

interface SigningKey {
  readonly privateKey: CryptoKey
  readonly publicJwk: JWK
}

/** Keys published at once: the current one and the one before. */
const KEYS_PUBLISHED = 2

/**
 * Starts an issuer and resolves once it listens.
 * @throws ERR_USAGE for a host that is not a literal loopback address or a private key that cannot
 * be used, ERR_LISTEN when the port cannot be had.
 */
export async function createDevIssuer(options: DevIssuerOptions): Promise<DevIssuer> {
  const { host, clock, algorithm = 'ES256' } = options
  if (!isLoopbackAddress(host)) {
    throw new GatewayError('ERR_USAGE', 'the development issuer listens on loopback only')
  }
  const first =
    options.privateJwk === undefined
      ? await newKey(algorithm)
      : await keptKey(options.privateJwk, algorithm)
  let keys: readonly [SigningKey, ...SigningKey[]] = [first]
  const server = createServer()
  const issuer = await listen(server, options)
  // A failed accept must not take the process with it (I18).
  server.on('error', () => undefined)
  server.on('request', (request, response) => {
    const jwks = { keys: keys.map((key) => key.publicJwk) }
    answer(response, request.method === 'GET' ? documentAt(request.url, issuer, jwks) : undefined)
  })
  return {
    issuer,
    mint: (claims, { lifetimeS, typ = 'at+jwt' }) => {
      const iat = Math.floor(clock.now() / 1000)
      const jti = randomUUID()
      return new SignJWT({ iss: issuer, iat, exp: iat + lifetimeS, jti, ...claims })
        .setProtectedHeader({ alg: algorithm, typ, kid: keys[0].publicJwk.kid ?? '' })
        .sign(keys[0].privateKey)
    },
    rotate: async () => {
      keys = [await newKey(algorithm), ...keys.slice(0, KEYS_PUBLISHED - 1)]
    },
    privateJwk: () => exportJWK(keys[0].privateKey),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function newKey(algorithm: string): Promise<SigningKey> {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true })
  return signingKey(privateKey, algorithm)
}

async function keptKey(jwk: JWK, algorithm: string): Promise<SigningKey> {
  try {
    const key = await importJWK(jwk, algorithm, { extractable: true })
    if (!(key instanceof Uint8Array) && key.type === 'private') {
      return await signingKey(key, algorithm)
    }
  } catch {
    // Falls through: the reason would quote the key.
  }
  throw new GatewayError('ERR_USAGE', 'the kept key is not a private key for this algorithm')
}

async function signingKey(privateKey: CryptoKey, alg: string): Promise<SigningKey> {
  const exported = await exportJWK(privateKey)
  const jwk: Record<string, unknown> = { use: 'sig', alg }
  for (const name of ['kty', 'crv', 'x', 'y', 'n', 'e'] as const) {
    if (exported[name] !== undefined) jwk[name] = exported[name]
  }
  const kid = await calculateJwkThumbprint(jwk, 'sha256')
  return { privateKey, publicJwk: { ...(jwk as JWK), kid } }
}

function listen(server: Server, options: DevIssuerOptions): Promise<string> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause) => {
      const message = 'the development issuer cannot listen'
      reject(new GatewayError('ERR_LISTEN', message, { cause }))
    })
    server.listen(options.port, options.host, () => {
      const { port } = server.address() as AddressInfo
      const host = options.host.includes(':') ? `[${options.host}]` : options.host
      resolve(`http://${host}:${port}`)
    })
  })
}

function documentAt(path: string | undefined, issuer: string, jwks: unknown): unknown {
  if (path === '/jwks') return jwks
  if (path !== '/.well-known/openid-configuration') return undefined
  return {
    issuer,
    jwks_uri: `${issuer}/jwks`,
    // Required members of the document; there is nothing behind them here.
    authorization_endpoint: `${issuer}/authorize`,
    response_types_supported: ['none'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256', 'ES256', 'EdDSA'],
  }
}

function answer(response: ServerResponse, document: unknown): void {
  response.on('error', () => response.destroy())
  const found = document !== undefined
  response.writeHead(found ? 200 : 404, {
    'content-type': 'application/json',
    'cache-control': 'no-store',
  })
  response.end(JSON.stringify(found ? document : { error: 'not_found' }))
}
