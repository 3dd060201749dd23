/** What the ledger says of an entry of the journal: what happened, to what, by whom. */
import type { AccessEvent, AccessEventType } from '../../access/events.ts'
import type { ReadEntry } from '../../access/fold/entry.ts'
import type { LockTarget } from '../../access/lock.ts'
import type { Notice } from '../../access/notice.ts'
import type { LedgerRecord, LedgerValue } from '../../domain/ports.ts'

type Facts = Readonly<Record<string, LedgerValue | undefined>>

type FactsOf = {
  readonly [K in AccessEventType]: (event: Extract<AccessEvent, { readonly type: K }>) => Facts
}

/** Ids and people; what people wrote stays in the journal, but for why access was taken away. */
const FACTS: FactsOf = {
  'request.created': ({ request }) => ({
    id: request.id,
    by: request.by.id,
    digest: request.digest,
  }),
  'request.edited': ({ request }) => ({
    id: request.id,
    by: request.by.id,
    digest: request.digest,
  }),
  'request.voted': ({ id, vote }) => ({
    id,
    by: vote.by.id,
    digest: vote.digest,
    verdict: vote.decision,
  }),
  'request.denied': ({ id, by, reason }) => ({ id, by, why: reason }),
  'request.cancelled': ({ id, by, reason }) => ({ id, by, why: reason }),
  'grant.issued': ({ grant }) => ({
    id: grant.id,
    of: grant.terms.holder,
    digest: grant.digest,
    agreed: grant.votes.filter(({ decision }) => decision === 'approve').map(({ by }) => by.id),
    until: new Date(grant.expiresAt).toISOString(),
    rule: grant.auto,
  }),
  'grant.revoked': ({ id, by, reason }) => ({ id, by, why: reason }),
  'grant.opened': ({ id, by, reason, expiresAt }) => ({
    id,
    by,
    why: reason,
    until: new Date(expiresAt).toISOString(),
  }),
  'grant.reviewed': ({ id, by }) => ({ id, by }),
  'lock.set': ({ lock }) => ({
    id: lock.id,
    by: lock.by,
    ...targetFacts(lock.target),
    why: lock.reason,
    ...(lock.cause.kind === 'signal' ? { signal: lock.cause.event, jti: lock.cause.jti } : {}),
    ...(lock.issuers === undefined ? {} : { issuers: lock.issuers }),
    ...(lock.actions === undefined ? {} : { actions: lock.actions }),
    ...(lock.expiresAt === undefined ? {} : { until: new Date(lock.expiresAt).toISOString() }),
  }),
  'lock.lift-asked': ({ id, by, reason }) => ({ id, by, why: reason }),
  'lock.lifted': ({ id, by, reason }) => ({ id, by: by.at(-1), agreed: by, why: reason }),
  'drill.begun': ({ drill }) => ({ id: drill.id, by: drill.by }),
  'drill.reported': ({ id, report }) => ({
    id,
    by: `replica:${report.name}`,
    verdict: report.ok ? 'passed' : 'failed',
  }),
  'signal.received': ({ issuer, jti, event }) => ({
    id: jti,
    by: `issuer:${issuer}`,
    signal: event,
  }),
  'person.seen': ({ person }) => ({ of: person.id }),
  'review.started': ({ review }) => ({ id: review.id, by: review.by }),
  'review.lines-added': ({ id }) => ({ id }),
  'review.decided': ({ id, line, decision }) => ({
    id,
    line,
    by: decision.by,
    verdict: decision.verdict,
  }),
  'review.delegated': ({ id, line, to, by }) => ({ id, line, by, of: to }),
  'review.closed': ({ id, by }) => ({ id, by }),
  'training.begun': ({ run }) => ({
    id: run.id,
    by: run.by,
    of: run.destination,
    digest: run.statementDigest,
  }),
  'training.named': ({ id, upstreamRun }) => ({ id, run: upstreamRun }),
  'registration.begun': ({ registration: { id, by, model, upstreamRun } }) => ({
    ...{ id, by, of: model, run: upstreamRun },
  }),
  'registration.ended': ({ id }) => ({ id }),
  'version.registered': ({ version }) => ({ id: version.model, by: version.by, run: version.run }),
  'version.released': ({ model, by, reason }) => ({ id: model, by, why: reason }),
  // What happened has a record of its own; this says that people are told of it.
  'incident.raised': ({ notice }) => noticeFacts(notice),
  'decision.refused': ({ notice }) => noticeFacts(notice),
  'decision.exported': ({ notice }) => noticeFacts(notice),
}

function noticeFacts({ id, replica }: Notice): Facts {
  return { id, by: `replica:${replica}` }
}

/** The record of `entry` of the journal with this epoch. */
export function accessRecord({ seq, at, event }: ReadEntry, epoch: string): LedgerRecord {
  const factsOf = FACTS[event.type] as (event: AccessEvent) => Facts
  const time = new Date(at).toISOString()
  return {
    type: 'access',
    fields: { what: event.type, journal: epoch, entry: seq, at: time, ...factsOf(event) },
  }
}

/** What a lock is on, as one word with its kind before it; names of rules have theirs already. */
function targetFacts(target: LockTarget): Facts {
  if (target.kind === 'all') return { of: 'all' }
  if (target.kind === 'network') return { of: `network:${target.cidr}` }
  if (target.kind === 'token' || target.kind === 'session') {
    return { of: `${target.kind}:${target.issuer} ${target.id}` }
  }
  if (target.kind === 'issued-before') {
    return { of: target.subject, before: new Date(target.before).toISOString() }
  }
  const isBare = target.kind === 'upstream' || target.kind === 'device'
  return { of: isBare ? `${target.kind}:${target.id}` : target.id }
}
