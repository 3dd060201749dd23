/** Reads what is new in a journal, and notices when it is not the one that was read before. */
import { fold } from '../../access/fold/fold.ts'
import { readEntry, type ReadEntry } from '../../access/fold/entry.ts'
import { readSnapshot } from '../../access/snapshot.ts'
import { emptyState, type AccessState } from '../../access/state.ts'
import { GatewayError } from '../../domain/errors.ts'
import type {
  JournalEntry,
  JournalHead,
  JournalPage,
  JournalSnapshot,
  JournalStore,
} from '../../domain/journal.ts'
import { isSameJournal, lostAmong } from './history.ts'
import { markOf, readToOf, seenOf, type Position, type Seen } from './position.ts'

/** Entries asked for at a time. */
const PAGE = 256

/** Pages of one reading: many times what a journal keeps beside its snapshot. */
const PAGES_MAX = 1_024

/** What came of reading on. */
export type Followed =
  | {
      readonly kind: 'followed'
      readonly position: Position
      /** Those that were read, in order; none when a snapshot was taken over. */
      readonly entries: readonly JournalEntry[]
      readonly events: readonly ReadEntry[]
      /** Up to where there is only a snapshot. */
      readonly trimmedTo: number
      /** What somebody else has added to this journal knew, and what is not in it. */
      readonly lost?: Seen
    }
  /** The journal is another one, or ends before what is known, or says something else there. */
  | {
      readonly kind: 'regressed'
      readonly head: JournalHead
      /** What is not in it any more, when that is not the last entry that is known. */
      readonly lost?: Seen
    }

/** What was read, of a journal that is still the same. */
export type FollowedTo = Extract<Followed, { readonly kind: 'followed' }>

/** As {@link Followed}, up to an entry that cannot be understood. */
export interface ReadOn {
  readonly followed: Followed
  /** Why no more can be known of this journal. */
  readonly damage?: unknown
}

/** Told of every answer of the store. */
export type OnAnswer = (head: JournalHead, askedAtMs: number) => void

/** What reading needs. */
export interface FollowDeps {
  readonly journal: Pick<JournalStore, 'entriesAfter' | 'snapshot' | 'head'>
  readonly monotonicMs: () => number
  readonly onAnswer: OnAnswer
}

/**
 * Reads everything behind `from`. The last entry that is known is read once more: one that is not
 * there any more, or has become another, tells that acknowledged entries were lost, however many
 * came since; so does one that was decided behind another entry than the one before it (threats
 * §2.L 367, 368). What this process has added is read once more, with what the store put before it.
 * @throws ERR_STORE_UNAVAILABLE
 */
export async function readOn(deps: FollowDeps, from: Position): Promise<ReadOn> {
  return readPages(deps, from, () => leap(deps, from))
}

/** Reads a journal from its newest snapshot, or its beginning. @throws ERR_STORE_UNAVAILABLE */
export async function readWhole(deps: FollowDeps): Promise<ReadOn> {
  const askedAtMs = deps.monotonicMs()
  const head = await deps.journal.head()
  deps.onAnswer(head, askedAtMs)
  const snapshot = await deps.journal.snapshot()
  const begun = beginning(head, snapshot)
  if ('damage' in begun) return begun
  return readPages(deps, begun, () => Promise.reject(cannotFollow('its snapshot is not there')))
}

function beginning(
  { epoch }: JournalHead,
  snapshot: JournalSnapshot | undefined,
): Position | (ReadOn & { readonly damage: unknown }) {
  const empty = { state: emptyState(epoch) }
  if (snapshot?.epoch !== epoch) return empty
  try {
    const state = readSnapshot(snapshot.text)
    if (state.epoch === epoch && state.seq === snapshot.seq) return { state }
    throw new GatewayError('ERR_INTERNAL', 'a snapshot of the journal is not what it is kept as')
  } catch (damage) {
    return { followed: followedTo(empty), damage }
  }
}

