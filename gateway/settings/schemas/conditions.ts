/**
 * The shape of `rules/conditions.yaml`: named contexts that the `when` column of the permission
 * matrix composes. What a value means is checked here too (zones exist, hours are hours, networks
 * are canonical), so that a mistake is reported where it is written.
 */
import { z } from 'zod'
import { parseNetwork } from '../../domain/network.ts'
import { duration } from '../units.ts'

const LIST_MAX = 256

const text = z.string().min(1).max(512)
const list = z.array(text).min(1).max(LIST_MAX)
const described = {
  description: z.string().max(500).optional().describe('What it is for, for people.'),
}

/** Days, in the order of a week that starts on Monday. */
export const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'] as const

/** A window of local time; `24:00` only as the end, and the whole day only as `00:00-24:00`. */
const hours = z
  .string()
  .regex(
    /^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$/,
    'expected a window such as 08:00-18:00, or 22:00-06:00 over midnight',
  )
  .refine((window) => window.slice(0, 5) !== window.slice(6), {
    message: 'the window starts when it ends; write 00:00-24:00 for the whole day',
  })

const HOURS = {
  error:
    'expected a window such as 08:00-18:00, 22:00-06:00 over midnight or 00:00-24:00 for the ' +
    'whole day, or a list of such windows',
}

const zone = text.refine(isZone, {
  message: 'expected an IANA time zone such as Europe/Berlin, or UTC',
})

function isZone(name: string): boolean {
  // Offsets such as +02:00 are accepted by Intl but never change with the season.
  if (!/^[A-Za-z]/.test(name)) return false
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name })
    return true
  } catch {
    return false
  }
}

/** `Date.parse('2026-02-30')` is 2 March, silently; this is not. */
const date = z
  .string()
  .regex(/^\d{4}-\d{2}-\d{2}$/, 'expected a date such as 2026-11-30')
  .refine(isDate, { message: 'this date does not exist' })

function isDate(day: string): boolean {
  const ms = Date.parse(`${day}T00:00:00Z`)
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day)
}

const time = z
  .strictObject({
    kind: z.literal('time').describe('Days and hours in a time zone.'),
    ...described,
    zone: zone.describe('IANA time zone, such as Europe/Berlin.'),
    days: z
      .array(z.enum(DAYS))
      .min(1)
      .max(7)
      .optional()
      .describe('Days on which a window starts; every day when absent.'),
    hours: z
      .union([hours.transform((w) => [w]), z.array(hours).min(1).max(8)], HOURS)
      .optional()
      .describe('Windows of local time; one may end after midnight.'),
    from: date.optional().describe('First day, in the zone.'),
    until: date.optional().describe('Last day, in the zone.'),
  })
  .refine((c) => [c.days, c.hours, c.from, c.until].some((v) => v !== undefined), {
    message: 'tests nothing; add days, hours, from or until',
  })
  .refine((c) => c.from === undefined || c.until === undefined || c.from <= c.until, {
    message: 'ends before it begins',
    path: ['until'],
  })

const network = z.strictObject({
  kind: z.literal('network').describe('Where the client is.'),
  ...described,
  cidrs: z
    .array(
      z
        .string()
        .max(64)
        .superRefine((cidr, context) => {
          const parsed = parseNetwork(cidr)
          if ('problem' in parsed) context.addIssue({ code: 'custom', message: parsed.problem })
        }),
    )
    .min(1)
    .max(4096)
    .describe('Networks, any of which may hold the client address.'),
})

/** `false` would read as "is known not to be"; `!name` in the matrix says that. */
const demanded = z.literal(true)

const device = z
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
      .optional()
      .describe('Least version by operating system.'),
    max_age: duration.optional().describe('Longest time since the posture was assessed.'),
  })
  .refine((c) => Object.keys(c).some((key) => key !== 'kind' && key !== 'description'), {
    message: 'tests nothing; add managed, compliant, encrypted, os, os_version_min or max_age',
  })

