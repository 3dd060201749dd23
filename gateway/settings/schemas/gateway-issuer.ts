/** `issuers[]` of config/gateway.yaml: whose tokens count, and what may be believed of them. */
import { z } from 'zod'
import {
  durationBetween,
  filePath,
  parseWebUrl,
  secureUrl,
  shortName,
  sizeBetween,
} from './fields.ts'

/** Identity providers whose claim shapes are known. */
export const ISSUER_PRESETS = [
  'keycloak',
  'okta',
  'auth0',
  'entra',
  'cognito',
  'google',
  'kubernetes',
  'github',
  'spiffe',
  'generic',
] as const

/** Signature algorithms that can be accepted: asymmetric ones only (I6, RFC 8725 §3.1). */
export const SIGNATURE_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const

const spiffeId = z
  .string()
  .regex(/^spiffe:\/\/[a-z0-9._-]{1,255}$/, 'expected spiffe:// and a trust domain')

const text = z.string().min(1).max(512)
const texts = z.array(text).max(256)
/** Where a claim is in a token. */
export const claimPath = z
  .string()
  .min(1)
  .max(256)
  .regex(/^[\x21-\x7e]+$/, 'expected a claim name or dotted path such as realm_access.roles')
const roleName = z
  .string()
  .regex(/^[A-Za-z0-9._/-]{1,128}$/, 'expected a role name without the `role:` prefix')

const mfa = z.strictObject({
  amr: texts.prefault([]).describe('Any of these amr values means a second factor (RFC 8176).'),
  acr: texts.prefault([]).describe('Any of these acr values means a second factor.'),
  acrs: texts
    .prefault([])
    .describe('Any of these authentication contexts (Entra acrs) means a second factor.'),
})

/** Which claims hold the posture of a device. */
export const postureClaims = z.strictObject({
  managed: claimPath.optional().describe('Claim that says the device is managed.'),
  compliant: claimPath.optional().describe('Claim that says the device is compliant.'),
  encrypted: claimPath.optional().describe('Claim that says the disk is encrypted.'),
  os: claimPath.optional().describe('Claim with the operating system.'),
  os_version: claimPath.optional().describe('Claim with the version of the operating system.'),
  id: claimPath.optional().describe('Claim with the id of the device.'),
  assessed_at: claimPath.optional().describe('Claim with the time of assessment (seconds).'),
})

const keys = z
  .strictObject({
    refresh: durationBetween('1s', '1d')
      .prefault('5m')
      .describe('How often the keys of the issuer are fetched.'),
    max_stale: durationBetween('0s', '7d')
      .prefault('1h')
      .describe('How long keys are used past a failed refresh before tokens are refused.'),
    timeout: durationBetween('100ms', '1m').prefault('5s').describe('Time for one fetch.'),
    bytes_max: sizeBetween('1KiB', '4MiB').prefault('256KiB').describe('Largest accepted key set.'),
  })
  .prefault({})
  .describe('How the keys of the issuer are kept fresh.')

const shape = z.strictObject({
  issuer: z
    .union([secureUrl, spiffeId])
    .describe('The iss claim, byte for byte, an https URL; spiffe://<trust domain> for SPIFFE.'),
  name: shortName
    .optional()
    .describe('Short name in subjects (user:<name>/<sub>) and metrics; default: from the host.'),
  preset: z.enum(ISSUER_PRESETS).prefault('generic').describe('Claim shapes of a known product.'),
  audience: z
    .union([text, texts.min(1)])
    .transform((value) => (typeof value === 'string' ? [value] : value))
    .describe('Accepted aud values; a token must carry one of them.'),
  algorithms: z
    .array(z.enum(SIGNATURE_ALGORITHMS))
    .min(1)
    .optional()
    .describe('Accepted signature algorithms; default: those of the preset.'),
  max_token_lifetime: durationBetween('1s', '366d')
    .optional()
    .describe('Longest accepted exp - iat of a token; default: that of the preset, mostly 1h.'),
  clock_tolerance: durationBetween('0s', '5m')
    .prefault('30s')
    .describe('Accepted difference between the clocks, at most 5m.'),
  token_type: z
    .array(text)
    .min(1)
    .max(16)
    .optional()
    .describe('Accepted typ header values, such as at+jwt; default: those of the preset.'),
  jwks_uri: secureUrl.optional().describe('Where the keys are; default: by discovery.'),
  jwks_file: filePath.optional().describe('File with the keys (JWK set), instead of fetching.'),
  ca_file: filePath.optional().describe('PEM file with the CAs to verify the issuer with.'),
  required_claims: z
    .record(claimPath, text)
    .optional()
    .describe('Claims that a token must carry with exactly this text.'),
  client_id_claim: claimPath.optional().describe('Claim with the OAuth client id.'),
  session_claim: claimPath
    .optional()
    .describe('Claim with the id of the login; default: that of the preset, mostly sid.'),
  person_claim: claimPath
    .optional()
    .describe(
      'Claim that is the same for every account of one person, such as an employee number, and that nobody can change for themselves; default: every account is a person.',
    ),
  groups_claims: z
    .array(claimPath)
    .max(16)
    .optional()
    .describe('Claims with groups; default: those of the preset.'),
  roles_claims: z
    .array(claimPath)
    .max(16)
    .optional()
    .describe('Claims with roles; default: those of the preset.'),
  roles: z
    .array(roleName)
    .max(1024)
    .prefault([])
    .describe('Role names that this issuer may assert, without `role:`; others are ignored.'),
  mfa: mfa.optional().describe('Which values mean that a second factor was used.'),
  posture_claims: postureClaims.optional().describe('Claims with the posture of the device.'),
  condition_claims: z
    .array(claimPath)
    .max(64)
    .prefault([])
    .describe('Claims that token conditions may test; no other claim is kept.'),
  keys,
})

/** One accepted issuer; the name is filled in from the host when it is not written. */
export const issuer = shape
  .superRefine((value, context) => {
    if (value.jwks_uri !== undefined && value.jwks_file !== undefined) {
      const message = 'jwks_uri and jwks_file exclude each other; keep one'
      context.addIssue({ code: 'custom', path: ['jwks_file'], message })
    }
    if (value.keys.max_stale < value.keys.refresh * 1.2) {
      const message =
        'expected at least 1.2 times refresh; keys would go stale between two refreshes'
      context.addIssue({ code: 'custom', path: ['keys', 'max_stale'], message })
    }
    if (value.mfa !== undefined && Object.values(value.mfa).every((list) => list.length === 0)) {
      const message = 'expected at least one value in amr, acr or acrs; remove mfa if none is meant'
      context.addIssue({ code: 'custom', path: ['mfa'], message })
    }
  })
  .transform((value) => ({ ...value, name: value.name ?? nameFromUrl(value.issuer) }))

/** How many issuers are accepted; the number bounds metric labels. */
export const ISSUERS_MAX = 64

/** `issuers`. */
export const issuers = z
  .array(issuer)
  .min(1, 'expected at least one issuer; without one nobody could call')
  .max(ISSUERS_MAX)
  .describe('Whose tokens are accepted.')

/** `https://login.example.com:8443/realms/ml` gives `login-example-com`. */
function nameFromUrl(url: string): string {
  const host = parseWebUrl(url)?.hostname ?? 'issuer'
  const name = host.replaceAll(/[^a-z0-9]/g, '-').slice(0, 32)
  return name
}
