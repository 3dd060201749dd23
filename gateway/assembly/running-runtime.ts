import { createHash } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { createAssertionSigner } from '../authn/assertion.ts'
import { createAuthenticator, type RunningAuthenticator } from '../authn/authenticator.ts'
import { fetchJson } from '../authn/http-fetch.ts'
import type { AuthnEvent } from '../authn/events.ts'
import type { Loaded } from '../domain/diagnostics.ts'
import { GatewayError } from '../domain/errors.ts'
import type { AssertionSigner, Authenticator } from '../domain/ports.ts'
import { createForwarder } from '../forward/http-forwarder.ts'
import { createUpgradeForwarder } from '../forward/upgrade.ts'
import { createUpstreams, type Upstreams, type UpstreamOptions } from '../forward/upstream-pools.ts'
import type { Runtime, Services } from '../pep/runtime.ts'
import type { SecretFile } from '../settings/secret-file.ts'
import type { Settings } from '../settings/settings.ts'
import { openDatabase, type OpenDatabase } from './country-database.ts'
import { authnEvents } from './events.ts'
import { issuerOptions, pem } from './issuer-options.ts'
import type { IssuerOptions } from '../authn/issuer.ts'
import { assertionIssuer } from './posture-assertion.ts'
import type { LoadedRules } from './load-rules.ts'
import { publicUrl } from './own-documents.ts'
import { buildRuntime } from './runtime-builder.ts'
import { openCredential, upstreamOptions } from './upstream-parts.ts'

/** The runtime in force and its replacement. */
export interface RunningRuntime {
  current(): Runtime
  /** Builds a runtime from new settings and rules and swaps it in; on error the old one stays. */
  replace(settings: Settings, rules: LoadedRules): Promise<void>
  /** Calls `listener` whenever a new runtime is in force. There is one listener. */
  onReplaced(listener: () => void): void
  /** Verifies tokens for the control API; absent when that is off. */
  controlAuthenticator(): Authenticator | undefined
  /** Words for what is not ready; empty when everything is. */
  unreadiness(): readonly string[]
  /** Fetches keys and secrets again now. */
  refresh(): Promise<void>
  assertionKeys(): object
  /** Ends background work and connections to upstreams. */
  stop(): Promise<void>
}

/** Parts that live on when their settings did not change, so that a rule edit costs no connection. */
interface Parts {
  readonly authenticator: Kept<RunningAuthenticator>
  /** Verifies assertions of posture, where they are configured. */
  readonly posture: Kept<RunningAuthenticator> | undefined
  readonly countries: OpenDatabase | undefined
  /** Verifies tokens for the control API, whose audience is its own (I11). */
  readonly control: Kept<RunningAuthenticator> | undefined
  readonly signer: Kept<AssertionSigner>
  readonly upstreams: Kept<Upstreams>
  readonly connections: readonly UpstreamOptions[]
  readonly secrets: readonly (SecretFile | undefined)[]
}

interface Kept<T> {
  readonly key: string
  readonly part: T
}

const SECRETS_REFRESH_MS = 10_000

/** Builds the first runtime and starts its background work. Missing keys leave it unready. */
export async function startRuntime(start: {
  readonly settings: Settings
  readonly rules: LoadedRules
  readonly services: Services
}): Promise<RunningRuntime> {
  const { services } = start
  const fixed = start.settings
  let parts = await openParts(start.settings, services, { fixed, before: undefined })
  let runtime = assemble({ ...start, fixed, parts })
  await begin(parts.authenticator.part)
  if (parts.posture !== undefined) await begin(parts.posture.part)
  if (parts.control !== undefined) await begin(parts.control.part)
  const retired = new Set<Upstreams>()
  let replaced = (): void => undefined
  const refreshSecrets = async (): Promise<void> => {
    const present = parts.secrets.filter((secret) => secret !== undefined)
    for (const secret of present) tellOfSecret(services, await secret.refresh())
  }
  const timer = setInterval(() => void refreshSecrets(), SECRETS_REFRESH_MS)
  timer.unref()
  return {
    current: () => runtime,
    async replace(settings, rules) {
      services.metrics.admitNames({
        upstreams: settings.upstreams.map(({ name }) => name),
        issuers: issuerNames(settings),
      })
      const next = await openParts(settings, services, { fixed, before: parts })
      const replacement = assemble({ settings, rules, parts: next, services, fixed })
      if (next.authenticator.part !== parts.authenticator.part) await begin(next.authenticator.part)
      if (next.posture !== undefined && next.posture.part !== parts.posture?.part) {
        await begin(next.posture.part)
      }
      if (next.control !== undefined && next.control.part !== parts.control?.part) {
        await begin(next.control.part)
      }
      const before = parts
      parts = next
      runtime = replacement
      replaced()
      retire(before, next, retired)
    },
    onReplaced(listener) {
      replaced = listener
    },
    controlAuthenticator: () => parts.control?.part,
    unreadiness: () => [
      ...(hasKeys(parts.authenticator.part) ? [] : ['issuer_keys']),
      ...(services.ledger.healthy ? [] : ['ledger']),
    ],
    async refresh() {
      const refreshes = [parts.authenticator.part.refreshKeys(), parts.posture?.part.refreshKeys()]
      await Promise.all([...refreshes, parts.control?.part.refreshKeys(), refreshSecrets()])
    },
    assertionKeys: () => parts.signer.part.jwks(),
    async stop() {
      clearInterval(timer)
      parts.authenticator.part.stop()
      parts.posture?.part.stop()
      parts.control?.part.stop()
      await Promise.all([parts.upstreams.part, ...retired].map((pools) => pools.destroy()))
    },
  }
}

