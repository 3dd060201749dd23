/** Puts a training on record, in the ledger and in the journal, before it is sent on. */
import { createHash } from 'node:crypto'
import { isDeclined } from '../../access/command.ts'
import { beginTraining, STATEMENT_MAX } from '../../access/versions/trainings.ts'
import type { TrainingRun } from '../../access/version.ts'
import type { LedgerRecord } from '../../domain/ports.ts'
import { refuse, type Refusal } from '../../domain/refusal.ts'
import { resourceText } from '../../domain/vocabulary.ts'
import { established, type Exchange } from '../exchange.ts'
import type { Services } from '../runtime.ts'
import { beginsTraining } from './check.ts'
import { createStatement, type Statement } from './statement.ts'

/** Approvers that a record names; a grant has no more. */
const APPROVERS_MAX = 16

/**
 * Writes the provenance of a permitted `retrain`: nothing is forwarded unless it is on disk
 * (`audit_unavailable`), in the journal where the request says what becomes of it
 * (`state_unavailable`), and its grant holds in the newest state (`grant_ended`).
 */
export async function recordTraining(
  exchange: Exchange,
  services: Services,
): Promise<Refusal | undefined> {
  if (!beginsTraining(exchange)) return undefined
  const now = services.clock.now()
  const statement = statementOf(exchange, now)
  if (statement.text.length > STATEMENT_MAX) {
    const detail = 'It names more than a record of its provenance can hold.'
    return refuse('training_refused', { detail })
  }
  try {
    await services.ledger.append(provenanceRecord(exchange, statement), 'disk')
  } catch (error) {
    services.metrics.auditError()
    services.log.error({ decisionId: exchange.id, err: error }, 'a provenance was not recorded')
    return refuse('audit_unavailable', { retryAfter: 5 })
  }
  return exchange.training?.facts === undefined
    ? undefined
    : journal(exchange, services, runOf(exchange, statement, now))
}

async function journal(
  exchange: Exchange,
  { replica, log }: Services,
  run: TrainingRun,
): Promise<Refusal | undefined> {
  try {
    const begun = await replica.run(beginTraining(run))
    if (!isDeclined(begun)) return undefined
    if (begun.declined !== 'closed') return refuse('training_refused', { detail: begun.detail })
    return refuse('grant_ended', { detail: begun.detail })
  } catch (error) {
    log.error({ decisionId: exchange.id, err: error }, 'a training was not put on record')
    return refuse('state_unavailable', { retryAfter: 5 })
  }
}

function statementOf(exchange: Exchange, at: number): Statement {
  const { method, target, route } = established(exchange.admitted, 'admitted')
  const classification = established(exchange.classification, 'classification')
  const { decisionPoint, resources } = established(exchange.policy, 'policy')
  const { body, facts } = exchange.training ?? {}
  return createStatement({
    id: exchange.id,
    at,
    method,
    path: target.path,
    bodyDigest: body === undefined ? undefined : sha256(body),
    facts,
    operations: classification.operations.map(
      ({ action, resource }) => `${action} ${resourceText(resource)}`,
    ),
    upstream: established(route, 'route').entry.name,
    pack: classification.pack,
    route: classification.route,
    policyRevision: decisionPoint.revision,
    configRevision: exchange.runtime.configRevision,
    grant: exchange.grant,
    resources,
  })
}

function sha256(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`
}

/** People stand beside the statement, where they can be encrypted and erased. */
function provenanceRecord(exchange: Exchange, { text, digest }: Statement): LedgerRecord {
  const { grant, subject, training } = exchange
  return {
    type: 'provenance',
    fields: {
      id: exchange.id,
      sub: subject?.id,
      client: subject?.clientId,
      res: training?.facts?.destination,
      upstream: exchange.admitted?.route?.entry.name,
      grant: grant?.id,
      by: grant?.approvals.slice(0, APPROVERS_MAX).map(({ by }) => by),
      digest,
      statement: text,
      pol: established(exchange.policy, 'policy').decisionPoint.revision,
      cfg: exchange.runtime.configRevision,
    },
  }
}

function runOf(exchange: Exchange, { text, digest }: Statement, at: number): TrainingRun {
  const subject = established(exchange.subject, 'subject')
  const { destination } = exchange.training?.facts ?? {}
  return {
    id: exchange.id,
    at,
    by: subject.id,
    ...(subject.person === undefined ? {} : { person: subject.person }),
    ...(exchange.grant === undefined ? {} : { grant: exchange.grant.id }),
    ...(destination === undefined ? {} : { destination }),
    upstream: established(exchange.admitted?.route, 'route').entry.name,
    statementDigest: digest,
    statement: text,
  }
}
