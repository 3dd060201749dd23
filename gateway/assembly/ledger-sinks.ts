import type { RunningLedger } from '../audit/ledger.ts'
import { isPermit } from '../audit/line/permit.ts'
import { startSinks, type Sinks, type SinksOptions } from '../audit/sinks/sinks.ts'
import type { SinkEvent } from '../audit/sinks/sink-port.ts'
import type { Clock } from '../domain/clock.ts'
import { GatewayError } from '../domain/errors.ts'
import type { Logger } from '../log/logger.ts'
import { createOutput, type LogDestination } from '../log/output.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { raised } from './notices/from-records.ts'
import type { Notices } from './notices/open-notices.ts'
import type { Settings } from '../settings/settings.ts'
import type { RunningStore } from './open-store.ts'
import { createOutlet } from './sink-outlets.ts'

/** The sinks of a ledger, before and after it is open. */
export interface LedgerSinks {
  /** The first record that pruning must leave. */
  keepFrom(): number
  /**
   * Starts them over an open ledger. The ledger that it gives is what requests write to: it takes no
   * permit while a sink that must miss nothing is too far behind.
   * @throws ERR_CONFIG_INVALID
   */
  start(over: SinksStart): Promise<RunningLedger>
  /** As {@link Sinks.stop}; to be called when the ledger is closed. */
  stop(timeLeftMs: number): Promise<void>
}

/** What sinks are started with. */
export interface SinksStart {
  readonly ledger: RunningLedger
  /** Absolute directory of the ledger. */
  readonly dir: string
  readonly state: Pick<RunningStore, 'openStream'>
  readonly host: string
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  /** Told when people should be. */
  readonly tell?: Notices['tell']
  /** Standard output; one of its own when absent. */
  readonly output?: LogDestination | undefined
}

/** Milliseconds between looks at how far behind sinks are. */
const LAG_MS = 1_000

/** Prepares the sinks of the configuration. */
export function prepareSinks(settings: Settings): LedgerSinks {
  const { sinks: described, whenFull } = settings.audit
  const mustKeep = described.some((sink) => sink.whenFull === 'block')
  let sinks: Sinks | undefined
  let timer: NodeJS.Timeout | undefined
  return {
    // Where they are is not known before they are started.
    keepFrom: () => sinks?.keepFrom() ?? (mustKeep ? 0 : Infinity),
    async start(over) {
      if (described.length === 0) return over.ledger
      sinks = await started(over, described)
      const watch = lagWatch(sinks, over)
      watch()
      timer = setInterval(watch, LAG_MS).unref()
      return mustKeep ? gated(over.ledger, sinks, whenFull === 'continue') : over.ledger
    },
    async stop(timeLeftMs) {
      clearInterval(timer)
      await sinks?.stop(timeLeftMs)
    },
  }
}

async function started(over: SinksStart, described: Settings['audit']['sinks']): Promise<Sinks> {
  const output = over.output ?? createOutput({ fd: 1 })
  const sinks: SinksOptions['sinks'][number][] = []
  for (const sink of described) {
    const { name, whenFull, lagMax, filter, mask } = sink
    const outlet = await createOutlet(sink, { ...over, output })
    sinks.push({ name, whenFull, lagMax, filter, mask, outlet })
  }
  const { ledger, dir, clock } = over
  const running = startSinks({ ledger, dir, clock, sinks, onEvent: sinkEvents(over) })
  over.log.info({ sinks: described.map(({ name }) => name) }, 'sinks of the ledger started')
  return running
}

/** Tells metrics how far behind they are, and the log when that begins and ends to refuse permits. */
function lagWatch(sinks: Sinks, { log, metrics }: SinksStart): () => void {
  let before = new Set<string>()
  return () => {
    const blocking = new Set(sinks.blocking)
    for (const [sink, lag] of sinks.lags()) {
      metrics.auditSinkLag(sink, lag, blocking.has(sink))
      if (blocking.has(sink) && !before.has(sink)) {
        log.error({ sink, lag }, 'permits are refused: a sink of the ledger is too far behind')
      } else if (before.has(sink) && !blocking.has(sink)) {
        log.warn({ sink, lag }, 'the sink of the ledger has caught up; permits are given again')
      }
    }
    before = blocking
  }
}

/** Counts, logs and tells what becomes of sinks. */
export function sinkEvents({
  log,
  metrics,
  tell,
}: Pick<SinksStart, 'log' | 'metrics' | 'tell'>): (event: SinkEvent) => void {
  const said = new Map<string, string>()
  return (event) => {
    const { sink } = event
    switch (event.type) {
      case 'sent':
        metrics.auditSinkSent(sink, event.records)
        return
      case 'failed':
        metrics.auditSinkError(sink)
        // Attempts repeat for hours; a reason is said once.
        if (event.attempt === 1 || said.get(sink) !== event.why) {
          log.warn({ sink, why: event.why }, 'a sink of the ledger cannot send; it tries again')
        }
        said.set(sink, event.why)
        return
      case 'recovered':
        log.info({ sink, attempts: event.attempts }, 'the sink of the ledger sends again')
        return
      case 'dropped':
        metrics.auditSinkDropped(sink, event.to - event.from + 1)
        tell?.(raised('records_dropped', { sink, from: event.from, to: event.to, why: event.why }))
        log.error({ ...event }, 'a sink of the ledger left records out')
        return
      case 'cursor':
        log.warn({ sink, why: event.why }, CURSOR_WORDS[event.why])
    }
  }
}

const CURSOR_WORDS = {
  mismatch: 'the ledger is not the one that the sink has sent; records are sent again',
  unwritable: 'how far the sink has come could not be kept; records may be sent again',
} as const

/**
 * The ledger as requests see it. What was refused or has happened is recorded whatever waits; so is a
 * permit that goes on unrecorded otherwise.
 */
function gated(ledger: RunningLedger, sinks: Sinks, goesOn: boolean): RunningLedger {
  return {
    append(record, durability) {
      const mayWait = goesOn && durability === 'kernel'
      const blocking = isPermit(record) && !mayWait ? sinks.blocking : []
      if (blocking.length === 0) return ledger.append(record, durability)
      return Promise.reject(behind(blocking))
    },
    get healthy() {
      return ledger.healthy && sinks.blocking.length === 0
    },
    appendNow: (record) => ledger.appendNow(record),
    head: () => ledger.head(),
    close: () => ledger.close(),
  }
}

function behind(names: readonly string[]): GatewayError {
  return new GatewayError(
    'ERR_AUDIT_UNAVAILABLE',
    `sinks of the ledger are too far behind: ${names.join(', ')}`,
    { publicMessage: 'The decision could not be recorded.' },
  )
}
