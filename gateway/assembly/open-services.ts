/** What requests are served with, opened in the order in which one needs the other. */
import { randomInt } from 'node:crypto'
import { resolve } from 'node:path'
import { VERSION } from '../version.ts'
import type { RunningLedger } from '../audit/ledger.ts'
import type { RunningBudgets } from '../budget/budgets.ts'
import { systemClock, type Clock } from '../domain/clock.ts'
import { createExtractionDetector } from '../detect/detector.ts'
import type { SharedStore } from '../domain/shared-state.ts'
import { createLogger, type RootLogger } from '../log/logger.ts'
import type { LogDestination } from '../log/output.ts'
import { createMetrics } from '../metrics/metrics.ts'
import type { Services } from '../pep/runtime.ts'
import type { Settings } from '../settings/settings.ts'
import type { ConfigSource } from './load-config.ts'
import { prepareSinks, type LedgerSinks } from './ledger-sinks.ts'
import type { LoadedRules } from './load-rules.ts'
import { disputesTold } from './notices/of-ledger.ts'
import { openNotices, type Notices } from './notices/open-notices.ts'
import { openAccess, type AccessOpening } from './open-access.ts'
import { openBudgets } from './open-budgets.ts'
import { openOwnLedger, type LedgerOpening } from './open-ledger.ts'
import { openLockouts } from './open-lockouts.ts'
import { openRegistrations } from './open-registrations.ts'
import { openReplica, unusableState } from './open-replica.ts'
import { openStore, type RunningStore } from './open-store.ts'
import { openUnwritten } from './open-unwritten.ts'
import type { ProcessFacts } from './process-facts.ts'
import type { RunningReplica } from './replica/replica.ts'
import { issuerNames } from './running-runtime.ts'
import type { Undo } from './undo.ts'

/** What they are opened with, besides the configuration. */
export interface ServicesOptions extends Pick<ConfigSource, 'cwd'> {
  readonly process: ProcessFacts
  readonly clock?: Clock
  /** Where log lines go; standard output when absent. */
  readonly logDestination?: LogDestination
  /** What replicas share, instead of `store`; closed with the gateway. */
  readonly state?: SharedStore
  /** How the ledger is opened; on this thread when absent. */
  readonly openLedger?: (opening: LedgerOpening) => Promise<RunningLedger>
}

/** Everything that is open while a gateway runs. */
export type RunningServices = Services & {
  readonly unwritten: ReturnType<typeof openUnwritten>
  readonly registrations: ReturnType<typeof openRegistrations>
  readonly log: RootLogger
  readonly ledger: RunningLedger
  readonly sinks: LedgerSinks
  readonly budgets: RunningBudgets
  readonly state: RunningStore
  readonly notices: Notices
  /** Requests, grants, locks and reviews as this process has them; ended before the store is. */
  readonly replica: RunningReplica
}

/**
 * Opens them. What is open is added to `undo`, whatever fails after it.
 * @throws ERR_AUDIT_UNAVAILABLE ERR_CONFIG_INVALID ERR_STORE_UNAVAILABLE ERR_INTERNAL
 */
export async function openServices(
  options: ServicesOptions,
  settings: Settings,
  rules: () => LoadedRules,
  undo: Undo[],
): Promise<RunningServices> {
  const clock = options.clock ?? systemClock
  const destination = options.logDestination
  const log = createLogger({
    level: settings.log.level,
    clock,
    ...(destination === undefined ? {} : { destination }),
  })
  const metrics = createMetrics({
    defaultMetrics: true,
    buildInfo: { version: VERSION, nodeVersion: options.process.nodeVersion },
    upstreams: settings.upstreams.map(({ name }) => name),
    issuers: issuerNames(settings),
    sinks: settings.audit.sinks.map(({ name }) => name),
  })
  const sinks = prepareSinks(settings)
  const dir = resolve(options.cwd, settings.audit.dir)
  const facts = options.process
  const keepFrom = (): number => sinks.keepFrom()
  const { host } = facts
  const replicaName = `${host}:${facts.pid}`
  const notices = openNotices({ webhooks: settings.webhooks, replica: replicaName, clock, log })
  const { tell } = notices
  // They are ended when the ledger is closed.
  undo.push(() => sinks.stop(0))
  const opened = await (options.openLedger ?? openOwnLedger)({
    ...{ dir, cwd: options.cwd, settings, process: facts, clock, log, keepFrom },
    metrics: disputesTold(metrics, tell),
  })
  undo.push(() => opened.close())
  const state = await openStore({ ...options, settings, clock, log, metrics })
  undo.push(() => state.close())
  const lockouts = openLockouts({ store: state, clock, log, metrics })
  const extraction = createExtractionDetector({
    clock,
    seed: randomInt(2 ** 32),
    onEvicted: () => metrics.extractionEvicted(),
  })
  undo.push(() => lockouts.stop())
  await lockouts.start()
  const budgets = openBudgets({ state, clock, metrics, log }, settings.budgets)
  undo.push(() => budgets.stop())
  const over = { ledger: opened, dir, state, host, clock, log, metrics, tell, output: log.output }
  const ledger = notices.watch(await sinks.start(over))
  const replica = await openReplica({ settings, process: facts, ...over, ledger })
  undo.push(() => replica.stop())
  const unwritten = openUnwritten(replica, log)
  undo.push(() => unwritten.stop())
  const registrations = openRegistrations({ replica, ledger, metrics, log })
  undo.push(() => registrations.stop())
  const access = accessOver({ replica, rules, unwritten, log, metrics }, settings)
  return {
    ...{ clock, ledger, sinks, metrics, log, state, replica, notices },
    ...{ budgets, lockouts, extraction, access, unwritten, registrations },
  }
}

function accessOver(opening: AccessOpening, { store }: Settings): Services['access'] {
  try {
    return openAccess(opening)
  } catch (error) {
    throw unusableState(error, store)
  }
}
