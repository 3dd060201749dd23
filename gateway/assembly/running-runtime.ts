import { createHash } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import { createAssertionSigner } from '../authn/assertion.ts'
import { createAuthenticator, type RunningAuthenticator } from '../authn/authenticator.ts'
import { fetchJson } from '../authn/http-fetch.ts'
import type { Loaded } from '../domain/diagnostics.ts'
import type { AssertionSigner } from '../domain/ports.ts'
import { createForwarder } from '../forward/http-forwarder.ts'
import { createUpgradeForwarder } from '../forward/upgrade.ts'
import { createUpstreams, type Upstreams, type UpstreamOptions } from '../forward/upstream-pools.ts'
import type { Runtime, Services } from '../pep/runtime.ts'
import type { SecretFile } from '../settings/secret-file.ts'
import type { Settings } from '../settings/settings.ts'
import { authnEvents } from './events.ts'
import { issuerOptions, pem } from './issuer-options.ts'
import type { LoadedRules } from './load-rules.ts'
import { publicUrl } from './own-documents.ts'
import { buildRuntime } from './runtime-builder.ts'
import { openCredential, upstreamOptions } from './upstream-parts.ts'

/** The runtime in force and its replacement. */
export interface RunningRuntime {
  current(): Runtime
  /** Builds a runtime from new settings and rules and swaps it in; on error the old one stays. */
  replace(settings: Settings, rules: LoadedRules): Promise<void>
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
  let parts = await openParts(start.settings, services, undefined)
  const fixed = start.settings
  let runtime = assemble({ ...start, fixed, parts })
  await begin(parts.authenticator.part)
  const retired = new Set<Upstreams>()
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
        issuers: settings.issuers.map(({ name }) => name),
      })
      const next = await openParts(settings, services, parts)
      const replacement = assemble({ settings, rules, parts: next, services, fixed })
      if (next.authenticator.part !== parts.authenticator.part) await begin(next.authenticator.part)
      const before = parts
      parts = next
      runtime = replacement
      retire(before, next, retired)
    },
    unreadiness: () => [
      ...(hasKeys(parts.authenticator.part) ? [] : ['issuer_keys']),
      ...(services.ledger.healthy ? [] : ['ledger']),
    ],
    async refresh() {
      await Promise.all([parts.authenticator.part.refreshKeys(), refreshSecrets()])
    },
    assertionKeys: () => parts.signer.part.jwks(),
    async stop() {
      clearInterval(timer)
      parts.authenticator.part.stop()
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
  before: Parts | undefined,
): Promise<Parts> {
  const issuers = await Promise.all(settings.issuers.map(issuerOptions))
  const connections = await Promise.all(settings.upstreams.map(upstreamOptions))
  const secrets = await Promise.all(settings.upstreams.map(openCredential))
  const signing = await signingOptions(settings, services)
  const onEvent = authnEvents({
    ...services,
    append: (record) =>
      void services.ledger.append(record, 'kernel').catch(() => services.metrics.auditError()),
  })
  return {
    authenticator: keep(before?.authenticator, issuers, () =>
      createAuthenticator({
        issuers,
        clock: services.clock,
        fetchJson,
        onEvent,
        inherit: before?.authenticator.part,
      }),
    ),
    signer: keep(before?.signer, signing.facts, () =>
      createAssertionSigner({ ...signing.deps, previousPublicKey: publicKeyOf(before) }),
    ),
    upstreams: keep(before?.upstreams, connections, () =>
      createUpstreams({ upstreams: connections }),
    ),
    connections,
    secrets,
  }
}

async function signingOptions(settings: Settings, services: Services) {
  const { signingKeyFile, lifetime } = settings.assertion
  const privateKey = signingKeyFile === undefined ? undefined : await pem(signingKeyFile)
  const facts = { issuer: publicUrl(settings), lifetimeS: Math.floor(lifetime / 1000), privateKey }
  return { facts, deps: { ...facts, clock: services.clock } }
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
