import type { Server } from 'node:http'
import { setTimeout as wait } from 'node:timers/promises'
import type { RunningLedger } from '../audit/ledger.ts'
import type { RunningBudgets } from '../budget/budgets.ts'
import type { Clock } from '../domain/clock.ts'
import { refuse } from '../domain/refusal.ts'
import type { SharedStore } from '../domain/shared-state.ts'
import type { RootLogger } from '../log/logger.ts'
import type { Lockouts } from '../pep/watching/lockouts.ts'
import type { Settings } from '../settings/settings.ts'
import type { LedgerSinks } from './ledger-sinks.ts'
import type { DataListeners } from './data-listeners.ts'
import { closed } from './listeners.ts'
import type { Reloader } from './reloader.ts'
import type { RunningReplica } from './replica/replica.ts'
import type { RunningRuntime } from './running-runtime.ts'
import type { RunningSignals } from './signals/open-signals.ts'
import type { ChangeWatch } from './watch.ts'
import type { RunningCouriers } from './webhooks/couriers.ts'

/** What runs and has to end. */
export interface RunningParts {
  readonly settings: Settings
  readonly services: {
    readonly log: RootLogger
    readonly ledger: RunningLedger
    readonly sinks: Pick<LedgerSinks, 'stop'>
    readonly clock: Clock
    readonly lockouts: Pick<Lockouts, 'stop'>
    readonly budgets: Pick<RunningBudgets, 'stop'>
    readonly registrations: { readonly stop: () => void }
    readonly replica: Pick<RunningReplica, 'stop'>
    readonly state: Pick<SharedStore, 'close'>
  }
  readonly runtime: RunningRuntime
  readonly reloader: Pick<Reloader, 'settled'>
  readonly listeners: DataListeners
  readonly controlServer: Server
  readonly watch: ChangeWatch
  readonly webhooks: RunningCouriers | undefined
  readonly receivers: Pick<RunningSignals, 'stop'> | undefined
}

/** A client that is cut off has this long to be told; a cut stream ends within a second. */
const CUT_MS = 2_000

/** Sinks have at least so long for the last records; the rest of the drain time when there is more. */
const SINKS_MS = 1_000

/** Last bytes of answers already given have this long to leave. */
const FLUSH_MS = 1_000

/**
 * Ends in the order that loses nothing: unready first, so that load balancers look elsewhere; then
 * no new requests; then those in flight, for as long as they may take; then ledger and log.
 */
export async function shutDown(parts: RunningParts): Promise<void> {
  const { services, settings, listeners, runtime } = parts
  const { flights } = listeners
  const { delay, drain } = settings.shutdown
  const endsAt = services.clock.monotonicMs() + delay + drain
  services.log.info({ inFlight: flights.inFlight(), delay, drain }, 'draining')
  parts.watch.stop()
  listeners.stopCertificates()
  await wait(delay, undefined)
  const ended = listeners.drain()
  await Promise.race([flights.idle(), wait(drain, undefined, { ref: false })])
  if (flights.inFlight() > 0) {
    services.log.warn(
      { inFlight: flights.inFlight() },
      'requests were cut when the drain time was over',
    )
    flights.cut(refuse('draining', { retryAfter: 1 }))
    await Promise.race([flights.idle(), wait(CUT_MS, undefined, { ref: false })])
  }
  listeners.closeIdle()
  await Promise.race([ended, wait(FLUSH_MS, undefined, { ref: false })])
  listeners.destroy()
  // A reload at work still writes history and ledger.
  await Promise.race([parts.reloader.settled(), wait(CUT_MS, undefined, { ref: false })])
  await runtime.stop()
  parts.receivers?.stop()
  parts.controlServer.closeAllConnections()
  await closed(parts.controlServer)
  // An attempt at work is waited for no longer than a reload is: it is made again after a start.
  const told = parts.webhooks?.stop()
  await Promise.race([told, wait(CUT_MS, undefined, { ref: false })])
  services.lockouts.stop()
  services.registrations.stop()
  await services.replica.stop()
  // What was leased and not used; a store that does not answer keeps nobody.
  await services.budgets.stop()
  await services.state.close()
  try {
    await services.ledger.close()
  } finally {
    // What they do not send now they send after the next start.
    await services.sinks.stop(Math.max(SINKS_MS, endsAt - services.clock.monotonicMs()))
  }
  services.log.info({}, 'stopped')
  await services.log.flush()
}
