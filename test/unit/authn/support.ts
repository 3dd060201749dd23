/** What the tests of this room share: time by hand, tokens of any shape, and a fake network. */
import { generateKeyPairSync, sign, type JsonWebKey, type KeyObject } from 'node:crypto'
import {
  createAuthenticator,
  type AuthenticatorDeps,
  type RunningAuthenticator,
} from '../../../gateway/authn/authenticator.ts'
import type { AuthnEvent } from '../../../gateway/authn/events.ts'
import type { IssuerOptions } from '../../../gateway/authn/issuer.ts'
import type { Timers } from '../../../gateway/authn/timers.ts'
import type { Clock } from '../../../gateway/domain/clock.ts'
import { isRefusal, type Refusal } from '../../../gateway/domain/refusal.ts'
import type { Subject } from '../../../gateway/domain/subject.ts'

export const NOW_MS = 1_790_000_000_000
export const NOW_S = NOW_MS / 1000
export const ISSUER = 'https://idp.example.com/realms/ml'

/** A clock and timers that move only when told; `advance` runs what falls due, in order. */
export class ManualTime implements Clock, Timers {
  #ms = 0
  #due: { readonly at: number; readonly run: () => void }[] = []

  now(): number {
    return NOW_MS + this.#ms
  }

  monotonicMs(): number {
    return this.#ms
  }

  schedule(run: () => void, delayMs: number): () => void {
    const entry = { at: this.#ms + delayMs, run }
    this.#due.push(entry)
    return () => {
      this.#due = this.#due.filter((other) => other !== entry)
    }
  }

  get pending(): number {
    return this.#due.length
  }

  async advance(ms: number): Promise<void> {
    const end = this.#ms + ms
    for (;;) {
      const next = this.#due.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0]
      if (next === undefined) break
      this.#due = this.#due.filter((other) => other !== next)
      this.#ms = Math.max(this.#ms, next.at)
      next.run()
      await settle()
    }
    this.#ms = end
    await settle()
  }
}

/** Lets promise chains, key imports included, run out. */
export async function settle(): Promise<void> {
  for (let i = 0; i < 8; i++) await new Promise((resolve) => setImmediate(resolve))
}

export interface TestKey {
  readonly alg: string
  readonly kid: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  readonly jwk: JsonWebKey & { kid: string; alg: string; use: string }
}

export function makeKey(alg: 'ES256' | 'RS256' | 'EdDSA', kid: string): TestKey {
  const pair =
    alg === 'ES256'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : alg === 'RS256'
        ? generateKeyPairSync('rsa', { modulusLength: 2048 })
        : generateKeyPairSync('ed25519')
  const jwk = { ...pair.publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' }
  return { alg, kid, ...pair, jwk }
}

export const base64url = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

export function signInput(input: string, key: TestKey): Buffer {
  const data = Buffer.from(input)
  if (key.alg === 'ES256') {
    return sign('sha256', data, { key: key.privateKey, dsaEncoding: 'ieee-p1363' })
  }
  return sign(key.alg === 'RS256' ? 'sha256' : null, data, key.privateKey)
}

export const goodHeader = (key: TestKey): Record<string, unknown> => ({
  alg: key.alg,
  kid: key.kid,
  typ: 'at+jwt',
})

export const goodClaims = (): Record<string, unknown> => ({
  iss: ISSUER,
  aud: 'modelgate',
  sub: 'alice',
  iat: NOW_S - 60,
  exp: NOW_S + 600,
  jti: 'token-1',
})

/** A signed token; header and payload may be objects or raw JSON text. */
export function forge(key: TestKey, payload: unknown = goodClaims(), header?: unknown): string {
  const input = `${base64url(header ?? goodHeader(key))}.${base64url(payload)}`
  return `${input}.${signInput(input, key).toString('base64url')}`
}

/** Good claims with changes; `undefined` removes a claim. */
export function withClaims(changes: Record<string, unknown>): Record<string, unknown> {
  return JSON.parse(JSON.stringify({ ...goodClaims(), ...changes })) as Record<string, unknown>
}

export const ISSUER_OPTIONS: IssuerOptions = {
  issuer: ISSUER,
  name: 'corp',
  preset: 'generic',
  audience: 'modelgate',
  keys: { jwksUri: 'https://idp.example.com/jwks' },
}

export interface Bench {
  readonly auth: RunningAuthenticator
  readonly time: ManualTime
  readonly events: AuthnEvent[]
  /** Replace to change what the network answers; throw to break it. */
  network: (url: string) => unknown
  /** URLs fetched so far. */
  readonly fetched: string[]
  check(authorization: string | undefined): Promise<Subject | Refusal>
  /** The reason for which a token is refused, or the subject's id. */
  verdict(token: string): Promise<string>
}

/** A started authenticator over fake time and a fake network that publishes `keys`. */
export async function bench(
  keys: readonly TestKey[],
  options: Partial<IssuerOptions> = {},
  more: Partial<AuthenticatorDeps> = {},
): Promise<Bench> {
  const time = new ManualTime()
  const events: AuthnEvent[] = []
  const fetched: string[] = []
  const self: { network: (url: string) => unknown } = {
    network: () => ({ keys: keys.map((key) => key.jwk) }),
  }
  const auth = createAuthenticator({
    issuers: [{ ...ISSUER_OPTIONS, ...options }],
    clock: time,
    timers: time,
    random: () => 0.5,
    onEvent: (event) => events.push(event),
    fetchJson: (url) => {
      fetched.push(url)
      return Promise.resolve().then(() => self.network(url))
    },
    ...more,
  })
  await auth.start()
  const check: Bench['check'] = async (authorization) => auth.authenticate(authorization)
  return Object.assign(self, {
    auth,
    time,
    events,
    fetched,
    check,
    verdict: async (token: string) => {
      const result = await check(`Bearer ${token}`)
      return isRefusal(result) ? result.reason : result.id
    },
  })
}

/** Narrows a result to a subject, or fails the test. */
export function subjectOf(result: Subject | Refusal): Subject {
  if (isRefusal(result)) throw new Error(`refused: ${result.reason}`)
  return result
}
