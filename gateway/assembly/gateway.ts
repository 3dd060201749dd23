import { randomUUID } from 'node:crypto'
import { resolve } from 'node:path'
import { fetchJson } from '../authn/http-fetch.ts'
import { systemClock } from '../domain/clock.ts'
import { diagnosticText, type Diagnostic } from '../domain/diagnostics.ts'
import { GatewayError } from '../domain/errors.ts'
import type { Settings } from '../settings/settings.ts'
import { openControl, type Controlled, type ListenState } from './control-server.ts'
import { openDataListeners } from './data-listeners.ts'
import { closed, listen } from './listeners.ts'
import { loadConfig, type ConfigSource } from './load-config.ts'
import type { LoadedRules } from './load-rules.ts'
import { createRuleRevisions, type RuleRevisions } from './revisions/rule-revisions.ts'
import { assertNoDebugger, assertRuntimeFloor } from './runtime-floor.ts'
import { contentDigest } from './content-digest.ts'
import { createReloader } from './reloader.ts'
import { followJournal } from './follow-journal.ts'
import { openServices, type RunningServices, type ServicesOptions } from './open-services.ts'
import { osUser } from './process-facts.ts'
import { startRuntime } from './running-runtime.ts'
import { shutDown } from './shut-down.ts'
import { openSignals, type RunningSignals } from './signals/open-signals.ts'
import { undone, type Undo } from './undo.ts'
import type { RunningCouriers } from './webhooks/couriers.ts'
import { startWebhooks } from './webhooks/start-webhooks.ts'

/** What a gateway is started with. */
export interface GatewayOptions extends ConfigSource, ServicesOptions {
  /** Rules folder, instead of `rules.dir`. */
  readonly rulesDir?: string
}

/** A running gateway. */
export interface Gateway {
  readonly dataPort: number
  /** Absent without a gRPC listener. */
  readonly grpcPort?: number
  readonly controlPort: number
  readonly settings: Settings
  /**
   * Loads configuration and rules again, on a signal. Resolves to what is wrong; empty when it is
   * in force.
   */
  reload(): Promise<readonly Diagnostic[]>
  /** Drains and stops: no request is cut before `shutdown.drain` has passed. */
  stop(): Promise<void>
}

/**
 * Starts a gateway: configuration, rules, ledger, keys, listeners, in that order, so that nothing
 * listens before everything it needs is in force.
 * @throws ERR_CONFIG_INVALID ERR_RULES_INVALID with every finding in the message
 * @throws ERR_AUDIT_UNAVAILABLE ERR_LISTEN
 */
export async function startGateway(options: GatewayOptions): Promise<Gateway> {
  assertRuntimeFloor(options.process.nodeVersion)
  assertNoDebugger(options.process.hasDebugger)
  const loaded = await loadConfig(options)
  if (!loaded.ok) throw invalid('ERR_CONFIG_INVALID', 'the configuration', loaded.diagnostics)
  const settings = loaded.value
  const rulesDir = resolve(options.cwd, options.rulesDir ?? settings.rules.dir)
  const revisions = revisionsOf(options, settings, rulesDir)
  const digest = await contentDigest(options, revisions, settings)
  const rules = await revisions.load(settings)
  if (!rules.ok) throw invalid('ERR_RULES_INVALID', 'the rules', rules.diagnostics)
  const active = rules.value
  let rulesNow = (): LoadedRules => active.rules
  const undo: Undo[] = []
  try {
    const services = await openServices(options, settings, () => rulesNow(), undo)
    const runtime = await startRuntime({ settings, rules: active.rules, services })
    undo.push(() => runtime.stop())
    rulesNow = () => runtime.rules()
    const user = osUser(options.process)
    const parts = { source: options, rulesDir, revisions, services, settings, runtime, digest }
    const reloader = createReloader({ ...parts, active, user })
    const webhooks = await openWebhooks(settings, services)
    undo.push(() => webhooks?.stop())
    const receivers = await openSignals({ ...services, settings, fetchJson })
    undo.push(() => receivers?.stop())
    const told = { webhooks, receivers, signals: receivers?.control }
    const opening = { options, settings, services, reloader, runtime, revisions, ...told }
    // On the record before the first decision by these rules is.
    await reloader.started(active, loaded.warnings.concat(rules.warnings))
    return await openListeners(opening, undo)
  } catch (error) {
    // What is left open would keep the process alive, doing nothing.
    await undone(undo)
    throw error
  }
}

function revisionsOf(
  { cwd, clock = systemClock }: GatewayOptions,
  { rules }: Settings,
  rulesDir: string,
): RuleRevisions {
  const { historyMax, trustedKeysFiles } = rules
  const historyDir = resolve(cwd, rules.historyDir)
  const now = (): number => clock.now()
  return createRuleRevisions({ rulesDir, historyDir, historyMax, trustedKeysFiles, now })
}

/** What is listened with, once everything is in force. */
interface Opening extends Controlled {
  readonly options: GatewayOptions
  readonly services: RunningServices
  /** Absent when nobody is told of anything. */
  readonly webhooks: RunningCouriers | undefined
  /** Absent when nobody tells of anything. */
  readonly receivers: RunningSignals | undefined
}

async function openListeners(opening: Opening, undo: Undo[]): Promise<Gateway> {
  const { settings, services, reloader } = opening
  const { data, grpc, control } = settings.listen
  const state: ListenState = { draining: false, listening: false }
  const controlServer = openControl(opening, state)
  const controlPort = await listen(controlServer, control.host, control.port)
  undo.push(() => closed(controlServer))
  const listeners = await openDataListeners(opening)
  const { dataPort, grpcPort } = listeners
  const { flights } = listeners
  const followed = followJournal({ services, flights, runtime: () => opening.runtime.current() })
  undo.push(() => followed.stop())
  state.listening = true
  undo.push(() => listeners.drain())
  const watch = await reloader.watch()
  services.log.info(
    {
      data: `${data.host}:${dataPort}`,
      control: `${control.host}:${controlPort}`,
      ...(grpc === undefined ? {} : { grpc: `${grpc.host}:${grpcPort ?? 0}` }),
    },
    'listening',
  )
  let stopping: Promise<void> | undefined
  return {
    dataPort,
    ...(grpcPort === undefined ? {} : { grpcPort }),
    controlPort,
    settings,
    async reload() {
      await Promise.all([opening.runtime.refresh(), listeners.refreshCertificates()])
      return reloader.reload({ how: 'signal', by: osUser(opening.options.process) })
    },
    stop() {
      state.draining = true
      followed.stop()
      stopping ??= shutDown({ ...opening, listeners, controlServer, watch })
      return stopping
    },
  }
}

function openWebhooks(
  { webhooks }: Settings,
  { state, ...services }: RunningServices,
): Promise<RunningCouriers | undefined> {
  const { journal } = state
  services.notices.start(services.replica)
  return startWebhooks({ ...services, webhooks, journal, store: state, holder: randomUUID() })
}

/** One error that carries every finding, each as `file:line:column`. */
function invalid(
  code: 'ERR_CONFIG_INVALID' | 'ERR_RULES_INVALID',
  what: string,
  diagnostics: readonly Diagnostic[],
): GatewayError {
  return new GatewayError(
    code,
    `${what} cannot be used\n${diagnostics.map(diagnosticText).join('\n')}`,
  )
}
