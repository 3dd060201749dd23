/** What an upstream answers to a training or to a registration, put on record. */
import { isDeclined, type Command, type Declined } from '../../access/command.ts'
import type { RegisteredVersion } from '../../access/version.ts'
import {
  askWhetherOfTraining,
  isOfTraining,
  nameTraining,
  registerVersion,
  type Registration,
} from '../../access/versions/trainings.ts'
import type { LedgerRecord } from '../../domain/ports.ts'
import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import type { RegistrationFacts } from '../../domain/training.ts'
import { resourceText } from '../../domain/vocabulary.ts'
import { established, type Exchange } from '../exchange.ts'
import type { Services } from '../runtime.ts'
import { ANSWER_BYTES_MAX, readAnswer } from './answer-reader.ts'
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
 * of a retraining is restricted before the client sees anything of the answer that names it; when
 * that cannot be put on record, the client is told so (`state_unavailable`) instead of success, and
 * the version is restricted in this process until it is. What cannot be read is not sent
 * (`training_refused`) where it may be of a retraining.
 */
export async function watchAnswer(
  exchange: Exchange,
  services: Services,
): Promise<Refusal | undefined> {
  const { registers, training } = established(exchange.classification, 'classification')
  const guard = established(exchange.guard, 'guard')
  const job = jobOf(training)
  if (registers === undefined) {
    exchange.guard = readAnswer(guard, {
      onAnswer: async (answer) => {
        if (job !== undefined) await nameRun(exchange, services, jobIn(answer, job))
        return undefined
      },
    })
    return undefined
  }
  const body = await outgoingBody(exchange)
  if (isRefusal(body)) return body
  const said = {
    ...(body === undefined ? {} : registers.fromBody(body)),
    ...registers.fromRequest,
  }
  const unread = unreadable(exchange, services, { said, body })
  if (unread !== undefined && tooMuchToRead(exchange, body)) return unread
  exchange.guard = readAnswer(guard, {
    isHeld: true,
    tooLong: unread,
    onAnswer: async (answer) => {
      if (job !== undefined) await nameRun(exchange, services, jobIn(answer, job))
      const answered = answer === undefined ? {} : registers.fromAnswer(answer)
      return register(exchange, services, { ...answered, ...said })
    },
  })
  return undefined
}

/**
 * Longest body of a registration whose answer names the version: what the registry repeats of it must
 * leave room for the version in what is read of the answer, escaped or not.
 */
const REGISTRATION_BYTES_MAX = Math.floor(ANSWER_BYTES_MAX / 8)

function tooMuchToRead(exchange: Exchange, body: Buffer | undefined): boolean {
  if (body !== undefined) return body.length > REGISTRATION_BYTES_MAX
  return established(exchange.admitted, 'admitted').framing.kind !== 'none'
}

/** What comes of a registration whose answer cannot be read; nothing where that does not matter. */
function unreadable(
  exchange: Exchange,
  { replica }: Services,
  { said, body }: { readonly said: RegistrationFacts; readonly body: Buffer | undefined },
): Refusal | undefined {
  if (said.version !== undefined) return undefined
  const known = isOfTraining(replica.state, registrationOf(exchange, said))
  // The run is said in a body that cannot be read, too.
  const mayBe = known || (body === undefined && replica.state.runs.size > 0)
  return mayBe ? refuse('training_refused', { detail: UNTOLD }) : undefined
}

function registrationOf(exchange: Exchange, { run }: RegistrationFacts) {
  const resource = established(exchange.classification, 'classification').operations[0].resource
  const model = resourceText({ kind: 'model', name: resource.name })
  return { model, ...(run === undefined ? {} : { upstreamRun: run }) }
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
  const { clock, log } = services
  const about = registrationOf(exchange, facts)
  const { version } = facts
  if (version === undefined) return untold(exchange, services, askWhetherOfTraining(about))
  const subject = established(exchange.subject, 'subject')
  const registration: Registration = {
    ...about,
    version,
    by: subject.id,
    ...(subject.person === undefined ? {} : { person: subject.person }),
    at: clock.now(),
  }
  const done = await persistently(exchange, services, registerVersion(registration))
  if (done === undefined || isDeclined(done)) {
    // The registry has it, whatever the client is told.
    const isHeld = services.unwritten?.hold(registration) === true
    if (!isHeld) log.error({ decisionId: exchange.id, version }, 'a version is not restricted')
    return done === undefined
      ? refuse('state_unavailable', { retryAfter: 5 })
      : refuse('state_unavailable', { detail: done.detail })
  }
  if (done.done !== undefined)
    await record(exchange, services, recordOf(exchange, facts, done.done))
  return undefined
}

/** Which version was made cannot be told: no matter, unless it is one of a retraining. */
async function untold(
  exchange: Exchange,
  services: Services,
  question: Command<boolean>,
): Promise<Refusal | undefined> {
  const asked = await persistently(exchange, services, question)
  if (asked === undefined || isDeclined(asked))
    return refuse('state_unavailable', { retryAfter: 5 })
  if (!asked.done) return undefined
  services.log.error({ decisionId: exchange.id }, 'which version was registered cannot be told')
  return refuse('training_refused', { detail: UNTOLD })
}

async function persistently<T>(
  exchange: Exchange,
  { replica, log }: Services,
  command: Command<T>,
): Promise<{ readonly done: T } | Declined | undefined> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    try {
      return await replica.run(command)
    } catch (error) {
      log.error({ decisionId: exchange.id, err: error, attempt }, 'a version was not put on record')
    }
  }
  return undefined
}

function recordOf(
  exchange: Exchange,
  { version, run }: RegistrationFacts,
  registered: RegisteredVersion,
): LedgerRecord {
  return {
    type: 'registration',
    fields: {
      id: exchange.id,
      sub: exchange.subject?.id,
      res: registered.model,
      ver: version,
      run: registered.run,
      upstream_run: run,
    },
  }
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
