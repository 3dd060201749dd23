/** The data listener and its pipeline over stand-ins, for tests of `gateway/pep`. */
import type { AddressInfo } from 'node:net'
import { NO_ACCESS } from '../../gateway/access/no-access.ts'
import type { AccessView } from '../../gateway/access/view.ts'
import type { AccessReplica } from '../../gateway/access/replica.ts'
import type { LivingRegistrations } from '../../gateway/access/versions/living.ts'
import type { UnwrittenVersions } from '../../gateway/access/versions/unwritten.ts'
import { createBudgets } from '../../gateway/budget/budgets.ts'
import type { Decision } from '../../gateway/domain/access.ts'
import { unrefTimers } from '../../gateway/authn/timers.ts'
import { createExtractionDetector } from '../../gateway/detect/detector.ts'
import type { Clock } from '../../gateway/domain/clock.ts'
import type { Ledger, LedgerRecord } from '../../gateway/domain/ports.ts'
import type { Classification, RequestTarget } from '../../gateway/domain/request.ts'
import type { SharedStore } from '../../gateway/domain/shared-state.ts'
import type { Subject } from '../../gateway/domain/subject.ts'
import { createMetrics, type Metrics } from '../../gateway/metrics/metrics.ts'
import {
  createDataListener,
  type DataListener,
  type ListenerOptions,
} from '../../gateway/pep/listener.ts'
import { createLockouts, type Lockouts } from '../../gateway/pep/watching/lockouts.ts'
import type { Runtime, Services } from '../../gateway/pep/runtime.ts'
import type { UpstreamEntry } from '../../gateway/pep/upstream-table.ts'
import { createMemoryStore } from '../../gateway/store/memory-store.ts'
import { createMemoryReplica, livingOver } from './memory-replica.ts'

/** A subject without anything special. */
export const ALICE: Subject = {
  id: 'user:dev/alice',
  issuer: 'https://idp.test',
  issuerName: 'dev',
  groups: [],
  roles: [],
  issuedAt: 0,
  expiresAt: 8.64e15,
  authentication: {},
  claims: new Map(),
}

/** A permit. */
export const PERMIT: Decision = {
  effect: 'permit',
  failedConditions: [],
  revision: 'sha256:00',
  explanation: 'allowed by a rule',
  obligations: [],
  rule: { file: 'policy.csv', line: 3, text: 'p, role:reader, read, model:*, always, allow' },
}

/** What every request is classified as, unless a test says otherwise. */
export const READ: Classification = {
  pack: 'test',
  route: 'GET /m',
  operations: [{ action: 'read', resource: { kind: 'model', name: 'm' } }],
  upgrade: false,
  errorShape: 'problem',
}

/** The same with an action that is privileged. */
export const EXPORT: Classification = {
  ...READ,
  operations: [{ action: 'export', resource: { kind: 'model', name: 'm' } }],
}

/** A target without further checks: tests of the parser are elsewhere. */
export const targetOf = (raw: string): RequestTarget => {
  const [path = '', query] = raw.split('?', 2)
  const segments = path.slice(1).split('/')
  return { path, query, segments, encoded: '', emptySegments: false }
}

/** An upstream that takes every host and path. */
export function entryOf(more: Partial<UpstreamEntry> = {}): UpstreamEntry {
  return {
    name: 'up',
    host: undefined,
    pathPrefix: '',
    stripPrefix: false,
    basePath: '',
    errorShape: 'problem',
    classifier: { classify: () => READ },
    assertion: false,
    websocket: false,
    credential: () => undefined,
    ...more,
  }
}

/** What a subject holds where no rule gives it more. */
export const holdingsOf = ({ id, groups, roles }: Subject): ReadonlySet<string> =>
  new Set([id, ...groups, ...roles, 'role:anyone'])

