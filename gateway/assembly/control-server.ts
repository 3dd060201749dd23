import { createServer, type Server } from 'node:http'
import { createControlApp, type ControlSources } from '../pap/control-app.ts'
import type { SignalsControl } from '../pap/signals-api.ts'
import type { Services } from '../pep/runtime.ts'
import type { Settings } from '../settings/settings.ts'
import { createControlApi } from './control-api.ts'
import { createControlCallers } from './control-callers.ts'
import { createControlRules } from './control-rules.ts'
import type { Reloader } from './reloader.ts'
import type { RunningStore } from './open-store.ts'
import type { RunningReplica } from './replica/replica.ts'
import { createSeenCallers } from './replica/seen-people.ts'
import type { RuleRevisions } from './revisions/rule-revisions.ts'
import type { RunningRuntime } from './running-runtime.ts'

/** Probes and scrapes are small and quick; nothing else has business there (I17). */
const CONTROL_LIMITS = {
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1_000,
  maxHeaderSize: 16 * 1024,
} as const
const CONTROL_CONNECTIONS_MAX = 256

/** What the control listener tells of, and works on. */
export interface Controlled {
  readonly settings: Settings
  readonly services: Services & {
    readonly state: Pick<RunningStore, 'wasReached' | 'journal'>
    readonly replica: RunningReplica
  }
  readonly reloader: Reloader
  readonly runtime: RunningRuntime
  readonly revisions: RuleRevisions
  /** What identity providers push, where it is configured. */
  readonly signals?: SignalsControl | undefined
}

/** What readiness depends on beside the runtime. */
export interface ListenState {
  draining: boolean
  listening: boolean
}

/** The server of the control listener, which does not listen yet. */
export function openControl(controlled: Controlled, state: Readonly<ListenState>): Server {
  const { services, runtime, reloader } = controlled
  const app = createControlApp({
    metrics: () => services.metrics.expose(),
    assertionKeys: () => runtime.assertionKeys(),
    ...controlPorts(controlled),
    signals: controlled.signals,
    revision: () => {
      const { rules, pin } = reloader.active()
      return { revision: rules.revision, pinned: typeof pin?.revision === 'string' }
    },
    unreadiness: () => [
      ...runtime.unreadiness(),
      ...(services.state.wasReached ? [] : ['store']),
      ...(services.replica.hasRead ? [] : ['state']),
      ...(state.listening ? [] : ['listener']),
      ...(state.draining ? ['draining'] : []),
    ],
    restraint: () => restraintOf(services.replica),
  })
  const server = createServer(CONTROL_LIMITS, app)
  server.maxConnections = CONTROL_CONNECTIONS_MAX
  return server
}

/** Why the journal is not relied on, the most lasting reason first. */
function restraintOf(
  replica: Pick<RunningReplica, 'fresh' | 'damage' | 'regression' | 'stalenessMs' | 'hasRead'>,
): string | undefined {
  const { fresh, damage, regression, stalenessMs, hasRead } = replica
  if (fresh) return undefined
  if (damage !== undefined) return 'the journal cannot be understood'
  if (regression !== undefined) return 'the journal has lost entries'
  if (!hasRead) return 'the journal was not read yet'
  return `the journal was read ${Math.floor(stalenessMs / 1_000)} s ago`
}

/** The control APIs, where they are switched on. */
function controlPorts(controlled: Controlled): Pick<ControlSources, 'rules' | 'api'> {
  const { settings, runtime, services, revisions, reloader } = controlled
  const { audience, host, hosts } = settings.listen.control
  if (audience === undefined) return {}
  const { replica, log } = services
  const callers = createControlCallers({
    services,
    runtime: () => runtime.current(),
    authenticator: () => runtime.controlAuthenticator(),
    onSeen: createSeenCallers(replica, (error) =>
      log.warn({ err: error }, 'what a caller of the control API holds could not be written down'),
    ),
  })
  const common = {
    revisions,
    reloader,
    callers,
    hosts: [...hosts, host.toLowerCase()],
    runtime: () => runtime.current(),
  }
  return {
    rules: createControlRules({ ...common, services }),
    api: createControlApi({ ...common, services, replica, journal: services.state.journal }),
  }
}
