/**
 * The sinks of a ledger: each reads the segment files from its own durable position, so that the
 * ledger is the spool of all of them and none holds records in memory.
 */
import type { Clock } from '../../domain/clock.ts'
import { systemFiles, type FilePort } from '../files/file-port.ts'
import type { Schedule } from '../writer/ledger-options.ts'
import { createCursor } from './cursor.ts'
import { compileFilter, type SinkFilter } from './filter.ts'
import { startPump, type Pump } from './pump.ts'
import type { SpoolLedger } from './pump-options.ts'
import type { Outlet, SinkEvent } from './sink-port.ts'
import { startPosition } from './start-position.ts'
import { createTail } from './tail.ts'

/** One sink. */
export interface SinkOptions {
  /** Unique; becomes a file name and a metric label: lower-case letters, digits, hyphens. */
  readonly name: string
  readonly whenFull: 'block' | 'drop'
  readonly lagMax: number
  readonly filter: SinkFilter
  readonly mask: readonly string[]
  readonly outlet: Outlet
}

/** What {@link startSinks} needs. */
export interface SinksOptions {
  /** Directory of the log. */
  readonly dir: string
  readonly ledger: SpoolLedger
  readonly sinks: readonly SinkOptions[]
  readonly clock: Clock
  readonly files?: FilePort
  readonly schedule?: Schedule
  readonly random?: () => number
  /** Must not throw. */
  readonly onEvent?: (event: SinkEvent) => void
}

/** Sinks at work. */
export interface Sinks {
  /** Names of the sinks that may miss nothing and for which no more may wait. */
  readonly blocking: readonly string[]
  /** Records that wait, by sink. */
  lags(): ReadonlyMap<string, number>
  /** The first record that pruning must leave; Infinity when no sink that blocks waits. */
  keepFrom(): number
  /** Delivers what waits within `timeLeftMs`, as far as the other sides answer. Never rejects. */
  stop(timeLeftMs: number): Promise<void>
}

/** Timers that keep the process alive: a drain at shutdown may be all that is left. */
const onTimer: Schedule = (delayMs, run) => {
  const timer = setTimeout(run, delayMs)
  return () => clearTimeout(timer)
}

/** Starts every sink where it left off. The ledger must be open. */
export function startSinks(options: SinksOptions): Sinks {
  const pumps = options.sinks.map((sink) => startSink(options, sink))
  return {
    get blocking() {
      return pumps.filter(({ isBlocking }) => isBlocking).map(({ name }) => name)
    },
    lags: () => new Map(pumps.map(({ name, lag }) => [name, lag])),
    keepFrom: () => Math.min(Infinity, ...pumps.map(({ keepFrom }) => keepFrom)),
    stop: async (timeLeftMs) => {
      await Promise.all(pumps.map((pump) => pump.stop(timeLeftMs)))
    },
  }
}

function startSink(options: SinksOptions, sink: SinkOptions): Pump {
  const { dir, ledger, clock, files = systemFiles, schedule = onTimer } = options
  const { name, lagMax } = sink
  const onEvent = options.onEvent ?? (() => undefined)
  const tail = createTail(files, dir)
  const cursor = createCursor(files, dir, name)
  const loaded = cursor.load()
  const start = startPosition({ files, dir, tail, cursor: loaded, head: ledger.head(), lagMax })
  if (loaded !== undefined && start.sent !== loaded) {
    onEvent({ type: 'cursor', sink: name, why: 'mismatch' })
  }
  const { whenFull, mask, outlet, filter } = sink
  const random = options.random ?? Math.random
  const isWanted = compileFilter(name, filter)
  const what = { name, whenFull, lagMax, isWanted, mask, outlet }
  return startPump({ ...what, tail, cursor, ledger, clock, schedule, random, onEvent }, start)
}