/** A runtime in which everything is permitted and forwarded to nowhere: `200 ok`. */
export function runtimeOf(calls: string[], more: Partial<Runtime> = {}): Runtime {
  return {
    limits: {
      headerCountMax: 100,
      bodyBytesMax: undefined,
      peekBytesMax: 1024 * 1024,
      bodyIdleTimeoutMs: 500,
      concurrentRequestsMax: 100,
    },
    upstreams: {
      select: (_, target) => {
        calls.push('admit')
        const classify = () => (calls.push('classify'), READ)
        return { entry: entryOf({ classifier: { classify } }), target }
      },
    },
    policy: {
      decisionPoint: { revision: 'sha256:00', decide: () => (calls.push('decide'), PERMIT) },
      resources: { attributesOf: () => undefined },
      holdingsOf,
    },
    whenStale: 'continue',
    recordWhenFull: 'refuse',
    training: { zone: new Set(), classifications: new Set(), required: false },
    secure: false,
    configRevision: 'sha256:11',
    authenticator: { authenticate: () => (calls.push('authenticate'), ALICE) },
    parseTarget: targetOf,
    acceptHost: (raw) => raw,
    clientAddress: () => ({ ip: '127.0.0.1', source: 'peer' }),
    managedHeaders: new Set(['x-posture']),
    environment: ({ now, client }) => (calls.push('gather'), { now, client }),
    ownDocument: () => undefined,
    challenge: () => 'Bearer realm="test"',
    forwarder: {
      forward: (_, client) => {
        calls.push('forward')
        client.onHead?.(200)
        client.response.writeHead(200, { 'content-length': '2' }).end('ok')
        return Promise.resolve({
          status: 200,
          requestBytes: 0,
          responseBytes: 2,
          endedBy: 'upstream',
        })
      },
    },
    upgrades: { upgrade: () => Promise.reject(new Error('not here')) },
    assertions: { assert: () => 'a.b.c', jwks: () => ({ keys: [] }) },
    ...more,
  }
}

/** A listener with its pipeline, and what it told. */
export interface TestPipeline {
  readonly port: number
  readonly listener: DataListener
  readonly calls: string[]
  readonly records: LedgerRecord[]
  readonly logged: string[]
  readonly metrics: Metrics
  readonly lockouts: Lockouts
  /** Puts another runtime in force, as a reload does, and decides open exchanges again. */
  replace(more: Partial<Runtime>): ReturnType<DataListener['decideAgain']>
  close(): Promise<void>
}

/** What differs from the default pipeline. */
export interface TestPipelineOptions {
  /** A store of this process when absent. */
  readonly state?: SharedStore
  /** The journal; none when absent. */
  readonly replica?: AccessReplica
  readonly unwritten?: Pick<UnwrittenVersions, 'hold'>
  /** Those of the replica when absent. */
  readonly registrations?: LivingRegistrations
  readonly runtime?: Partial<Runtime>
  /** Nothing granted or locked when absent. */
  readonly access?: AccessView
  readonly listener?: Partial<ListenerOptions>
  /** Called for each record; an error is a ledger that cannot be written. */
  readonly append?: (record: LedgerRecord, durability: 'kernel' | 'disk') => void
}

/** Starts a listener on 127.0.0.1. `calls` holds the stages in which something was asked. */
export async function startPipeline(options: TestPipelineOptions = {}): Promise<TestPipeline> {
  const calls: string[] = []
  const records: LedgerRecord[] = []
  const logged: string[] = []
  const ledger: Ledger = {
    healthy: true,
    append: (record, durability) => {
      calls.push(record.type === 'decision' ? 'record' : record.type)
      try {
        options.append?.(record, durability)
      } catch (error) {
        return Promise.reject(error instanceof Error ? error : new Error('unknown'))
      }
      records.push(record)
      return Promise.resolve()
    },
  }
  const metrics = createMetrics({
    buildInfo: { version: '0', nodeVersion: process.version },
    upstreams: ['up'],
    issuers: ['dev'],
  })
  const log = (_: object, message: string) => void logged.push(message)
  const clock: Clock = { now: () => 1_700_000_000_000, monotonicMs: () => performance.now() }
  const state = options.state ?? createMemoryStore({ clock })
  const lockouts = createLockouts({
    store: state,
    clock,
    schedule: (run, ms) => unrefTimers.schedule(run, ms),
  })
  const replica = options.replica ?? createMemoryReplica(clock.now())
  const services: Services = {
    clock,
    ledger,
    metrics,
    state,
    budgets: createBudgets({
      store: state,
      clock,
      leasePercent: 5,
      whenUnavailable: 'refuse',
      holder: 'test',
    }),
    access: options.access ?? NO_ACCESS,
    lockouts,
    replica,
    ...(options.unwritten === undefined ? {} : { unwritten: options.unwritten }),
    registrations: options.registrations ?? livingOver(replica),
    extraction: createExtractionDetector({ clock, seed: 1 }),
    log: { debug: log, info: log, warn: log, error: log, child: () => services.log },
  }
  await lockouts.start()
  let runtime = runtimeOf(calls, options.runtime)
  const listener = createDataListener(() => runtime, services, {
    headerBytesMax: 16_384,
    connectionsMax: 100,
    headersTimeoutMs: 2_000,
    keepAliveTimeoutMs: 5_000,
    ...options.listener,
  })
  const { server } = listener
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    listener,
    calls,
    records,
    logged,
    metrics,
    lockouts,
    replace(more) {
      runtime = { ...runtime, ...more }
      return listener.decideAgain()
    },
    close: () =>
      new Promise((resolve) => {
        lockouts.stop()
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
