/** From the options of `modelgate token mint` to the claims of the token. */
import { GatewayError } from '../domain/errors.ts'
import { duration } from '../settings/units.ts'
import { listOption, textOption } from './report.ts'
import type { OptionValues } from './verb.ts'

/** Claims by name. */
export type TokenClaims = Readonly<Record<string, unknown>>

/** Claims that have an option of their own, or that the issuer sets. */
const RESERVED: ReadonlyMap<string, string> = new Map([
  ['iss', '--host and --port'],
  ['sub', '--subject'],
  ['aud', '--audience'],
  ['exp', '--lifetime'],
  ['iat', '--lifetime'],
  ['roles', '--role'],
  ['groups', '--group'],
  ['amr', '--amr'],
])

const LIFETIME_MS_MAX = 24 * 3_600_000

/**
 * The claims that `options` ask for, `iss` and times aside. With `--amr`, the login was at `nowS`
 * (`auth_time`, seconds).
 * @throws ERR_USAGE
 */
export function claimsFrom(options: OptionValues, nowS: number): TokenClaims {
  const subject = textOption(options, 'subject')
  if (subject === undefined || subject === '') throw usage('--subject says who the token is for')
  const audience = named(options, 'audience')
  const amr = textOption(options, 'amr')?.split(',')
  if (amr?.includes('') === true) throw usage('--amr takes names with commas between, pwd,otp')
  return {
    client_id: 'modelgate-token',
    ...Object.fromEntries(listOption(options, 'claim').map(claimOf)),
    sub: subject,
    aud: audience.length > 1 ? audience : (audience[0] ?? 'modelgate'),
    ...listClaim('roles', named(options, 'role')),
    ...listClaim('groups', named(options, 'group')),
    ...(amr === undefined ? {} : { auth_time: nowS, amr }),
  }
}

function listClaim(name: string, values: readonly string[]): TokenClaims {
  return values.length === 0 ? {} : { [name]: values }
}

function named(options: OptionValues, name: string): readonly string[] {
  const values = listOption(options, name)
  if (values.includes('')) throw usage(`--${name} takes a name`)
  return values
}

/** `level=3` is a number, `employee=true` a boolean, `tags=["a"]` a list; the rest is text. */
function claimOf(text: string): [string, unknown] {
  const at = text.indexOf('=')
  const name = text.slice(0, at)
  if (at < 1) throw usage(`--claim takes NAME=VALUE, not ${JSON.stringify(text)}`)
  const instead = RESERVED.get(name)
  if (instead !== undefined) throw usage(`the claim ${name} comes from ${instead}`)
  const value = text.slice(at + 1)
  try {
    return [name, JSON.parse(value)]
  } catch {
    return [name, value]
  }
}

/** The lifetime in whole seconds: 15 minutes, or what is asked for, a day at most. @throws ERR_USAGE */
export function lifetimeFrom(options: OptionValues): number {
  const parsed = duration.safeParse(textOption(options, 'lifetime', '15m'))
  if (!parsed.success || parsed.data < 1000 || parsed.data > LIFETIME_MS_MAX) {
    throw usage('--lifetime takes 1s to 24h, such as 15m')
  }
  return Math.floor(parsed.data / 1000)
}

function usage(message: string): GatewayError {
  return new GatewayError('ERR_USAGE', message)
}
