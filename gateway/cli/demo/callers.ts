import type { DevIssuer } from '../../authn/dev-issuer.ts'
import type { Clock } from '../../domain/clock.ts'

/** Somebody with a token. What the groups may do is said in `rules/policy.csv`. */
export interface Caller {
  readonly sub: string
  readonly groups: readonly string[]
  /** How they logged in (RFC 8176). */
  readonly amr: readonly string[]
  /** Shell variable that holds the token. */
  readonly variable: string
  readonly who: string
  /** The audience of the token; that of the data listener when absent. */
  readonly audience?: string
}

/** What the control API of the demo accepts tokens for (`listen.control.audience`). */
const CONTROL = 'modelgate-control'

/** Everybody who calls in the demo. */
export const CALLERS = {
  rita: {
    sub: 'rita',
    groups: ['interns'],
    amr: ['pwd'],
    variable: 'RITA',
    who: 'an intern: may read',
  },
  scorer: {
    sub: 'scorer',
    groups: ['applications'],
    amr: [],
    variable: 'SCORER',
    who: 'an application: may read and predict',
  },
  tom: {
    sub: 'tom',
    groups: ['ml-research'],
    amr: ['pwd', 'otp'],
    variable: 'TOM',
    who: 'a researcher: may retrain, once two people agree',
  },
  erinPassword: {
    sub: 'erin',
    groups: ['ml-platform'],
    amr: ['pwd'],
    variable: 'ERIN_PASSWORD',
    who: 'a platform engineer, logged in with a password alone',
  },
  erin: {
    sub: 'erin',
    groups: ['ml-platform'],
    amr: ['pwd', 'otp'],
    variable: 'ERIN',
    who: 'the same, with a second factor: may export',
  },
  tomControl: {
    sub: 'tom',
    groups: ['ml-research'],
    amr: ['pwd', 'otp'],
    variable: 'TOM_CONTROL',
    who: 'the researcher, for the control API: may ask for a training',
    audience: CONTROL,
  },
  olga: {
    sub: 'olga',
    groups: ['model-owners'],
    amr: ['pwd', 'otp'],
    variable: 'OLGA_CONTROL',
    who: 'an owner of models, for the control API: one of the two who must agree',
    audience: CONTROL,
  },
  sven: {
    sub: 'sven',
    groups: ['security'],
    amr: ['pwd', 'otp'],
    variable: 'SVEN_CONTROL',
    who: 'of security, for the control API: the other one; may lock',
    audience: CONTROL,
  },
} as const satisfies Record<string, Caller>

/** One of {@link CALLERS}. */
export type CallerName = keyof typeof CALLERS

/** Names of all callers. */
export const CALLER_NAMES = Object.keys(CALLERS) as readonly CallerName[]

/** What the gateway of the demo accepts at most (`max_token_lifetime`). */
const LIFETIME_S = 8 * 3600

/** The tokens of the callers. */
export interface Tokens {
  /** The caller's token: the same one each time, until {@link Tokens.renew}. */
  of(name: CallerName): Promise<string>
  /** Forgets all tokens, so that everybody logs in again. */
  renew(): void
}

/** Mints tokens at `issuer`, each once, with the time of `clock` as the moment of the login. */
export function createTokens(issuer: DevIssuer, clock: Clock): Tokens {
  const minted = new Map<CallerName, Promise<string>>()
  return {
    of(name) {
      const known = minted.get(name)
      if (known !== undefined) return known
      const { sub, groups, amr, audience = 'modelgate' }: Caller = CALLERS[name]
      const token = issuer.mint(
        {
          sub,
          aud: audience,
          client_id: 'modelgate-demo',
          groups: [...groups],
          ...(amr.length === 0 ? {} : { amr: [...amr], auth_time: Math.floor(clock.now() / 1000) }),
        },
        { lifetimeS: LIFETIME_S },
      )
      minted.set(name, token)
      return token
    },
    renew: () => minted.clear(),
  }
}
