/** What waits to be put into the journal, so that webhooks tell of it: alike things once, bounded. */
import type { Command } from '../../access/command.ts'
import { newId } from '../../access/ids.ts'
import {
  NOTICE_TYPES,
  type Notice,
  type NoticeFacts,
  type NoticeKind,
  type NoticeType,
} from '../../access/notice.ts'
import type { AccessReplica } from '../../access/replica.ts'

/** Something that happened. */
export interface Happening {
  readonly type: NoticeType
  readonly kind: NoticeKind
  /** Those of one type, kind and key are told together for as long as they wait. */
  readonly key: string
  readonly facts: NoticeFacts
}

/** What an outbox works with. */
export interface OutboxDeps {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Host and process id. */
  readonly replica: string
  /** Whether anybody is told of this type: what nobody hears of is not put into the journal. */
  readonly wants: (type: NoticeType) => boolean
}

/** See {@link createOutbox}. */
export interface Outbox {
  /** Takes note. Never throws, never waits. */
  readonly tell: (happening: Happening) => void
  /**
   * Puts what is due into the journal, by `run`; what it cannot take waits on. `all`: without waiting
   * for more of the same. @throws what `run` throws
   */
  flush(run: AccessReplica['run'], all?: boolean): Promise<void>
  /** Things that wait. */
  readonly size: number
}

/** Things that wait at once, of all types; of more, only the number is told. */
const WAITING_MAX = 1_000
/** Entries of one flush, and of one minute and type: a flood must not fill the journal. */
const BATCH_MAX = 32
const PER_MINUTE = 60
const MINUTE_MS = 60_000

/** Refusals come in crowds: they are gathered for so long. */
const HELD_MS: Readonly<Record<NoticeType, number>> = {
  'incident.raised': 0,
  'decision.refused': 10_000,
  'decision.exported': 0,
}

interface Waiting extends Happening {
  readonly at: number
  readonly count: number
}

/** Begins empty. */
export function createOutbox(deps: OutboxDeps): Outbox {
  const waiting = new Map<string, Waiting>()
  const omitted = new Map<NoticeType, number>()
  const spent = new Map<NoticeType, { readonly since: number; readonly count: number }>()
  const put = (one: Waiting): void => {
    const name = `${one.type} ${one.kind} ${one.key}`
    const before = waiting.get(name)
    if (before !== undefined) {
      const at = Math.min(before.at, one.at)
      waiting.set(name, { ...before, at, count: before.count + one.count })
    } else if (waiting.size < WAITING_MAX) waiting.set(name, one)
    else omitted.set(one.type, (omitted.get(one.type) ?? 0) + one.count)
  }
  const left = (type: NoticeType): number => {
    const minute = spent.get(type)
    const isOver = minute === undefined || deps.now() - minute.since >= MINUTE_MS
    return isOver ? PER_MINUTE : PER_MINUTE - minute.count
  }
  const spend = (type: NoticeType, count: number): void => {
    const fresh = left(type) === PER_MINUTE
    const before = fresh ? { since: deps.now(), count: 0 } : spent.get(type)
    if (before !== undefined) spent.set(type, { ...before, count: before.count + count })
  }
  const take = (type: NoticeType, all: boolean): readonly Waiting[] => {
    const taken: Waiting[] = []
    for (const [name, one] of waiting) {
      if (taken.length >= Math.min(BATCH_MAX, left(type))) break
      if (one.type !== type || (!all && deps.now() - one.at < HELD_MS[type])) continue
      waiting.delete(name)
      taken.push(one)
    }
    const more = omitted.get(type)
    // Their number has a place among the sixty, too.
    if (more === undefined || left(type) <= taken.length) return taken
    omitted.delete(type)
    return [...taken, { type, kind: 'omitted', key: '', facts: {}, at: deps.now(), count: more }]
  }
  const append = async (
    run: AccessReplica['run'],
    type: NoticeType,
    taken: readonly Waiting[],
  ): Promise<void> => {
    const notices = taken.map((one) => noticeOf(one, deps))
    const command: Command<undefined> = () => ({
      events: notices.map((notice) => ({ type, notice })),
      result: undefined,
    })
    try {
      await run(command)
      spend(type, taken.length)
    } catch (error) {
      taken.forEach(put)
      throw error
    }
  }
  return {
    tell(happening) {
      if (deps.wants(happening.type)) put({ ...happening, at: deps.now(), count: 1 })
    },
    async flush(run, all = false) {
      for (const type of NOTICE_TYPES) {
        const taken = take(type, all)
        if (taken.length > 0) await append(run, type, taken)
      }
    },
    get size() {
      return waiting.size
    },
  }
}

function noticeOf({ kind, at, count, facts }: Waiting, { now, replica }: OutboxDeps): Notice {
  return { id: newId('notice', now()), kind, at, count, replica, facts }
}
