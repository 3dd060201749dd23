/** Conditions on who calls and with what: kinds `device`, `mfa` and `token`. */
import { z } from 'zod'
import { duration } from '../units.ts'
import { demanded, described, list, LIST_MAX, testsSomething, text } from './condition-fields.ts'

/** Kind `device`. */
export const device = z
  .strictObject({
    kind: z.literal('device').describe('The posture of the device.'),
    ...described,
    managed: demanded.optional().describe('The device is managed.'),
    compliant: demanded.optional().describe('The device is compliant.'),
    encrypted: demanded.optional().describe('The disk is encrypted.'),
    os: list.optional().describe('Any of these operating systems.'),
    os_version_min: z
      .record(
        text,
        z
          .string()
          .regex(/^\d{1,9}(\.\d{1,9}){0,5}$/, 'expected a version such as "14.5", in quotes'),
      )
      .refine((least) => Object.keys(least).length > 0, { message: 'names no system' })
      .optional()
      .describe('Least version by operating system.'),
    max_age: duration.optional().describe('Longest time since the posture was assessed.'),
    sources: z
      .array(z.enum(['assertion', 'token', 'mtls-hop', 'trusted-hop']))
      .min(1)
      .max(4)
      .optional()
      .describe('The only sources whose posture counts here; any when absent.'),
  })
  .refine(testsSomething, {
    message: 'tests nothing; add managed, compliant, encrypted, os, os_version_min or max_age',
  })

/** Printable ASCII without the space and quotes: it goes into a challenge (RFC 9470 §3). */
const quotable = z.string().regex(/^[!#-[\]-~]{1,256}$/, 'expected printable ASCII without spaces')

const maxAge = z.union(
  [
    duration,
    z.strictObject({
      default: duration.describe('For every other issuer.'),
      by_issuer: z
        .record(text, duration)
        .describe('For these issuers, by their short name in gateway.yaml.'),
    }),
  ],
  { error: 'expected a duration such as 1h, or { default: 1h, by_issuer: { corp: 15m } }' },
)

/** Kind `mfa`. */
export const mfa = z
  .strictObject({
    kind: z.literal('mfa').describe('How the user authenticated.'),
    ...described,
    required: demanded.optional().describe('A second factor was used, as the issuer defines it.'),
    amr: list.optional().describe('Any of these methods was used (RFC 8176).'),
    acr: z.array(quotable).min(1).max(32).optional().describe('Any of these context classes.'),
    acrs: z
      .array(quotable)
      .min(1)
      .max(32)
      .optional()
      .describe('Any of these authentication contexts (Entra), such as c1.'),
    max_age: maxAge
      .optional()
      .describe('Longest time since the user authenticated, for all issuers or by issuer.'),
  })
  .refine(testsSomething, {
    message: 'tests nothing; add required: true, amr, acr, acrs or max_age',
  })

/** JSON and YAML both round larger integers, so that two different ones would be equal. */
const safeNumber = z.number().refine((n) => !Number.isInteger(n) || Number.isSafeInteger(n), {
  message: 'this number is too large to be exact; have the claim say it as text, and write text',
})

const scalar = z.union([text, safeNumber, z.boolean()])

const range = z
  .strictObject({
    min: safeNumber.optional().describe('The claim is a number of at least this.'),
    max: safeNumber.optional().describe('The claim is a number of at most this.'),
  })
  .refine((r) => r.min !== undefined || r.max !== undefined, {
    message: 'tests nothing; add min or max',
  })
  .refine((r) => r.min === undefined || r.max === undefined || r.min <= r.max, {
    message: 'no number is this small and this large; min is above max',
  })

const claim = z.union([scalar, z.array(scalar).min(1).max(LIST_MAX), range], {
  error: 'expected a value, a list of values, or { min, max } for a number',
})

/** Kind `token`. */
export const token = z
  .strictObject({
    kind: z.literal('token').describe('What the token says.'),
    ...described,
    issuers: list.optional().describe('Any of these issuers, by short name.'),
    clients: list.optional().describe('Any of these OAuth clients.'),
    claims: z
      .record(text, claim)
      // Without one it would hold for every token.
      .refine((claims) => Object.keys(claims).length > 0, { message: 'names no claim' })
      .optional()
      .describe(
        'Claims that have the value, or one of the values, or a number from min to max; all must ' +
          'hold.',
      ),
    max_age: duration.optional().describe('Longest time since the token was issued.'),
    max_remaining: duration.optional().describe('Longest time until the token expires.'),
    max_lifetime: duration.optional().describe('Longest time from issue to expiry (exp - iat).'),
  })
  .refine(testsSomething, {
    message: 'tests nothing; add issuers, clients, claims, max_age, max_remaining or max_lifetime',
  })
