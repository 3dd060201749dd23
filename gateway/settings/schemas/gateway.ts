/**
 * The schema of `config/gateway.yaml`. The one source of its validation, its JSON Schema, its
 * reference page and the environment variables that override it.
 */
import { z } from 'zod'
import { secureUrl } from './fields.ts'
import { geo, geoClash } from './gateway-geo.ts'
import { issuers } from './gateway-issuer.ts'
import { devicePosture } from './gateway-posture.ts'
import { listen } from './gateway-listen.ts'
import * as shared from './gateway-store.ts'
import { audit, sinkClashes } from './gateway-audit.ts'
import * as server from './gateway-server.ts'
import { signalClashes, signals } from './gateway-signals.ts'
import { training } from './gateway-training.ts'
import { upstreams } from './gateway-upstream.ts'
import { webhookClashes, webhooks } from './gateway-webhooks.ts'

const shape = z.strictObject({
  listen,
  public_url: secureUrl
    .optional()
    .describe('URL callers know this gateway by; named in challenges and metadata (RFC 9728).'),
  hosts: server.hosts,
  trusted_proxies: server.trustedProxies,
  forwarded_header: server.forwardedHeader,
  device_posture: devicePosture,
  geo,
  limits: server.limits,
  issuers,
  upstreams,
  rules: server.rules,
  audit,
  assertion: server.assertion,
  log: server.log,
  shutdown: server.shutdown,
  pdp: server.pdp,
  store: shared.store,
  locks: shared.locks,
  budgets: shared.budgets,
  data_tokens: shared.dataTokens,
  signals,
  webhooks,
  training,
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
  const matches = value.upstreams.map((u) =>
    JSON.stringify([u.protocol, u.match.host, u.match.path_prefix]),
  )
  for (const { index, first } of repeats(matches)) {
    const message = `upstream ${first + 1} matches the same requests; change host or path_prefix`
    issue(['upstreams', index, 'match'], message)
  }
  const clashes = [
    ...callClashes(value),
    ...controlClashes(value),
    ...geoClash(value),
    ...postureClashes(value),
    ...zoneClashes(value),
    ...sinkClashes(value.audit, value.store.kind),
    ...signalClashes(
      value.signals,
      value.issuers.map(({ name }) => name),
    ),
    ...webhookClashes(value.webhooks),
  ]
  for (const { path, message } of clashes) issue(path, message)
})

/** A validated file as written, in snake_case. */
export type GatewayDocument = z.output<typeof gatewaySchema>

interface Clash {
  readonly path: (string | number)[]
  readonly message: string
}

/** What `device_posture` needs of the listener, and must not share with the issuers. */
function postureClashes(value: z.output<typeof shape>): Clash[] {
  const { mtls_hops: hops, assertion } = value.device_posture
  const clashes: Clash[] = []
  const { data, grpc } = value.listen
  const asks = [data, grpc].some((one) => one?.tls?.client_ca_file !== undefined)
  if (hops.length > 0 && !asks) {
    const message = 'hops prove themselves with a certificate; set listen.data.tls.client_ca_file'
    clashes.push({ path: ['device_posture', 'mtls_hops'], message })
  }
  if (assertion === undefined) return clashes
  const signer = value.issuers.find(({ issuer }) => issuer === assertion.issuer)
  if (shares(signer?.audience, assertion.audience)) {
    const message = 'tokens of callers have this audience too; assertions need one of their own'
    clashes.push({ path: ['device_posture', 'assertion', 'audience'], message })
  }
  const names = value.issuers.map(({ name }) => name)
  return [...clashes, ...callerClashes(assertion.callers, names)]
}

/** Nothing outside of the upstreams can be in the training zone. */
function zoneClashes({ training: { zone }, upstreams: all }: z.output<typeof shape>): Clash[] {
  const names = all.map(({ name }) => name)
  const stranger = zone.findIndex((name) => !names.includes(name))
  const message = `no upstream has this name; write ${names.join(', ')}`
  return stranger < 0 ? [] : [{ path: ['training', 'zone', stranger], message }]
}

function callerClashes(callers: readonly string[] | undefined, names: readonly string[]): Clash[] {
  const path = ['device_posture', 'assertion', 'callers']
  if (callers === undefined) {
    const message = `say for callers of which issuers assertions are made: ${names.join(', ')}`
    return names.length > 1 ? [{ path, message }] : []
  }
  const stranger = callers.findIndex((name) => !names.includes(name))
  const message = `no issuer has this name; write ${names.join(', ')}`
  return stranger < 0 ? [] : [{ path: [...path, stranger], message }]
}

function shares(a: readonly string[] | undefined, b: readonly string[]): boolean {
  return a?.some((value) => b.includes(value)) === true
}

/** A gRPC upstream is reached from the gRPC listener alone. */
function callClashes({ listen: { grpc }, upstreams: all }: z.output<typeof shape>): Clash[] {
  const index = grpc === undefined ? all.findIndex((one) => one.protocol === 'grpc') : -1
  const message = 'nothing reaches a gRPC upstream without a gRPC listener; write listen.grpc'
  return index < 0 ? [] : [{ path: ['upstreams', index, 'protocol'], message }]
}

/** One token must never be good for models and for the gateway itself (I11). */
function controlClashes(
  value: z.output<typeof shape>,
): { readonly path: (string | number)[]; readonly message: string }[] {
  const { audience } = value.listen.control
  if (audience === undefined) return []
  const { assertion } = value.device_posture
  const others = [...value.issuers, ...(assertion === undefined ? [] : [assertion])]
  const taken = others.find((issuer) => [issuer.audience].flat().includes(audience))
  const path = ['listen', 'control', 'audience']
  const message = `issuer ${taken?.name ?? ''} has this audience already; the control API needs one of its own`
  return taken === undefined ? [] : [{ path, message }]
}

/** Indices of the values that were there before, each with the index of the first. */
function repeats(values: readonly string[]): { index: number; first: number }[] {
  return values
    .map((value, index) => ({ index, first: values.indexOf(value) }))
    .filter(({ index, first }) => index !== first)
}
