/** Brings the events of the journal to one webhook: in order, at least once, and not for ever. */
import { jsonBody, messageId, noteOf, type NumberedEvent } from '../../access/webhooks/payload.ts'
import { retryDelayMs } from '../../access/webhooks/back-off.ts'
import { signatureHeaders } from '../../access/webhooks/signature.ts'
import { slackBody } from '../../access/webhooks/slack.ts'
import { readEntry } from '../../access/fold/entry.ts'
import { globMatches } from '../../domain/glob.ts'
import type { JournalStore } from '../../domain/journal.ts'
import type { PostAnswer } from './post.ts'

/** One webhook, ready to be sent to. */
export interface Target {
  readonly name: string
  readonly events: readonly string[]
  readonly template: 'json' | 'slack'
  readonly giveUpMs: number
  /** What signs; absent for what is not signed at all, because its address is the secret. */
  readonly secrets?: () => readonly [Buffer, ...Buffer[]]
  readonly post: (headers: Readonly<Record<string, string>>, body: string) => Promise<PostAnswer>
}

/** What a courier needs. */
export interface CourierDeps {
  readonly journal: Pick<JournalStore, 'head' | 'entriesAfter' | 'cursor'>
  /** Milliseconds since the epoch, for the time of an attempt. */
  readonly now: () => number
  readonly random: () => number
  readonly onEvent: (event: CourierEvent) => void
}

/** What a courier tells of. */
export type CourierEvent =
  | { readonly type: 'delivered' }
  | { readonly type: 'failed'; readonly why: string; readonly retryInMs: number }
  /** Given up, or trimmed from the journal before they could be sent. */
  | { readonly type: 'dropped'; readonly events: number; readonly why: string }
  | { readonly type: 'lag'; readonly ms: number }

/** A webhook being told. */
export interface Courier {
  /**
   * Takes its place in the journal: what comes behind it is told, whoever comes to deliver it.
   * @throws ERR_STORE_UNAVAILABLE when the journal cannot be read; then the first step does it
   */
  begin(): Promise<void>
  /**
   * Sends what there is, at most a page of it. Milliseconds until it is worth calling again.
   * @throws ERR_STORE_UNAVAILABLE when the journal cannot be read
   */
  step(): Promise<number>
}

const PAGE = 64
/** New events are looked for so often. */
const IDLE_MS = 1_000
/** A message that is refused as such will not be liked better tomorrow. */
const REFUSED_GIVE_UP_MS = 3_600_000
/** Answers that say: not now, or not for you; everything else of 4xx is about the message. */
const PASSING: ReadonlySet<number> = new Set([401, 403, 404, 407, 408, 409, 421, 423, 425, 429])

interface Place {
  epoch: string
  /** Of the last entry that is done with. */
  seq: number
  failures: number
}

/** Starts where the webhook had come to by the journal's cursor; a new one at the end. */
export function createCourier(target: Target, deps: CourierDeps): Courier {
  let place: Place | undefined
  return {
    async begin() {
      place ??= await placeIn(target, deps, place)
    },
    async step() {
      place = await placeIn(target, deps, place)
      const page = await deps.journal.entriesAfter(place.seq, PAGE)
      if (page.epoch !== place.epoch) {
        place = { epoch: '', seq: 0, failures: 0 }
        return 0
      }
      if (page.trimmedTo > place.seq) {
        const events = page.trimmedTo - place.seq
        deps.onEvent({ type: 'dropped', events, why: 'trimmed' })
        await advance(target, deps, place, page.trimmedTo)
      }
      for (const entry of page.entries) {
        if (entry.seq <= place.seq) continue
        const { event } = readEntry(entry)
        const numbered = { epoch: page.epoch, seq: entry.seq, at: entry.at, event }
        deps.onEvent({ type: 'lag', ms: Math.max(0, page.now - entry.at) })
        const waitMs = await deliver({ target, deps, place }, numbered)
        if (waitMs !== undefined) return waitMs
        await advance(target, deps, place, entry.seq)
      }
      const isDone = page.entries.length < PAGE
      if (isDone) deps.onEvent({ type: 'lag', ms: 0 })
      return isDone ? IDLE_MS : 0
    },
  }
}

/** The cursor is one more than the last entry that is done with: 0 is that of a new webhook. */
async function placeIn(
  target: Target,
  { journal }: CourierDeps,
  before: Place | undefined,
): Promise<Place> {
  if (before !== undefined && before.epoch !== '') {
    // Another replica may have gone on meanwhile.
    const seq = (await journal.cursor(cursorName(target, before.epoch))) - 1
    return seq > before.seq ? { ...before, seq, failures: 0 } : before
  }
  const head = await journal.head()
  const name = cursorName(target, head.epoch)
  const kept = await journal.cursor(name)
  if (kept > 0) return { epoch: head.epoch, seq: kept - 1, failures: 0 }
  // What a webhook was told of a journal that is gone says nothing about the one in its place.
  const seq = before === undefined ? head.seq : 0
  await journal.cursor(name, seq + 1)
  return { epoch: head.epoch, seq, failures: 0 }
}

async function advance(
  target: Target,
  { journal }: CourierDeps,
  place: Place,
  seq: number,
): Promise<void> {
  place.seq = seq
  place.failures = 0
  await journal.cursor(cursorName(target, place.epoch), seq + 1)
}

function cursorName({ name }: Target, epoch: string): string {
  return `webhooks:${name}:${epoch}`
}

interface Delivery {
  readonly target: Target
  readonly deps: CourierDeps
  readonly place: Place
}

/** `undefined` when the event is done with, else how long to wait before it is tried again. */
async function deliver(
  { target, deps, place }: Delivery,
  numbered: NumberedEvent,
): Promise<number | undefined> {
  const body = bodyFor(target, numbered)
  if (body === undefined) return undefined
  const timestamp = Math.floor(deps.now() / 1_000)
  const message = { id: messageId(numbered), timestamp, body }
  const headers = signatureHeaders(message, target.secrets?.())
  const answer = await target.post({ ...headers, 'content-type': 'application/json' }, body)
  if (answer.status >= 200 && answer.status < 300) {
    deps.onEvent({ type: 'delivered' })
    return undefined
  }
  place.failures += 1
  const retryInMs = retryDelayMs(place.failures, deps.random(), answer.retryAfterMs)
  deps.onEvent({ type: 'failed', why: answer.why, retryInMs })
  if (deps.now() - numbered.at < giveUpMs(target, answer)) return retryInMs
  deps.onEvent({ type: 'dropped', events: 1, why: answer.why })
  return undefined
}

function giveUpMs({ giveUpMs: longest }: Target, { status }: PostAnswer): number {
  const isRefused = status >= 400 && status < 500 && !PASSING.has(status)
  return isRefused ? Math.min(longest, REFUSED_GIVE_UP_MS) : longest
}

function bodyFor({ events, template }: Target, numbered: NumberedEvent): string | undefined {
  const { type } = numbered.event
  if (!events.some((glob) => globMatches(glob, type))) return undefined
  const note = noteOf(numbered.event)
  if (note === undefined) return undefined
  return template === 'slack' ? slackBody(note) : jsonBody(numbered, note)
}