/** Printable ASCII without the space and quotes: it goes into a challenge (RFC 9470 §3). */
const acr = z.string().regex(/^[!#-[\]-~]{1,256}$/, 'expected printable ASCII without spaces')

const mfa = z
  .strictObject({
    kind: z.literal('mfa').describe('How the user authenticated.'),
    ...described,
    required: demanded.optional().describe('A second factor was used, as the issuer defines it.'),
    amr: list.optional().describe('Any of these methods was used (RFC 8176).'),
    acr: z.array(acr).min(1).max(32).optional().describe('Any of these context classes.'),
    acrs: list.optional().describe('Any of these authentication contexts (Entra).'),
    max_age: duration.optional().describe('Longest time since the user authenticated.'),
  })
  .refine((c) => Object.keys(c).some((key) => key !== 'kind' && key !== 'description'), {
    message: 'tests nothing; add required: true, amr, acr, acrs or max_age',
  })

const scalar = z.union([text, z.number(), z.boolean()])

const token = z
  .strictObject({
    kind: z.literal('token').describe('What the token says.'),
    ...described,
    issuers: list.optional().describe('Any of these issuers, by short name.'),
    clients: list.optional().describe('Any of these OAuth clients.'),
    claims: z
      .record(text, z.union([scalar, z.array(scalar).min(1).max(LIST_MAX)]))
      .optional()
      .describe('Claims that have the value, or one of the values; all must hold.'),
    max_age: duration.optional().describe('Longest time since the token was issued.'),
    max_remaining: duration.optional().describe('Longest time until the token expires.'),
  })
  .refine((c) => Object.keys(c).some((key) => key !== 'kind' && key !== 'description'), {
    message: 'tests nothing; add issuers, clients, claims, max_age or max_remaining',
  })

const resource = z
  .strictObject({
    kind: z.literal('resource').describe('What resources.yaml says of the resource.'),
    ...described,
    classification: list.optional().describe('Any of these classifications.'),
    environment: list.optional().describe('Any of these environments.'),
    owner: list.optional().describe('Any of these owners.'),
    tags_any: list.optional().describe('At least one of these tags.'),
    tags_all: list.optional().describe('Every one of these tags.'),
  })
  .refine((c) => Object.keys(c).some((key) => key !== 'kind' && key !== 'description'), {
    message: 'tests nothing; add classification, environment, owner, tags_any or tags_all',
  })

const approval = z.strictObject({
  kind: z
    .literal('approval')
    .describe('People have agreed; unknown as long as no approvals are kept.'),
  ...described,
  count: z.int().min(1).max(16).describe('How many different people.'),
  from: z
    .array(z.string().regex(/^(group|role|user):\S{1,500}$/, 'expected group:, role: or user:'))
    .min(1)
    .max(LIST_MAX)
    .optional()
    .describe('Who may approve; anyone entitled when absent.'),
})

/** One condition, by its `kind`. */
export const conditionSchema = z.discriminatedUnion(
  'kind',
  [time, network, device, mfa, token, resource, approval],
  { error: 'expected one of: time, network, device, mfa, token, resource, approval' },
)

const NAME_PROBLEM =
  'names are up to 64 lower-case letters, digits and hyphens, starting with a letter; ' +
  '`always` is built in and cannot be redefined'

/** Names of conditions: what the `when` column may say. `always` is built in. */
const conditionName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,63}$/)
  .refine((name) => name !== 'always')

/** `rules/conditions.yaml`. */
export const conditionsSchema = z.strictObject({
  conditions: z
    .record(conditionName, conditionSchema, {
      error: (issue) => (issue.code === 'invalid_key' ? NAME_PROBLEM : undefined),
    })
    .describe('Named conditions, for the `when` column of policy.csv.'),
})

/** One condition as written, durations in milliseconds and hours as a list. */
export type ConditionSpec = z.output<typeof conditionSchema>

/** The spec of one kind. */
export type SpecOf<K extends ConditionSpec['kind']> = Extract<ConditionSpec, { kind: K }>
