/** `device_posture` of config/gateway.yaml: who may say how healthy a device is, and for how long. */
import { z } from 'zod'
import {
  durationBetween,
  filePath,
  headerName,
  isReservedHeader,
  secureUrl,
  shortName,
} from './fields.ts'
import { claimPath, postureClaims, SIGNATURE_ALGORITHMS } from './gateway-issuer.ts'

const text = z.string().min(1).max(512)

const postureHeader = headerName.refine(
  (name) => !isReservedHeader(name) && name !== 'authorization' && name !== 'cookie',
  'this header has a meaning of its own; use one like x-device-posture',
)

/** Names of certificates are compared whole; nothing in them may be read as a separator. */
const certificateName = z
  .string()
  .max(512)
  .regex(
    /^(?:URI:[A-Za-z0-9:/._~-]+|DNS:[A-Za-z0-9._-]+)$/,
    'expected URI: or DNS: and a name, such as URI:spiffe://corp/posture-proxy',
  )

const assertion = z
  .strictObject({
    header: postureHeader
      .prefault('x-device-assertion')
      .describe('Header with the signed assertion, a compact JWS.'),
    name: shortName.prefault('posture').describe('Short name of who signs, for records and logs.'),
    issuer: secureUrl.describe('The iss claim, byte for byte.'),
    audience: z
      .union([text, z.array(text).min(1).max(16)])
      .transform((value) => (typeof value === 'string' ? [value] : value))
      .describe('Accepted aud values; an assertion must carry one of them.'),
    algorithms: z
      .array(z.enum(SIGNATURE_ALGORITHMS))
      .min(1)
      .prefault(['RS256', 'ES256', 'EdDSA'])
      .describe('Accepted signature algorithms.'),
    token_type: z
      .array(text)
      .min(1)
      .max(16)
      .prefault(['jwt'])
      .describe('Accepted typ header values; an assertion without typ is accepted too.'),
    jwks_uri: secureUrl.optional().describe('Where the keys are; default: by discovery.'),
    jwks_file: filePath.optional().describe('File with the keys (JWK set), instead of fetching.'),
    ca_file: filePath.optional().describe('PEM file with the CAs to verify the signer with.'),
    claims: postureClaims.describe('Which claims say what of the device.'),
    subject_claim: claimPath
      .prefault('sub')
      .describe('Claim of the assertion that says whom it was made for.'),
    callers: z
      .array(shortName)
      .min(1)
      .max(64)
      .optional()
      .describe(
        'Issuers, by short name, whose callers assertions are made for; needed when there is more ' +
          'than one, because the same id may be somebody else there.',
      ),
    caller_claim: claimPath
      .optional()
      .describe(
        "Claim of the caller's token it must equal, one of condition_claims of its issuer; " +
          "default: the caller's id, as in user:<issuer>/<id>.",
      ),
    max_lifetime: durationBetween('1s', '1d')
      .prefault('1h')
      .describe('Longest accepted exp - iat of an assertion.'),
    clock_tolerance: durationBetween('0s', '5m')
      .prefault('30s')
      .describe('Accepted difference between the clocks.'),
  })
  .superRefine((value, context) => {
    if (value.jwks_uri !== undefined && value.jwks_file !== undefined) {
      const message = 'jwks_uri and jwks_file exclude each other; keep one'
      context.addIssue({ code: 'custom', path: ['jwks_file'], message })
    }
    if (Object.keys(value.claims).length === 0) {
      const message = 'says nothing of a device; name at least one claim, such as compliant'
      context.addIssue({ code: 'custom', path: ['claims'], message })
    }
  })

/** `device_posture`. */
export const devicePosture = z
  .strictObject({
    header: postureHeader
      .prefault('x-device-posture')
      .describe('Header in which trusted proxies write the posture of the device.'),
    max_age: durationBetween('1s', '7d')
      .prefault('15m')
      .describe('Posture assessed longer ago than this is unknown (duration).'),
    mtls_hops: z
      .array(certificateName)
      .max(256)
      .prefault([])
      .describe(
        'Names in client certificates (URI:… or DNS:…) of the hops whose posture header counts ' +
          'whatever their address.',
      ),
    assertion: assertion
      .optional()
      .describe('A signed assertion of posture; it comes before every other source.'),
  })
  .prefault({})
  .describe('Posture of devices: a signed assertion, or what hops report that can be believed.')