async function readPages(
  deps: FollowDeps,
  from: Position,
  overTrimmed: () => Promise<ReadOn>,
): Promise<ReadOn> {
  let followed = followedTo(from)
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const { position } = followed
    const page = await nextPage(deps, readToOf(position))
    const regressed = regressedIn(page, position)
    if (regressed !== undefined) return { followed: regressed }
    if (page.trimmedTo > position.state.seq) return overTrimmed()
    const added = add(followed, page)
    followed = added.followed
    const readTo = readToOf(followed.position)
    if (added.damage !== undefined || readTo >= page.seq) return added
    if (readTo === readToOf(position)) throw cannotFollow('entries are missing')
  }
  throw cannotFollow('it grows faster than it can be read')
}

/** What `page` says of a journal that is not the one of `position`, or has lost some of it. */
function regressedIn(
  page: JournalPage,
  position: Position,
): Extract<Followed, { readonly kind: 'regressed' }> | undefined {
  if (!isSameJournal(page, seenOf(position))) return { kind: 'regressed', head: page }
  const known = page.entries.filter(({ seq }) => seq <= position.state.seq)
  const lost = lostAmong(known, page.epoch)
  return lost === undefined ? undefined : { kind: 'regressed', head: page, lost }
}

function followedTo(position: Position): FollowedTo {
  return { kind: 'followed', position, entries: [], events: [], trimmedTo: 0 }
}

/** `before` with the entries of `page`, up to the first that cannot be understood. */
function add(
  before: FollowedTo,
  page: JournalPage,
): { readonly followed: FollowedTo; readonly damage?: unknown } {
  const { state, last: mark } = before.position
  const known = page.entries.find(({ seq }) => seq === state.seq)
  const fresh = page.entries.filter(({ seq }) => seq > state.seq)
  const { read, damage } = understood(state, fresh)
  const newest = fresh[read.events.length - 1] ?? (mark === undefined ? known : undefined)
  const last = newest === undefined ? mark : markOf(newest)
  const readTo = page.entries.at(-1)?.seq ?? read.state.seq
  const lost = lostAmong(page.entries, page.epoch) ?? before.lost
  const followed: FollowedTo = {
    kind: 'followed',
    position: {
      state: read.state,
      ...(last === undefined ? {} : { last }),
      ...(readTo < read.state.seq ? { readTo } : {}),
    },
    entries: [...before.entries, ...fresh.slice(0, read.events.length)],
    events: [...before.events, ...read.events],
    trimmedTo: page.trimmedTo,
    ...(lost === undefined ? {} : { lost }),
  }
  return damage === undefined ? { followed } : { followed, damage }
}

interface Understood {
  readonly state: AccessState
  readonly events: readonly ReadEntry[]
}

/**
 * All of `entries` folded in one step, which copies no map twice; one by one where that fails, for
 * what comes before the damage.
 */
function understood(
  from: AccessState,
  entries: readonly JournalEntry[],
): { readonly read: Understood; readonly damage?: unknown } {
  try {
    const events = entries.map(readEntry)
    return { read: { state: fold(from, events), events } }
  } catch {
    let read: Understood = { state: from, events: [] }
    for (const entry of entries) {
      try {
        const event = readEntry(entry)
        read = { state: fold(read.state, [event]), events: [...read.events, event] }
      } catch (damage) {
        return { read, damage }
      }
    }
    return { read }
  }
}

async function nextPage(deps: FollowDeps, seq: number): Promise<JournalPage> {
  const askedAtMs = deps.monotonicMs()
  const page = await deps.journal.entriesAfter(Math.max(seq - 1, 0), PAGE)
  deps.onAnswer(page, askedAtMs)
  return page
}

/** What came after `from` was trimmed: the snapshot has it. */
async function leap(deps: FollowDeps, from: Position): Promise<ReadOn> {
  const { state } = from
  const whole = await readWhole(deps)
  const { followed, damage } = whole
  if (followed.kind === 'regressed') return whole
  const { epoch, seq } = followed.position.state
  if (epoch === state.epoch && seq >= state.seq) {
    return { ...whole, followed: { ...followed, entries: [], events: [] } }
  }
  if (damage !== undefined) return { followed: followedTo(from), damage }
  return { followed: { kind: 'regressed', head: { epoch, seq, now: 0 } } }
}

function cannotFollow(why: string): GatewayError {
  return new GatewayError('ERR_STORE_UNAVAILABLE', `the journal cannot be followed: ${why}`)
}