function assemble(made: {
  readonly settings: Settings
  readonly rules: LoadedRules
  readonly parts: Parts
  readonly services: Services
  readonly fixed: Settings
}): Runtime {
  const { settings, rules, parts, services, fixed } = made
  return buildRuntime({
    settings,
    fixed,
    rules,
    secrets: parts.secrets,
    configRevision: configRevision(settings),
    authenticator: parts.authenticator.part,
    postureVerifier: parts.posture?.part,
    countries: parts.countries,
    assertions: parts.signer.part,
    onDecisionFailure: (error) =>
      services.log.error({ err: error }, 'the decision point failed; the request was refused'),
    forwarder: createForwarder({ upstreams: parts.upstreams.part }),
    upgrades: createUpgradeForwarder({
      upstreams: parts.connections.map((one) => ({ ...one, wsIdleTimeoutMs: one.idleTimeoutMs })),
    }),
  })
}

async function openParts(
  settings: Settings,
  services: Services,
  { fixed, before }: { readonly fixed: Settings; readonly before: Parts | undefined },
): Promise<Parts> {
  const issuers = await Promise.all(settings.issuers.map(issuerOptions))
  const connections = await Promise.all(settings.upstreams.map(upstreamOptions))
  const secrets = await Promise.all(settings.upstreams.map(openCredential))
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
    countries,
    connections,
    secrets,
  }
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

/** Everyone whose keys are kept: issuers of callers' tokens, and of assertions of posture. */
export function issuerNames({ issuers, devicePosture }: Settings): readonly string[] {
  const { assertion } = devicePosture
  return [...issuers.map(({ name }) => name), ...(assertion === undefined ? [] : [assertion.name])]
}

/** Every issuer has had keys, and those of at least one are fresh enough to be used. */
function hasKeys(authenticator: RunningAuthenticator): boolean {
  return authenticator.ready() && authenticator.issuers().some(({ usable }) => usable)
}

/** The part from before when what it was made of is the same, else a new one. */
function keep<T>(before: Kept<T> | undefined, facts: unknown, create: () => T): Kept<T> {
  const key = createHash('sha256').update(JSON.stringify(facts)).digest('hex')
  return before?.key === key ? before : { key, part: create() }
}

/**
 * A request that arrived before a reload may still be sending its body and then needs the
 * connections it arrived with: they are closed when no such request can be left, or when the
 * gateway stops. Unused sockets are given up long before.
 */
const RETIRE_MS = 600_000

function retire(before: Parts, next: Parts, retired: Set<Upstreams>): void {
  if (before.authenticator.part !== next.authenticator.part) before.authenticator.part.stop()
  if (before.posture?.part !== next.posture?.part) before.posture?.part.stop()
  if (before.control?.part !== next.control?.part) before.control?.part.stop()
  const old = before.upstreams.part
  if (old === next.upstreams.part) return
  retired.add(old)
  const close = (): void => void old.close().finally(() => retired.delete(old))
  setTimeout(close, RETIRE_MS).unref()
}

/** How long a start or a reload waits for keys; an issuer that does not answer holds up nothing. */
const KEYS_WAIT_MS = 2_000

async function begin(authenticator: RunningAuthenticator): Promise<void> {
  await Promise.race([authenticator.start(), wait(KEYS_WAIT_MS, undefined, { ref: false })])
}

/** The key that signed until now stays published until its last assertion has expired. */
function publicKeyOf(before: Parts | undefined): string | undefined {
  const [key] = before?.signer.part.jwks().keys ?? []
  return key === undefined ? undefined : JSON.stringify(key)
}

/** A credential that cannot be read stays as it was; the operator must hear of it. */
function tellOfSecret(services: Services, loaded: Loaded<unknown>): void {
  if (loaded.ok) return
  for (const { file, message } of loaded.diagnostics) {
    services.log.error({ file }, `a credential cannot be read again, the old one stays: ${message}`)
  }
}

function configRevision(settings: Settings): string {
  // Where a value was written does not change what it means.
  const facts = JSON.stringify({ ...settings, provenance: undefined })
  return `sha256:${createHash('sha256').update(facts).digest('hex')}`
}
