/**
 * A database of addresses in the MaxMind DB format, version 2, as the operator supplies it. The file
 * is checked as a whole before anything is looked up in it: one that was cut off or damaged must not
 * answer for some addresses and fail for others.
 */
import { Reader, type Response } from 'mmdb-lib'
import { isCountryCode } from '../domain/countries.ts'
import { addressesIn, treeProblem } from './search-tree.ts'

/** The countries of addresses. */
export interface CountryDatabase {
  /**
   * `country.iso_code` of the record of this address, canonical text; never the country where the
   * network is registered. `undefined` when there is none or it is no country. Never throws.
   */
  countryOf(ip: string): string | undefined
}

/** Records that are looked at to see whether the database speaks of countries at all. */
const SAMPLES_MAX = 512

const NOT_ONE = 'is not a MaxMind DB file, or was cut off or damaged'

/**
 * Opens a database, or says what is wrong with it. Looks at every node of the search tree, in slices
 * so that requests are answered meanwhile. `bytes` belong to the database from then on.
 */
export async function openCountryDatabase(
  bytes: Buffer,
): Promise<CountryDatabase | { readonly problem: string }> {
  const opened = open(bytes)
  if (opened === undefined) return { problem: NOT_ONE }
  const { reader, countryOf } = opened
  const problem = await treeProblem(bytes, reader.metadata)
  if (problem !== undefined) return { problem: `${NOT_ONE}: ${problem}` }
  const samples = addressesIn(bytes, reader.metadata, SAMPLES_MAX)
  if (!samples.some((ip) => countryOf(ip) !== undefined)) {
    return { problem: 'holds no country.iso_code; use a database of countries or cities' }
  }
  return { countryOf }
}

function open(bytes: Buffer) {
  const budget = pointerBudget()
  try {
    const reader = new Reader<Response>(bytes, { cache: budget })
    const countryOf = (ip: string): string | undefined => {
      // The library would walk a tree of IPv4 addresses with the bits of an IPv6 address.
      if (reader.metadata.ipVersion === 4 && ip.includes(':')) return undefined
      budget.reset()
      try {
        return isoCodeOf(reader.get(ip))
      } catch {
        return undefined
      }
    }
    return { reader, countryOf }
  } catch {
    // The library speaks of offsets and types; to the operator all of it means one thing.
    return undefined
  }
}

function isoCodeOf(record: unknown): string | undefined {
  const code = own(own(record, 'country'), 'iso_code')
  return isCountryCode(code) ? code : undefined
}

/** Own properties only: keys of the file become names of properties, `__proto__` included. */
function own(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
  return (value as Record<string, unknown>)[key]
}

/** Pointers that one record may hold; real ones have some dozens. */
const POINTERS_MAX = 1024

/**
 * Stands where the library expects a cache of what pointers lead to, and counts them instead:
 * pointers to lists of pointers multiply, and a small file could keep a look-up busy for good.
 */
function pointerBudget() {
  let left = POINTERS_MAX
  return {
    get: () => {
      if (left-- <= 0) throw new RangeError('too many pointers')
      return undefined
    },
    set: () => undefined,
    reset: () => {
      left = POINTERS_MAX
    },
  }
}
