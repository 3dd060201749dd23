/**
 * The country of a request: what a trusted hop writes in one header, or what a database says of the
 * client address. Never both, and never what an untrusted peer claims.
 */
import type { ClientAddress, Country } from '../domain/access.ts'
import { COUNTRY_CODES } from '../domain/countries.ts'
import type { HeaderBag } from '../domain/request.ts'
import { refuse, type Refusal } from '../domain/refusal.ts'
import { createTrustedHops, parsePeer, valuesOf } from './trusted-hops.ts'

/** What looks a country up; see {@link createCountryReader}. */
export interface CountrySource {
  /** ISO 3166-1 alpha-2 of an address in canonical text, where it is known. Never throws. */
  countryOf(ip: string): string | undefined
}

/** Exactly one of the two. */
export type CountryReaderOptions =
  | {
      /** Canonical CIDRs. Empty: the header is never read. */
      readonly trustedProxies: readonly string[]
      /** Lower-case name. */
      readonly header: string
    }
  | { readonly database: CountrySource }

/** What a country is read from. */
export interface LocatableRequest {
  /** Text of the TCP peer address. */
  readonly peer: string
  readonly client: ClientAddress
  readonly headers: HeaderBag
}

/** The country, `undefined` when it is unknown, or `forwarded_invalid`. */
export type CountryReader = (request: LocatableRequest) => Country | Refusal | undefined

/** Addresses and peers that are remembered; the answer depends on nothing else. */
const REMEMBERED_MAX = 4096

/**
 * Creates a reader. From a header of a trusted peer: two capital letters that are a country give it;
 * two capitals or digits that are none (`XX`, `T1` of Cloudflare, `ZZ`) are unknown; a repeated
 * header, a list, lower case and anything else is refused (I13). From a database: the country of the
 * client address as judged. The memory is bounded, and asking again costs one look into it.
 * @throws ERR_CONFIG_INVALID on a malformed CIDR
 */
export function createCountryReader(options: CountryReaderOptions): CountryReader {
  return 'database' in options
    ? databaseReader(options.database)
    : headerReader(options.header, options.trustedProxies)
}

function databaseReader(database: CountrySource): CountryReader {
  const countries = countriesOf('database')
  const countryOf = remembered((ip) => countries.get(database.countryOf(ip) ?? ''))
  return ({ client }) => countryOf(client.ip)
}

function headerReader(header: string, trustedProxies: readonly string[]): CountryReader {
  if (trustedProxies.length === 0) return () => undefined
  const countries = countriesOf('trusted-hop')
  const isTrustedHop = createTrustedHops(trustedProxies)
  const isTrusted = remembered((peer) => {
    const ip = parsePeer(peer)
    return ip !== undefined && isTrustedHop(ip)
  })
  return ({ peer, headers }) => {
    if (!isTrusted(peer)) return undefined
    const [code, ...more] = valuesOf(headers, header)
    if (code === undefined) return undefined
    // Two values are one from the hop and one from the client, in an order nobody promises.
    if (more.length > 0 || !/^[A-Z][A-Z0-9]$/.test(code)) return refuse('forwarded_invalid')
    return countries.get(code)
  }
}

/** One immutable value per country. */
function countriesOf(source: Country['source']): ReadonlyMap<string, Country> {
  return new Map([...COUNTRY_CODES].map((code) => [code, Object.freeze({ code, source })]))
}

function remembered<T>(answer: (text: string) => T): (text: string) => T {
  const known = new Map<string, { readonly value: T }>()
  return (text) => {
    const before = known.get(text)
    if (before !== undefined) return before.value
    if (known.size >= REMEMBERED_MAX) known.clear()
    const value = answer(text)
    known.set(text, { value })
    return value
  }
}
