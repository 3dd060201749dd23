/**
 * The shape of fixtures of policy tests: who asks, for what, from where. Shared ones are in files of
 * `rules/tests/testdata/`, others in the file of tests that uses them.
 */
import { isIP } from 'node:net'
import { z } from 'zod'
import { duration } from '../units.ts'

const LIST_MAX = 256
/** A text of bounded length. */
export const text = z.string().min(1).max(512)
const list = z.array(text).max(LIST_MAX)
/** A description, for people. */
export const described = z.string().max(2000).optional()

/** Names of fixtures and tests: free text on one line, because it is shown in reports. */
export const name = z
  .string()
  .regex(/^[^\p{Cc}\p{Zl}\p{Zp}]{1,200}$/u, 'expected one line of up to 200 characters')

/** RFC 3339 with an offset; `Date.parse('2026-02-30')` would be 2 March, silently. */
export const time = z
  .string()
  .regex(
    /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?(Z|[+-]\d{2}:\d{2})$/,
    'expected an RFC 3339 time such as 2026-11-04T10:00:00+01:00',
  )
  .refine(isTime, 'this time does not exist')
  .transform((written) => Date.parse(written))

function isTime(written: string): boolean {
  const day = Date.parse(`${written.slice(0, 10)}T00:00:00Z`)
  if (Number.isNaN(day) || Number.isNaN(Date.parse(written))) return false
  return new Date(day).toISOString().startsWith(written.slice(0, 10))
}

const prefixed = (prefix: string) =>
  z
    .array(
      z.string().regex(new RegExp(`^${prefix}:\\S(.{0,510}\\S)?$`), `expected ${prefix}:<name>`),
    )
    .max(LIST_MAX)

const device = z
  .strictObject({
    id: text.optional().describe('Identifier of the device.'),
    managed: z.boolean().optional().describe('The device is managed.'),
    compliant: z.boolean().optional().describe('The device is compliant.'),
    encrypted: z.boolean().optional().describe('The disk is encrypted.'),
    os: text.optional().describe('Operating system.'),
    os_version: text.optional().describe('Its version, in quotes.'),
    age: duration.optional().describe('Time since the posture was assessed.'),
    source: z
      .enum(['assertion', 'token', 'mtls-hop', 'trusted-hop'])
      .optional()
      .describe(
        'Where the posture was learnt; token for principals, trusted-hop for environments.',
      ),
  })
  .describe('Posture of the device; what is left out is unknown.')

const authentication = z
  .strictObject({
    amr: list.optional().describe('Authentication methods (RFC 8176).'),
    acr: text.optional().describe('Authentication context class.'),
    acrs: list.optional().describe('Authentication contexts (Entra).'),
    mfa: z.boolean().optional().describe('A second factor was used, as the issuer judges it.'),
    auth_age: duration.optional().describe('Time since the user authenticated.'),
  })
  .describe('How the user authenticated; what is left out is unknown.')

const token = z
  .strictObject({
    age: duration.optional().describe('Time since the token was issued; 1m when left out.'),
    lifetime: duration.optional().describe('From issue to expiry; 10m when left out.'),
  })
  .describe('The token itself.')

const scalar = z.union([z.string().max(512), z.number(), z.boolean()])

const principal = z.strictObject({
  description: described.describe('Who this is, for people.'),
  id: z
    .string()
    .regex(/^user:[a-z0-9][a-z0-9._-]*\/\S(.{0,510}\S)?$/, 'expected user:<issuer name>/<sub>')
    .optional()
    .describe('user:<issuer name>/<sub>; user:test/<name of the fixture> when left out.'),
  issuer: text
    .optional()
    .describe('The iss claim; urn:modelgate:test:<issuer name> when left out.'),
  client: text.optional().describe('OAuth client id.'),
  groups: prefixed('group').optional().describe('group:<name> each, as the token gives them.'),
  roles: prefixed('role').optional().describe('role:<name> each, as the token gives them.'),
  authentication: authentication.optional(),
  token: token.optional(),
  claims: z
    .record(text, z.union([scalar, z.array(scalar).max(LIST_MAX)]))
    .optional()
    .describe('Claims that conditions test, by path.'),
  device: device.optional(),
})

const attributes = z
  .strictObject({
    owner: text.optional().describe('Who answers for it.'),
    classification: text.optional().describe('Such as internal, confidential.'),
    environment: text.optional().describe('Such as staging, production.'),
    tags: list.optional().describe('Words that conditions test.'),
  })
  .describe('Laid over what resources.yaml says of it, field by field.')

const resource = z.strictObject({
  description: described.describe('What this is, for people.'),
  kind: z.enum(['model', 'dataset', 'server']).describe('What kind of thing it is.'),
  name: z
    .string()
    .regex(/^[^\p{Cc}\p{Zl}\p{Zp}]{1,512}$/u, 'expected a name of up to 512 characters')
    .describe('Its whole name; a pattern is not a name.'),
  version: text.optional().describe('Version, in quotes.'),
  attributes: attributes.optional(),
})

const approval = z.strictObject({
  by: z
    .string()
    .regex(/^user:\S+\/\S(.{0,510}\S)?$/, 'expected user:<issuer name>/<sub>')
    .describe('Who agreed.'),
  holds: z
    .array(z.string().regex(/^(group|role):\S(.{0,510}\S)?$/, 'expected group: or role:'))
    .max(LIST_MAX)
    .optional()
    .describe('Groups and roles that person held when agreeing.'),
  age: duration.optional().describe('Time since then; 5m when left out.'),
})

const environment = z.strictObject({
  description: described.describe('What this is, for people.'),
  now: time.optional().describe('Time of the request; before the one in options.'),
  ip: z
    .string()
    .refine((ip) => isIP(ip) !== 0, 'expected an IPv4 or IPv6 address')
    .optional()
    .describe('Client address; 203.0.113.1, which is nowhere, when left out.'),
  country: z
    .string()
    .regex(/^[A-Z]{2}$/, 'expected two capital letters (ISO 3166-1)')
    .optional()
    .describe('Country of the client; unknown when left out.'),
  device: device.optional(),
  approvals: z
    .array(approval)
    .max(64)
    .optional()
    .describe('Approvals on record; unknown when left out, none when empty.'),
  grant: z
    .strictObject({
      id: text.optional().describe('Identifier of the grant.'),
      expires_in: duration.optional().describe('Time left; 1h when left out.'),
    })
    .optional()
    .describe('A grant the request makes use of.'),
})

/** The keys of a file that has fixtures. */
export const fixtures = {
  principals: z.record(name, principal).optional().describe('Who asks, by name.'),
  resources: z.record(name, resource).optional().describe('What is asked for, by name.'),
  environments: z.record(name, environment).optional().describe('Circumstances, by name.'),
}

/** `rules/tests/testdata/*.yaml`. */
export const policyFixturesSchema = z.strictObject(fixtures)

/** One file of shared fixtures. */
export type PolicyFixturesSpec = z.output<typeof policyFixturesSchema>
/** Who asks. */
export type PrincipalSpec = z.output<typeof principal>
/** What is asked for. */
export type ResourceFixtureSpec = z.output<typeof resource>
/** Circumstances. */
export type EnvironmentSpec = z.output<typeof environment>
/** Posture of a device. */
export type DeviceSpec = z.output<typeof device>
