/** The replica of a running gateway: counted, logged, and on record in its ledger. */
import { randomUUID } from 'node:crypto'
import type { ReadEntry } from '../access/fold/entry.ts'
import { sizeOfState } from '../access/size.ts'
import type { Clock } from '../domain/clock.ts'
import { GatewayError } from '../domain/errors.ts'
import type { Ledger } from '../domain/ports.ts'
import type { SharedStore } from '../domain/shared-state.ts'
import type { Logger } from '../log/logger.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Settings } from '../settings/settings.ts'
import type { ProcessFacts } from './process-facts.ts'
import { raised } from './notices/from-records.ts'
import type { Happening } from './notices/outbox.ts'
import { accessRecord } from './replica/access-record.ts'
import type { ReplicaEvent } from './replica/events.ts'
import { createReplica, type RunningReplica } from './replica/replica.ts'
import { readSeen, type AcceptedLoss } from './replica/seen-file.ts'

/** Time between two readings, by kind of store: asking a file costs less than asking a network. */
const POLL_MS = { redis: 250, other: 100 } as const

/** What a replica is opened with. */
export interface ReplicaOpening {
  readonly settings: Pick<Settings, 'store'>
  /** `audit.dir`, absolute. */
  readonly dir: string
  readonly process: Pick<ProcessFacts, 'host' | 'pid'>
  readonly state: Pick<SharedStore, 'kind' | 'journal'>
  readonly ledger: Ledger
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: Metrics
  /** Told when people should be. */
  readonly tell?: (happening: Happening) => void
}

/**
 * Opens the replica and reads for the first time; a store that does not answer leaves it without
 * state, and the gateway not ready.
 * @throws ERR_INTERNAL when a journal is there and nothing of it can be understood, locks included
 */
export async function openReplica(opening: ReplicaOpening): Promise<RunningReplica> {
  const { settings, dir, process, state, clock, metrics } = opening
  const replica = createReplica({
    journal: state.journal,
    clock,
    schedule(run, delayMs) {
      const timer = setTimeout(run, delayMs).unref()
      return () => clearTimeout(timer)
    },
    id: randomUUID(),
    name: `${process.host}:${process.pid}`.slice(0, 256),
    pollMs: state.kind === 'redis' ? POLL_MS.redis : POLL_MS.other,
    maxStalenessMs: settings.store.maxStaleness,
    dir,
    seen: await readSeen(dir),
    onEvent: eventsOf(opening),
    record: (entries) => recordOwn(opening, entries, replica.state.epoch),
    recordLoss: (accepted, found) => recordLoss(opening, accepted, found),
  })
  metrics.stateFacts(() => ({
    stalenessMs: replica.stalenessMs,
    seq: replica.state.seq,
    replicas: replica.replicas.length,
    chars: sizeOfState(replica.state),
    isRegressed: replica.regression !== undefined,
    isDamaged: replica.damage !== undefined,
  }))
  await replica.start()
  const { damage, state: known } = replica
  if (damage === undefined || known.seq > 0) return replica
  await replica.stop()
  throw unusableState(damage, settings.store)
}

/** The failure of a start over a store whose state of locks and grants is not what can be worked with. */
export function unusableState(cause: unknown, store: Settings['store']): GatewayError {
  const why = cause instanceof Error ? cause.message : String(cause)
  const place = store.kind === 'redis' ? `Redis of ${store.urlFile}` : store.dir
  const message =
    `the locks and grants in the store (${place}) cannot be used: ${why}\n` +
    'Start the version that wrote them, or put the last export into the store: ' +
    'modelgate store import FILE --replace --reason TEXT'
  return new GatewayError('ERR_INTERNAL', message, { cause })
}

function eventsOf({
  log,
  tell,
}: Pick<ReplicaOpening, 'log' | 'tell'>): (event: ReplicaEvent) => void {
  const toLog = replicaEvents(log)
  return (event) => {
    toLog(event)
    if (event.type !== 'regressed') return
    const { known, found } = event
    tell?.(raised('journal_regressed', { known: known.seq, found: found.seq }))
  }
}

/** What is in force stays in force when it cannot be recorded; somebody is told. */
async function recordOwn(
  { ledger, log, metrics }: ReplicaOpening,
  entries: readonly ReadEntry[],
  epoch: string,
): Promise<void> {
  const records = entries.map((entry) => ledger.append(accessRecord(entry, epoch), 'disk'))
  const outcomes = await Promise.allSettled(records)
  outcomes.forEach((outcome, at) => {
    if (entries[at]?.event.type === 'grant.opened') metrics.breakGlassOpened()
    if (outcome.status === 'fulfilled') return
    metrics.auditError()
    metrics.accessRecordError()
    const { seq, event } = entries[at] ?? {}
    const told = { entry: seq, what: event?.type, err: outcome.reason as unknown }
    log.error(told, 'an entry of the journal is in force and could not be recorded')
  })
}

function recordLoss(
  { ledger }: ReplicaOpening,
  { by, reason, known }: AcceptedLoss,
  found: { readonly epoch: string; readonly seq: number },
): Promise<void> {
  const place = ({ epoch, seq }: { epoch: string; seq: number }): string => `${epoch}@${seq}`
  const facts = { from: place(known), to: place(found), why: reason }
  const fields = {
    id: randomUUID(),
    effect: 'permit',
    what: 'store.accept-loss',
    sub: by,
    ...facts,
  }
  return ledger.append({ type: 'admin', fields }, 'disk')
}

/** Tells the log, each trouble once until it is over. */
export function replicaEvents(
  log: Pick<Logger, 'info' | 'warn' | 'error'>,
): (event: ReplicaEvent) => void {
  let isUnavailable = false
  const failing = new Set<string>()
  const tellOnce = ({ what, error }: { what: string; error: unknown }): void => {
    if (!failing.has(what)) log.warn({ what, err: error }, 'upkeep of the journal fails')
    failing.add(what)
  }
  return (event) => {
    switch (event.type) {
      case 'read':
        if (isUnavailable) log.info({ seq: event.seq }, 'the journal is read again')
        isUnavailable = false
        return
      case 'unavailable':
        if (!isUnavailable) log.error({ err: event.error }, 'the journal cannot be read or written')
        isUnavailable = true
        return
      case 'damaged':
        log.error(
          { entry: event.seq, err: event.error },
          'an entry of the journal cannot be understood: privileged actions are refused until a restart',
        )
        return
      case 'regressed':
        log.error(
          { known: event.known, found: event.found },
          'the journal has lost entries that were known: privileged actions are refused until ' +
            'somebody accepts the loss (modelgate store accept-loss); known locks stay in force',
        )
        return
      case 'settled':
        log.warn({ how: event.how }, 'the journal is relied on again')
        return
      case 'locks-restored':
        log.warn({ ids: event.ids }, 'lost locks were set again')
        return
      case 'upkeep-failed':
        tellOnce(event)
        return
      case 'snapshot-kept':
        failing.delete('a snapshot')
        log.info({ seq: event.seq }, 'a snapshot of the journal was kept')
        return
      case 'replicas':
        failing.delete('the announcement')
    }
  }
}
