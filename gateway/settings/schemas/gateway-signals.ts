/** `signals` of config/gateway.yaml: identity providers that may tell of ended logins. */
import { z } from 'zod'
import { count, durationBetween, filePath, secureUrl, shortName } from './fields.ts'

const text = z.string().min(1).max(512)
const audiences = z
  .union([text, z.array(text).max(16)])
  .transform((value) => (typeof value === 'string' ? [value] : value))

const receiver = z.strictObject({
  issuer: shortName.describe('Name of the issuer whose subjects it speaks about.'),
  transmitter: secureUrl
    .optional()
    .describe(
      'iss of its Security Event Tokens; default: that of the issuer, which logout tokens always have.',
    ),
  audience: audiences
    .prefault([])
    .describe('aud of its Security Event Tokens; none are taken when it is not written.'),
  logout_audience: audiences
    .prefault([])
    .describe('aud of its logout tokens, a client id; none are taken when it is not written.'),
  jwks_uri: secureUrl
    .optional()
    .describe(
      'Where the keys of its Security Event Tokens are; logout tokens are checked by those of the issuer.',
    ),
  authorization_file: filePath
    .optional()
    .describe('File with the Authorization value that a push must come with: Bearer <secret>.'),
  locks_accounts_of: z
    .array(shortName)
    .max(64)
    .prefault([])
    .describe(
      'Names of further issuers whose accounts it may lock by naming a person (email) or a device.',
    ),
  high_risk_ttl: durationBetween('1m', '7d')
    .prefault('1h')
    .describe('How long a high risk locks, when nothing takes it back before.'),
})

/** `signals`. */
export const signals = z
  .strictObject({
    receivers: z.array(receiver).max(64).prefault([]).describe('Whose signals are taken.'),
    rate: count(1, 100_000).prefault(600).describe('Tokens that one address may push a minute.'),
  })
  .prefault({})
  .describe('Shared Signals (CAEP, RISC) and logouts that identity providers push.')

/** What is wrong with the receivers, seen together with the names of the issuers. */
export function signalClashes(
  { receivers }: z.output<typeof signals>,
  issuers: readonly string[],
): { readonly path: (string | number)[]; readonly message: string }[] {
  return receivers.flatMap((receiver, index) => {
    const { issuer, locks_accounts_of: others } = receiver
    const path = ['signals', 'receivers', index]
    const clashes = []
    if (!issuers.includes(issuer)) {
      const message = `no issuer has this name; write ${issuers.join(', ')}`
      clashes.push({ path: [...path, 'issuer'], message })
    }
    if (receivers.findIndex((one) => one.issuer === issuer) < index) {
      const message = 'this issuer has a receiver already; merge the two'
      clashes.push({ path: [...path, 'issuer'], message })
    }
    for (const [at, name] of others.entries()) {
      if (issuers.includes(name)) continue
      const message = `no issuer has this name; write ${issuers.join(', ')}`
      clashes.push({ path: [...path, 'locks_accounts_of', at], message })
    }
    for (const { key, message } of audienceClashes(receiver)) {
      clashes.push({ path: [...path, key], message })
    }
    return clashes
  })
}

/** An audience that is missing, or what is of no use without it. */
function audienceClashes(
  written: z.output<typeof receiver>,
): readonly { readonly key: string; readonly message: string }[] {
  if (written.audience.length > 0) return []
  if (written.logout_audience.length === 0) {
    const message = 'without audience and logout_audience nothing is taken; write one of them'
    return [{ key: 'audience', message }]
  }
  const message =
    'this is about Security Event Tokens, and without audience none are taken; logout tokens are those of the issuer'
  return (['transmitter', 'jwks_uri'] as const).flatMap((key) =>
    written[key] === undefined ? [] : [{ key, message }],
  )
}
