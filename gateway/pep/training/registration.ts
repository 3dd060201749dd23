/** What an upstream answers to a training or to a registration, put on record. */
import { isDeclined } from '../../access/command.ts'
import { nameTraining, registerVersion } from '../../access/versions/trainings.ts'
import type { LedgerRecord } from '../../domain/ports.ts'
import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import type { RegistrationFacts } from '../../domain/training.ts'
import { resourceText } from '../../domain/vocabulary.ts'
import { established, type Exchange } from '../exchange.ts'
import type { Services } from '../runtime.ts'
import { readAnswer } from './answer-reader.ts'
import { jobIn } from './job-id.ts'
import { outgoingBody } from './outgoing-body.ts'

/** Whether the answer says something that is put on record. */
export function readsAnswer({ classification, transport, upgrade }: Exchange): boolean {
  if (transport === 'grpc' || upgrade !== undefined || classification === undefined) return false
  const { training, registers } = classification
  return registers !== undefined || jobOf(training) !== undefined
}

function jobOf(
  training: NonNullable<Exchange['classification']>['training'],
): readonly string[] | undefined {
  return training === undefined || training === 'none' ? undefined : training.job
}

/**
 * Has the answer read: the id of the job of a training, the version that was registered. A version
 * of a retraining is restricted before the client sees the end of the answer that names it; when
 * that cannot be put on record, the client is told so (`state_unavailable`) instead of success.
 */
export async function watchAnswer(
  exchange: Exchange,
  services: Services,
): Promise<Refusal | undefined> {
  const { registers, training } = established(exchange.classification, 'classification')
  const job = jobOf(training)
  const body = registers === undefined ? undefined : await outgoingBody(exchange)
  if (isRefusal(body)) return body
  exchange.guard = readAnswer(established(exchange.guard, 'guard'), {
    onAnswer: async (answer) => {
      if (job !== undefined) await nameRun(exchange, services, jobIn(answer, job))
      if (registers === undefined) return undefined
      const facts = {
        ...(answer === undefined ? {} : registers.fromAnswer(answer)),
        ...(body === undefined ? {} : registers.fromBody(body)),
        ...registers.fromRequest,
      }
      return register(exchange, services, facts)
    },
  })
  return undefined
}

/** Without a name, its version is found by what it was to become. */
async function nameRun(
  exchange: Exchange,
  { replica, log }: Services,
  job: string | undefined,
): Promise<void> {
  if (job === undefined || exchange.training?.facts === undefined) return
  try {
    const named = await replica.run(nameTraining(exchange.id, job))
    if (!isDeclined(named)) return
    log.warn({ decisionId: exchange.id, why: named.declined }, NAMELESS)
  } catch (error) {
    log.warn({ decisionId: exchange.id, err: error }, NAMELESS)
  }
}

const NAMELESS = 'the job of a training was not put on record'

/** Times that the store is asked; each waits as long as the store may take. */
const ATTEMPTS = 3

async function register(
  exchange: Exchange,
  services: Services,
  facts: RegistrationFacts,
): Promise<Refusal | undefined> {
  const { replica, log, clock } = services
  const resource = established(exchange.classification, 'classification').operations[0].resource
  const model = resourceText({ kind: 'model', name: resource.name })
  const subject = established(exchange.subject, 'subject')
  const { version, run: upstreamRun } = facts
  if (version === undefined) {
    log.error({ decisionId: exchange.id }, 'which version was registered cannot be told')
    return refuse('training_refused', { detail: UNTOLD })
  }
  const command = registerVersion({
    model,
    version,
    by: subject.id,
    ...(subject.person === undefined ? {} : { person: subject.person }),
    at: clock.now(),
    ...(upstreamRun === undefined ? {} : { upstreamRun }),
  })
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    try {
      const done = await replica.run(command)
      if (isDeclined(done)) return refuse('state_unavailable', { detail: done.detail })
      const { done: registered } = done
      if (registered === undefined) return undefined
      await record(exchange, services, {
        type: 'registration',
        fields: {
          id: exchange.id,
          sub: subject.id,
          res: registered.model,
          ver: version,
          run: registered.run,
          upstream_run: upstreamRun,
        },
      })
      return undefined
    } catch (error) {
      log.error({ decisionId: exchange.id, err: error, attempt }, 'a version was not put on record')
    }
  }
  return refuse('state_unavailable', { retryAfter: 5 })
}

const UNTOLD = 'The answer does not say which version was made, so that it cannot be restricted.'

/** The restriction stands; a ledger that fails here refuses everything that comes after. */
async function record(
  exchange: Exchange,
  { ledger, metrics, log }: Services,
  entry: LedgerRecord,
): Promise<void> {
  try {
    await ledger.append(entry, 'disk')
  } catch (error) {
    metrics.auditError()
    log.error({ decisionId: exchange.id, err: error }, 'a registration was not recorded')
  }
}
