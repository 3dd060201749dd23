/**
 * What happened beside the journal and is put into it, so that webhooks tell of it like of everything
 * else: in order, at least once, by whichever replica delivers. Nothing of it changes the state.
 */
import type { IncidentKind } from '../domain/incidents.ts'

/** Types of entries that tell of something. */
export const NOTICE_TYPES = ['incident.raised', 'decision.refused', 'decision.exported'] as const

/** One of {@link NOTICE_TYPES}. */
export type NoticeType = (typeof NOTICE_TYPES)[number]

/** Incidents of the gateway itself, beside those of {@link IncidentKind} that requests lead to. */
export type OwnIncidentKind =
  | 'ledger_unavailable'
  | 'ledger_disputed'
  | 'records_dropped'
  | 'journal_regressed'
  | 'lock_late'
  | 'signals_refused'

/** What a notice is about. `omitted`: more of its type than are told one by one. */
export type NoticeKind = IncidentKind | OwnIncidentKind | 'refused' | 'exported' | 'omitted'

/** A sentence for each. */
export const NOTICE_TITLES: Readonly<Record<NoticeKind, string>> = {
  weights: 'Incident: an answer that held a model was cut',
  handout: 'Incident: an answer would have handed out a model another way and was cut',
  extraction: 'Incident: somebody asks as if to take a model apart',
  digest: 'Incident: what was exported is not what was granted',
  ledger_unavailable: 'Incident: the ledger of a replica cannot be written',
  ledger_disputed: 'Incident: a witness remembers another ledger',
  records_dropped: 'Incident: a sink of the ledger was not given records',
  journal_regressed: 'Incident: the journal has lost entries that were known',
  lock_late: 'Incident: a lock was enforced late',
  signals_refused: 'Incident: many signals are turned away',
  refused: 'Somebody was refused',
  exported: 'Weights were exported',
  omitted: 'More happened than is told one by one; the ledger has all of it',
}

/** One thing to tell of, as often as it happened. */
export interface Notice {
  readonly id: string
  readonly kind: NoticeKind
  /** When it happened first, by the clock of the replica; milliseconds since the epoch. */
  readonly at: number
  /** From 1. */
  readonly count: number
  /** Host and process id of who saw it. */
  readonly replica: string
  /** Few and short: nothing of prompts, answers or tokens. */
  readonly facts: NoticeFacts
}

/** By name. */
export type NoticeFacts = Readonly<Record<string, string | number | boolean>>
