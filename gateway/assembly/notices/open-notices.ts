/** Notices of a running gateway: taken from its ledger, put into the journal once a second. */
import { NOTICE_TYPES } from '../../access/notice.ts'
import type { AccessReplica } from '../../access/replica.ts'
import type { RunningLedger } from '../../audit/ledger.ts'
import type { Clock } from '../../domain/clock.ts'
import { globMatches } from '../../domain/glob.ts'
import type { LedgerRecord } from '../../domain/ports.ts'
import type { Logger } from '../../log/logger.ts'
import { happeningOf, raised } from './from-records.ts'
import { createOutbox, type Happening } from './outbox.ts'

/** What they are opened with. */
export interface NoticesOpening {
  /** Who is told of what. */
  readonly webhooks: readonly { readonly events: readonly string[] }[]
  /** Host and process id. */
  readonly replica: string
  readonly clock: Clock
  readonly log: Pick<Logger, 'warn'>
}

/** See {@link openNotices}. */
export interface Notices {
  readonly tell: (happening: Happening) => void
  /** `ledger`, of whose records those that somebody hears of are told. */
  watch(ledger: RunningLedger): RunningLedger
  /** Begins to put them into the journal. */
  start(replica: Pick<AccessReplica, 'run'>): void
  /** Puts in what waits, once, and ends. Never rejects. */
  stop(): Promise<void>
}

const EVERY_MS = 1_000

/** Where no webhook asks for any of them, nothing is watched and nothing written. */
export function openNotices({ webhooks, replica, clock, log }: NoticesOpening): Notices {
  const globs = webhooks.flatMap(({ events }) => events)
  const wanted = new Set(
    NOTICE_TYPES.filter((type) => globs.some((glob) => globMatches(glob, type))),
  )
  const now = (): number => clock.now()
  const outbox = createOutbox({ now, replica, wants: (type) => wanted.has(type) })
  let flush: ((all: boolean) => Promise<void>) | undefined
  let timer: NodeJS.Timeout | undefined
  return {
    tell: outbox.tell,
    watch: (ledger) => (wanted.size === 0 ? ledger : watched(ledger, outbox.tell)),
    start(journal) {
      if (wanted.size === 0) return
      flush = flusher(
        (all) => outbox.flush((command) => journal.run(command), all),
        (error) => log.warn({ err: error, waiting: outbox.size }, 'notices wait for the journal'),
      )
      timer = setInterval(() => void flush?.(false), EVERY_MS).unref()
    },
    async stop() {
      clearInterval(timer)
      await flush?.(true)
    },
  }
}

/** One at a time; a failure is told once until one succeeds. */
function flusher(
  run: (all: boolean) => Promise<void>,
  onFailed: (error: unknown) => void,
): (all: boolean) => Promise<void> {
  let underWay: Promise<void> | undefined
  let isTold = false
  const attempt = async (all: boolean): Promise<void> => {
    try {
      await run(all)
      isTold = false
    } catch (error) {
      if (!isTold) onFailed(error)
      isTold = true
    }
  }
  return async (all) => {
    if (underWay !== undefined && !all) return
    await underWay
    underWay = attempt(all)
    await underWay
    underWay = undefined
  }
}

function watched(ledger: RunningLedger, tell: (happening: Happening) => void): RunningLedger {
  const look = (record: LedgerRecord): void => {
    const happening = happeningOf(record)
    if (happening !== undefined) tell(happening)
  }
  return {
    append(record, durability) {
      look(record)
      const appended = ledger.append(record, durability)
      // That the record of a notice failed is not told: its own record would fail, without end.
      appended.catch(() => {
        if (!isOfNotice(record)) tell(raised('ledger_unavailable', {}))
      })
      return appended
    },
    appendNow(record) {
      look(record)
      ledger.appendNow(record)
    },
    head: () => ledger.head(),
    close: () => ledger.close(),
    get healthy() {
      return ledger.healthy
    },
  }
}

function isOfNotice({ type, fields }: LedgerRecord): boolean {
  return type === 'access' && NOTICE_TYPES.some((one) => one === fields['what'])
}
