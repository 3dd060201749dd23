/** Requests and grants as the API shows them; person keys are shown to nobody but in what is signed. */
import { canonicalText, type Json } from '../../../access/canonical.ts'
import type {
  ApprovalVote,
  ElevationGrant,
  ElevationRequest,
  ElevationTerms,
  Narrowing,
  RequirementSet,
} from '../../../access/elevation.ts'
import type { ElevationDeps } from '../../../access/elevation/deps.ts'
import { reviewDueAt } from '../../../access/elevation/emergencies.ts'
import { grantStatusOf, statusOf } from '../../../access/standing.ts'
import type { ApiAnswer } from '../../../settings/schemas/api.ts'
import { endedDocument, given, instant, same } from './common.ts'

type RequestDocument = ApiAnswer<'requests'>['items'][number]
type GrantDocument = ApiAnswer<'grant'>

/** A request in a list. */
export function requestDocument(request: ElevationRequest, now: number): RequestDocument {
  const { id, version, kind, by, digest, auto, grant, closed } = request
  return {
    id,
    version,
    kind,
    status: statusOf(request, now),
    by: by.id,
    terms: termsDocument(request.terms),
    reasons: reasonsDocument(request.reasons),
    created_at: instant(request.createdAt),
    expires_at: instant(request.expiresAt),
    demands: request.demands.map(demandDocument),
    digest,
    votes: request.votes.map(voteDocument),
    ...given('auto', auto, same),
    ...given('grant', grant, same),
    ...given('closed', closed, endedDocument),
  }
}

/** A request by itself, with the text that an approval signs: `digest` is its SHA-256. */
export function wholeRequest(request: ElevationRequest, now: number): ApiAnswer<'request'> {
  const { id, version, by, kind, terms, reasons, demands } = request
  // These are objects of JSON; their interfaces have no index signature that would say so.
  const signed = { id, version, by, kind, terms, reasons, demands } as unknown as Json
  return { ...requestDocument(request, now), canonical: canonicalText(signed) }
}

/** A grant; `deps`: by which a review of it is due. */
export function grantDocument(
  grant: ElevationGrant,
  now: number,
  deps: ElevationDeps,
): GrantDocument {
  const { id, request, holder, digest, votes, auto, sealed, revoked } = grant
  return {
    id,
    request,
    status: grantStatusOf(grant, now),
    holder: holder.id,
    terms: termsDocument(grant.terms),
    digest,
    votes: votes.map(voteDocument),
    ...given('auto', auto, same),
    issued_at: instant(grant.issuedAt),
    starts_at: instant(grant.startsAt),
    expires_at: instant(grant.expiresAt),
    ...given('sealed', sealed, (one) => sealDocument(one, reviewDueAt(grant, deps))),
    ...given('revoked', revoked, endedDocument),
  }
}

function sealDocument(
  { openedAt, reason, reviewed }: NonNullable<ElevationGrant['sealed']>,
  dueAt: number | undefined,
): NonNullable<GrantDocument['sealed']> {
  return {
    ...given('review_due_at', dueAt, instant),
    ...given('opened_at', openedAt, instant),
    ...given('reason', reason, same),
    ...given('reviewed', reviewed, ({ by, at, findings }) => ({ by, at: instant(at), findings })),
  }
}

function termsDocument(terms: ElevationTerms): RequestDocument['terms'] {
  const { holder, actions, resources, startsAt, durationMs, digest, training } = terms
  return {
    holder,
    actions: [...actions],
    resources: [...resources],
    ...given('starts_at', startsAt, instant),
    duration_ms: durationMs,
    ...given('digest', digest, same),
    ...given('training', training, ({ datasets, base, destination }) => ({
      datasets: datasets.map((one) => ({ name: one.name, digest: one.digest })),
      ...given('base', base, same),
      destination,
    })),
    ...amountsDocument(terms),
  }
}

function amountsDocument({ usesMax, bytesMax, networks, devices }: Narrowing) {
  return {
    ...given('uses_max', usesMax, same),
    ...given('bytes_max', bytesMax, same),
    ...given('networks', networks, (list) => [...list]),
    ...given('devices', devices, (list) => [...list]),
  }
}

function reasonsDocument(reasons: ElevationRequest['reasons']): RequestDocument['reasons'] {
  const { justification, ticket, riskAssessment, criteria } = reasons
  return {
    justification,
    ...given('ticket', ticket, same),
    ...given('risk_assessment', riskAssessment, same),
    ...given('criteria', criteria, (answers) => ({ ...answers })),
  }
}

function demandDocument(set: RequirementSet): RequestDocument['demands'][number] {
  const { rule, requirements, denyBy, reviewers } = set
  return {
    rule,
    requirements: requirements.map(({ count, from, filter }) => ({
      count,
      from: [...from],
      ...given('filter', filter, same),
    })),
    deny_by: denyBy,
    ...given('reviewers', reviewers, (list) => [...list]),
  }
}

function voteDocument(vote: ApprovalVote): RequestDocument['votes'][number] {
  const { by, decision, digest, at, comment, narrowing } = vote
  return {
    by: by.id,
    decision,
    digest,
    at: instant(at),
    ...given('comment', comment, same),
    ...given('narrowing', narrowing, (less) => ({
      ...given('duration_ms', less.durationMs, same),
      ...amountsDocument(less),
    })),
  }
}
