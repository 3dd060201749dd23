/**
 * The parts a runtime is put together from: keys, pools, signer, secrets and databases. What it was
 * made of decides whether a part is kept over a reload or made anew.
 */
import { createHash } from 'node:crypto'
import { createAssertionSigner } from '../authn/assertion.ts'
import { createAuthenticator, type RunningAuthenticator } from '../authn/authenticator.ts'
import type { AuthnEvent } from '../authn/events.ts'
import { fetchJson } from '../authn/http-fetch.ts'
import type { IssuerOptions } from '../authn/issuer.ts'
import { GatewayError } from '../domain/errors.ts'
import type { AssertionSigner } from '../domain/ports.ts'
import { createCallUpstreams, type CallUpstreams } from '../forward/grpc-sessions.ts'
import { createUpstreams, type Upstreams, type UpstreamOptions } from '../forward/upstream-pools.ts'
import type { Services } from '../pep/runtime.ts'
import type { SecretFile } from '../settings/secret-file.ts'
import type { Settings } from '../settings/settings.ts'
import { openDatabase, type OpenDatabase } from './country-database.ts'
import { openDataKey } from './data-key.ts'
import { authnEvents } from './events.ts'
import { issuerOptions, pem } from './issuer-options.ts'
import { publicUrl } from './own-documents.ts'
import { assertionIssuer } from './posture-assertion.ts'
import { openCredential, upstreamOptions } from './upstream-parts.ts'

/** Parts that live on when their settings did not change, so that a rule edit costs no connection. */
export interface RuntimeParts {
  readonly authenticator: Kept<RunningAuthenticator>
  /** Verifies assertions of posture, where they are configured. */
  readonly posture: Kept<RunningAuthenticator> | undefined
  readonly countries: OpenDatabase | undefined
  /** Verifies tokens for the control API, whose audience is its own (I11). */
  readonly control: Kept<RunningAuthenticator> | undefined
  readonly signer: Kept<AssertionSigner>
  readonly upstreams: Kept<Upstreams>
  /** Connections to gRPC upstreams. */
  readonly calls: Kept<CallUpstreams>
  readonly connections: readonly UpstreamOptions[]
  readonly secrets: readonly (SecretFile | undefined)[]
  /** The key of tokens of data. */
  readonly dataKey: SecretFile | undefined
}

/** A part, and a digest of what it was made of. */
export interface Kept<T> {
  readonly key: string
  readonly part: T
}

/**
 * Opens what `settings` ask for; what is in `before` and was made of the same is kept.
 * `fixed` are the settings of the start, which the control API keeps.
 * @throws ERR_CONFIG_INVALID when a file that is named cannot be used
 */
export async function openParts(
  settings: Settings,
  services: Services,
  { fixed, before }: { readonly fixed: Settings; readonly before: RuntimeParts | undefined },
): Promise<RuntimeParts> {
  const issuers = await Promise.all(settings.issuers.map(issuerOptions))
  const connections = await connectionsTo(settings, 'http')
  const callConnections = await connectionsTo(settings, 'grpc')
  const secrets = await Promise.all(settings.upstreams.map(openCredential))
  const dataKey = await openDataKey(settings)
  const signing = await signingOptions(settings, services)
  const { assertion } = settings.devicePosture
  const posture = assertion === undefined ? [] : [await assertionIssuer(assertion)]
  const countries = await openDatabase(settings, before?.countries)
  return {
    authenticator: keepAuthenticator(before?.authenticator, issuers, services),
    posture:
      posture.length === 0 ? undefined : keepAuthenticator(before?.posture, posture, services),
    control: keepControl(before?.control, controlIssuers(issuers, fixed), services),
    signer: keep(before?.signer, signing.facts, () =>
      createAssertionSigner({ ...signing.deps, previousPublicKey: publicKeyOf(before) }),
    ),
    upstreams: keep(before?.upstreams, connections, () =>
      createUpstreams({ upstreams: connections }),
    ),
    calls: keep(before?.calls, callConnections, () =>
      createCallUpstreams({ upstreams: callConnections }),
    ),
    countries,
    connections,
    secrets,
    dataKey,
  }
}

function connectionsTo(
  { upstreams }: Settings,
  protocol: Settings['upstreams'][number]['protocol'],
): Promise<UpstreamOptions[]> {
  return Promise.all(upstreams.filter((one) => one.protocol === protocol).map(upstreamOptions))
}

function keepAuthenticator(
  before: Kept<RunningAuthenticator> | undefined,
  issuers: readonly IssuerOptions[],
  services: Services,
): Kept<RunningAuthenticator> {
  const onEvent = authnEvents({
    ...services,
    append: (record) =>
      void services.ledger.append(record, 'kernel').catch(() => services.metrics.auditError()),
  })
  const { clock } = services
  return keep(before, issuers, () =>
    createAuthenticator({ issuers, clock, fetchJson, onEvent, inherit: before?.part }),
  )
}

/**
 * The same issuers with the audience of the control API instead, and no other beside it: a token is
 * good for models or for the gateway itself, never for both (I11).
 * @throws ERR_CONFIG_INVALID when a reload would make it both
 */
function controlIssuers(issuers: readonly IssuerOptions[], fixed: Settings): IssuerOptions[] {
  const { audience } = fixed.listen.control
  if (audience === undefined) return []
  const both = issuers.find((issuer) => [issuer.audience].flat().includes(audience))
  if (both !== undefined) {
    const message = `issuer ${both.name}: ${audience} is the audience of the control API`
    throw new GatewayError('ERR_CONFIG_INVALID', message)
  }
  return issuers.map((issuer) => ({ ...issuer, audience: [audience], audienceSingle: true }))
}

function keepControl(
  before: Kept<RunningAuthenticator> | undefined,
  issuers: readonly IssuerOptions[],
  services: Services,
): Kept<RunningAuthenticator> | undefined {
  if (issuers.length === 0) return undefined
  const told = authnEvents({ ...services, append: () => undefined })
  // The keys are those of the issuers of callers, which tells of them already.
  const onEvent = (event: AuthnEvent): void => {
    if (!event.type.startsWith('keys_')) told(event)
  }
  const { clock } = services
  return keep(before, issuers, () =>
    createAuthenticator({ issuers, clock, fetchJson, onEvent, inherit: before?.part }),
  )
}

async function signingOptions(settings: Settings, services: Services) {
  const { signingKeyFile, lifetime } = settings.assertion
  const privateKey = signingKeyFile === undefined ? undefined : await pem(signingKeyFile)
  const facts = { issuer: publicUrl(settings), lifetimeS: Math.floor(lifetime / 1000), privateKey }
  return { facts, deps: { ...facts, clock: services.clock } }
}

/** The part from before when what it was made of is the same, else a new one. */
function keep<T>(before: Kept<T> | undefined, facts: unknown, create: () => T): Kept<T> {
  const key = createHash('sha256').update(JSON.stringify(facts)).digest('hex')
  return before?.key === key ? before : { key, part: create() }
}

/** The key that signed until now stays published until its last assertion has expired. */
function publicKeyOf(before: RuntimeParts | undefined): string | undefined {
  const [key] = before?.signer.part.jwks().keys ?? []
  return key === undefined ? undefined : JSON.stringify(key)
}
