/** What the world outside is told of an event: a sentence and chosen facts, never the whole of it. */
import type { ElevationGrant, ElevationRequest, ElevationTerms } from '../elevation.ts'
import type { AccessEvent } from '../events.ts'
import type { Lock } from '../lock.ts'
import { NOTICE_TITLES, type Notice } from '../notice.ts'

/** A fact of an event; texts may be what strangers wrote. */
export type Fact = string | number | boolean | readonly string[]

/** What is told of one event. */
export interface WebhookNote {
  /** One sentence, without anything that strangers wrote. */
  readonly title: string
  /** By name; nothing secret, texts at most 1,000 characters, lists at most 50. */
  readonly facts: Readonly<Record<string, Fact>>
  /** How to act on it with the command line; a link that changes something is never sent. */
  readonly next?: string
}

/** An event of the journal with its place. */
export interface NumberedEvent {
  readonly epoch: string
  readonly seq: number
  readonly at: number
  readonly event: AccessEvent
}

const TEXT_MAX = 1_000
const LIST_MAX = 50

/** Types of events that nobody outside is told of. */
const SILENT: ReadonlySet<string> = new Set([
  'person.seen',
  'drill.reported',
  'training.named',
  'registration.begun',
  'registration.ended',
])

/** What to tell of `event`; `undefined` when it is nobody's business outside. */
export function noteOf(event: AccessEvent): WebhookNote | undefined {
  if (SILENT.has(event.type)) return undefined
  const { title, facts, next } = detailsOf(event)
  const kept = Object.entries(facts).flatMap(([name, fact]) =>
    fact === undefined ? [] : [[name, bounded(fact)] as const],
  )
  return { title, facts: Object.fromEntries(kept), ...(next === undefined ? {} : { next }) }
}

/** The id of a message: the same whenever the event is sent. */
export function messageId({ epoch, seq }: Pick<NumberedEvent, 'epoch' | 'seq'>): string {
  return `${epoch}-${seq}`
}

/** The body of `template: json`. */
export function jsonBody(numbered: NumberedEvent, note: WebhookNote): string {
  const { at, event } = numbered
  return JSON.stringify({
    type: event.type,
    timestamp: new Date(at).toISOString(),
    id: messageId(numbered),
    data: { title: note.title, ...note.facts },
  })
}

interface Details {
  readonly title: string
  readonly facts: Readonly<Record<string, Fact | undefined>>
  readonly next?: string
}

function detailsOf(event: AccessEvent): Details {
  if (event.type === 'request.created' || event.type === 'request.edited') {
    return requestDetails(event.request, event.type === 'request.created')
  }
  if (event.type === 'grant.issued') return grantDetails(event.grant)
  if (event.type === 'lock.set') return lockDetails(event.lock)
  if ('notice' in event) return noticeDetails(event.notice)
  return { title: TITLES[event.type], facts: factsOf(event) }
}

function grantDetails({ id, request, terms, holder, auto, expiresAt }: ElevationGrant): Details {
  const facts = { grant: id, request, holder: holder.id, auto, expires: instant(expiresAt) }
  return { title: 'Privilege was granted', facts: { ...facts, ...termFacts(terms) } }
}

function requestDetails(request: ElevationRequest, isNew: boolean): Details {
  const { id, by, terms, reasons, kind, demands, expiresAt } = request
  const what = kind === 'break-glass' ? 'Break-glass' : 'Privilege'
  return {
    title: isNew ? `${what} is asked for` : `A request was changed; it needs new approvals`,
    facts: {
      request: id,
      by: by.id,
      ...termFacts(terms),
      justification: reasons.justification,
      ticket: reasons.ticket,
      rules: demands.map(({ rule }) => rule),
      expires: instant(expiresAt),
    },
    next: `modelgate request show ${id}, then modelgate request approve ${id} or deny ${id}`,
  }
}

function termFacts(terms: ElevationTerms): Details['facts'] {
  return {
    actions: terms.actions,
    resources: terms.resources,
    minutes: Math.ceil(terms.durationMs / 60_000),
    uses_max: terms.usesMax,
  }
}

function lockDetails({ id, target, actions, reason, by, expiresAt, cause }: Lock): Details {
  const { kind, ...of } = target
  return {
    title: kind === 'all' ? 'Everybody is locked out' : `A lock was set on a ${kind}`,
    facts: {
      lock: id,
      kind,
      target: Object.values(of).map(String).join(' '),
      actions,
      reason,
      by,
      cause: cause.kind,
      expires: expiresAt === undefined ? undefined : instant(expiresAt),
    },
    next: `modelgate unlock ${id}`,
  }
}

function noticeDetails({ id, kind, at, count, replica, facts }: Notice): Details {
  const what = { notice: id, kind, count, first: instant(at), replica }
  return { title: NOTICE_TITLES[kind], facts: { ...facts, ...what } }
}

/** Events that say what they say in a few members. Ids of requests and grants are no secrets. */
const TITLES = {
  'request.voted': 'Somebody decided on a request',
  'request.denied': 'A request was denied',
  'request.cancelled': 'A request was cancelled',
  'grant.revoked': 'A grant was revoked',
  'grant.opened': 'Break-glass: a seal was opened; it must be reviewed',
  'grant.reviewed': 'Break-glass: the use was reviewed',
  'lock.lift-asked': 'A lock is to be lifted; a second person must agree',
  'lock.lifted': 'A lock was lifted',
  'drill.begun': 'A drill of the switch has begun',
  'drill.reported': 'A replica reported on a drill',
  'signal.received': 'A signal was received that asked for nothing',
  'person.seen': 'Somebody was seen',
  'review.started': 'A review was started',
  'review.lines-added': 'More lines of a review are there',
  'review.decided': 'A line of a review was decided',
  'review.delegated': 'A line of a review was delegated',
  'review.closed': 'A review was closed',
  'training.begun': 'A training was begun',
  'training.named': 'A training has a name',
  'registration.begun': 'A version is about to be registered',
  'registration.ended': 'A registration has ended',
  'version.registered': 'A version was registered; it is restricted until released',
  'version.released': 'A version was released',
} as const

function factsOf(event: AccessEvent): Details['facts'] {
  if (event.type === 'request.voted') {
    const { by, decision, comment } = event.vote
    return { request: event.id, by: by.id, decision, comment }
  }
  if (event.type === 'drill.begun') {
    return { drill: event.drill.id, by: event.drill.by, replicas: event.drill.expected.length }
  }
  if (event.type === 'review.started') {
    return { review: event.review.id, lines: event.review.lines.length }
  }
  if (event.type === 'review.decided') return { review: event.id, line: event.line }
  if (event.type === 'version.registered') return { model: event.version.model }
  return event.type === 'training.begun' ? { run: event.run.id } : plainFacts(event)
}

/** Members of events that may be told as they are. */
const PLAIN = ['id', 'by', 'reason', 'findings', 'line', 'to', 'model', 'issuer', 'event'] as const

function plainFacts(event: AccessEvent): Details['facts'] {
  const members = event as unknown as Readonly<Record<string, Fact | undefined>>
  return Object.fromEntries(PLAIN.map((name) => [name, members[name]]))
}

function instant(ms: number): string {
  return new Date(ms).toISOString()
}

function bounded(fact: Fact): Fact {
  if (typeof fact === 'string') return cut(fact)
  return typeof fact === 'object' ? fact.slice(0, LIST_MAX).map(cut) : fact
}

/** Never half a character. */
function cut(text: string): string {
  return text.length <= TEXT_MAX
    ? text
    : `${text.slice(0, TEXT_MAX).replace(/[\ud800-\udbff]$/, '')}…`
}
