import { createHash } from 'node:crypto'
import { setTimeout as wait } from 'node:timers/promises'
import type { RunningAuthenticator } from '../authn/authenticator.ts'
import type { Loaded } from '../domain/diagnostics.ts'
import type { Authenticator } from '../domain/ports.ts'
import { createCallForwarder } from '../forward/grpc-forwarder.ts'
import type { CallUpstreams } from '../forward/grpc-sessions.ts'
import { createForwarder } from '../forward/http-forwarder.ts'
import { createUpgradeForwarder } from '../forward/upgrade.ts'
import type { Upstreams } from '../forward/upstream-pools.ts'
import type { Runtime, Services } from '../pep/runtime.ts'
import type { Settings } from '../settings/settings.ts'
import type { LoadedRules } from './load-rules.ts'
import { buildRuntime } from './runtime-builder.ts'
import { openParts, type RuntimeParts } from './runtime-parts.ts'

/** The runtime in force and its replacement. */
export interface RunningRuntime {
  current(): Runtime
  /** The rules that {@link current} was built from; the same object until others are in force. */
  rules(): LoadedRules
  /**
   * Builds a runtime from new settings and rules and swaps it in; on error the old one stays. Just before
   * the swap, which cannot fail, `onReady` is told the revision of the settings.
   */
  replace(
    settings: Settings,
    rules: LoadedRules,
    onReady: (configRevision: string) => void,
  ): Promise<void>
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

/** The parts that fetch keys. */
const AUTHENTICATORS = ['authenticator', 'posture', 'control'] as const

const SECRETS_REFRESH_MS = 10_000

/** Builds the first runtime and starts its background work. Missing keys leave it unready. */
export async function startRuntime(start: {
  readonly settings: Settings
  readonly rules: LoadedRules
  readonly services: Services
}): Promise<RunningRuntime> {
  const { services } = start
  const fixed = start.settings
  services.metrics.admitNames({
    upstreams: [],
    issuers: [],
    limits: start.rules.policy.limits.names,
  })
  let parts = await openParts(start.settings, services, { fixed, before: undefined })
  let runtime = assemble({ ...start, fixed, parts })
  let inForce = start.rules
  await beginNew(parts, undefined)
  const retired = new Set<Upstreams | CallUpstreams>()
  let replaced = (): void => undefined
  const refreshSecrets = async (): Promise<void> => {
    const present = [...parts.secrets, parts.dataKey].filter((secret) => secret !== undefined)
    for (const secret of present) tellOfSecret(services, await secret.refresh())
  }
  const timer = setInterval(() => void refreshSecrets(), SECRETS_REFRESH_MS)
  timer.unref()
  return {
    current: () => runtime,
    rules: () => inForce,
    async replace(settings, rules, onReady) {
      services.metrics.admitNames({
        upstreams: settings.upstreams.map(({ name }) => name),
        issuers: issuerNames(settings),
        limits: rules.policy.limits.names,
      })
      const next = await openParts(settings, services, { fixed, before: parts })
      const replacement = assemble({ settings, rules, parts: next, services, fixed })
      await beginNew(next, parts)
      // Nothing can fail from here on.
      onReady(replacement.configRevision)
      const before = parts
      parts = next
      runtime = replacement
      inForce = rules
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
      for (const name of AUTHENTICATORS) parts[name]?.part.stop()
      const pools = [parts.upstreams.part, parts.calls.part, ...retired]
      await Promise.all(pools.map((one) => one.destroy()))
    },
  }
}

function assemble(made: {
  readonly settings: Settings
  readonly rules: LoadedRules
  readonly parts: RuntimeParts
  readonly services: Services
  readonly fixed: Settings
}): Runtime {
  const { settings, rules, parts, services, fixed } = made
  return buildRuntime({
    settings,
    fixed,
    rules,
    secrets: parts.secrets,
    dataKey: parts.dataKey,
    configRevision: configRevision(settings),
    authenticator: parts.authenticator.part,
    postureVerifier: parts.posture?.part,
    countries: parts.countries,
    assertions: parts.signer.part,
    onDecisionFailure: (error) =>
      services.log.error({ err: error }, 'the decision point failed; the request was refused'),
    forwarder: createForwarder({ upstreams: parts.upstreams.part }),
    calls: createCallForwarder({ upstreams: parts.calls.part }),
    upgrades: createUpgradeForwarder({
      upstreams: parts.connections.map((one) => ({ ...one, wsIdleTimeoutMs: one.idleTimeoutMs })),
    }),
  })
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

/**
 * A request that arrived before a reload may still be sending its body and then needs the
 * connections it arrived with: they are closed when no such request can be left, or when the
 * gateway stops. Unused sockets are given up long before.
 */
const RETIRE_MS = 600_000

function retire(
  before: RuntimeParts,
  next: RuntimeParts,
  retired: Set<Upstreams | CallUpstreams>,
): void {
  for (const name of AUTHENTICATORS) {
    if (before[name]?.part !== next[name]?.part) before[name]?.part.stop()
  }
  for (const name of ['upstreams', 'calls'] as const) {
    const old = before[name].part
    if (old === next[name].part) continue
    retired.add(old)
    const close = (): void => void old.close().finally(() => retired.delete(old))
    setTimeout(close, RETIRE_MS).unref()
  }
}

/** How long a start or a reload waits for keys; an issuer that does not answer holds up nothing. */
const KEYS_WAIT_MS = 2_000

async function begin(authenticator: RunningAuthenticator): Promise<void> {
  await Promise.race([authenticator.start(), wait(KEYS_WAIT_MS, undefined, { ref: false })])
}

/** Begins the authenticators of `next` that were not at work in `before`, one after the other. */
async function beginNew(next: RuntimeParts, before: RuntimeParts | undefined): Promise<void> {
  for (const name of AUTHENTICATORS) {
    const kept = next[name]
    if (kept !== undefined && kept.part !== before?.[name]?.part) await begin(kept.part)
  }
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
