/** Conditions of kinds `network` and `geo`, and the zones that the first refers to. */
import { z } from 'zod'
import { COUNTRY_CODES } from '../../domain/countries.ts'
import { parseNetwork } from '../../domain/network.ts'
import {
  described,
  LIST_MAX,
  namedMap,
  reference,
  refuseRepeats,
  testsSomething,
} from './condition-fields.ts'

const cidr = z
  .string()
  .max(64)
  .superRefine((value, context) => {
    const parsed = parseNetwork(value)
    if ('problem' in parsed) context.addIssue({ code: 'custom', message: parsed.problem })
  })

const zoneCidrs = z.array(cidr).min(1).max(65_536)

/** `zones`: networks by name. */
export const zones = namedMap(
  z.union(
    [
      zoneCidrs,
      z
        .strictObject({ ...described, cidrs: zoneCidrs.describe('The networks.') })
        .transform((zone) => zone.cidrs),
    ],
    { error: 'expected a list of networks, or { description, cidrs }' },
  ),
)

/** Kind `network`. */
export const network = z
  .strictObject({
    kind: z.literal('network').describe('Where the client is.'),
    ...described,
    cidrs: z
      .array(cidr)
      .min(1)
      .max(4096)
      .optional()
      .describe('Networks, any of which may hold the client address.'),
    zones: z
      .array(reference)
      .min(1)
      .max(LIST_MAX)
      .optional()
      .describe('Zones of this file, any of which may hold the client address.'),
  })
  .refine(testsSomething, { message: 'tests nothing; add cidrs or zones' })

const country = z
  .string()
  .max(64)
  .superRefine((code, context) => {
    const message = countryProblem(code)
    if (message !== undefined) context.addIssue({ code: 'custom', message })
  })

/** Kind `geo`. */
export const geo = z.strictObject({
  kind: z.literal('geo').describe('The country the request comes from.'),
  ...described,
  countries: z
    .array(country)
    .min(1)
    .max(LIST_MAX)
    .superRefine((codes, context) => {
      refuseRepeats(codes, (index, message) =>
        context.addIssue({ code: 'custom', path: [index], message }),
      )
    })
    .describe('Any of these countries, ISO 3166-1 alpha-2 codes such as DE, in capitals.'),
})

/** Codes people write for countries that have another one. */
const MEANT: ReadonlyMap<string, string> = new Map([
  ['UK', 'GB'],
  ['EL', 'GR'],
])

function countryProblem(code: string): string | undefined {
  if (COUNTRY_CODES.has(code)) return undefined
  const upper = code.toUpperCase()
  const meant = COUNTRY_CODES.has(upper) ? upper : MEANT.get(upper)
  if (meant !== undefined) return `${code} is not a country code; write ${meant}`
  return `${code} is not an ISO 3166-1 alpha-2 country code; write one such as DE or FR`
}
