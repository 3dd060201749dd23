/**
 * The schema of `config/gateway.yaml`. The one source of its validation, its JSON Schema, its
 * reference page and the environment variables that override it.
 */
import { z } from 'zod'
import { secureUrl } from './fields.ts'
import { issuers } from './gateway-issuer.ts'
import * as server from './gateway-server.ts'
import { upstreams } from './gateway-upstream.ts'

const shape = z.strictObject({
  listen: server.listen,
  public_url: secureUrl
    .optional()
    .describe('URL callers know this gateway by; named in challenges and metadata (RFC 9728).'),
  hosts: server.hosts,
  trusted_proxies: server.trustedProxies,
  forwarded_header: server.forwardedHeader,
  device_posture: server.devicePosture,
  limits: server.limits,
  issuers,
  upstreams,
  rules: server.rules,
  audit: server.audit,
  assertion: server.assertion,
  log: server.log,
  shutdown: server.shutdown,
  pdp: server.pdp,
})

/**
 * `config/gateway.yaml`: snake_case keys, unknown keys refused, every default filled in, durations
 * in milliseconds, sizes in bytes. `{issuers: […], upstreams: […]}` is a complete file.
 */
export const gatewaySchema = shape.superRefine((value, context) => {
  const issue = (path: (string | number)[], message: string): void => {
    context.addIssue({ code: 'custom', path, message })
  }
  for (const { index, first } of repeats(value.issuers.map((i) => i.name))) {
    const name = value.issuers[index]?.name ?? ''
    const path = ['issuers', index, 'name']
    issue(path, `issuer ${first + 1} has the name ${name} too; give each issuer a name of its own`)
  }
  for (const { index, first } of repeats(value.issuers.map((i) => i.issuer))) {
    issue(['issuers', index, 'issuer'], `issuer ${first + 1} is the same; merge the two`)
  }
  for (const { index, first } of repeats(value.upstreams.map((u) => u.name))) {
    issue(['upstreams', index, 'name'], `upstream ${first + 1} has this name too; names are unique`)
  }
  const matches = value.upstreams.map((u) => JSON.stringify([u.match.host, u.match.path_prefix]))
  for (const { index, first } of repeats(matches)) {
    const message = `upstream ${first + 1} matches the same requests; change host or path_prefix`
    issue(['upstreams', index, 'match'], message)
  }
})

/** A validated file as written, in snake_case. */
export type GatewayDocument = z.output<typeof gatewaySchema>

/** Indices of the values that were there before, each with the index of the first. */
function repeats(values: readonly string[]): { index: number; first: number }[] {
  return values
    .map((value, index) => ({ index, first: values.indexOf(value) }))
    .filter(({ index, first }) => index !== first)
}
