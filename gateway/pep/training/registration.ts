/** What an upstream answers to a training or to a registration, put on record. */
import { UNTOLD } from '../../access/version.ts'
import { isOfTraining } from '../../access/versions/trainings.ts'
import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import type { RegistrationFacts, RegistrationReader } from '../../domain/training.ts'
import { established, type Exchange } from '../exchange.ts'
import type { Services } from '../runtime.ts'
import { ANSWER_BYTES_MAX, readAnswer } from './answer-reader.ts'
import { holdBack } from './held-registration.ts'
import { jobIn } from './job-id.ts'
import { nameRun } from './name-run.ts'
import { openRegistration, UNTOLD_DETAIL } from './open-registration.ts'
import { outgoingBody } from './outgoing-body.ts'
import { registrationOf, together } from './write-version.ts'

/** Whether the answer says something that is put on record. */
export function readsAnswer({ classification, transport, upgrade }: Exchange): boolean {
  if (upgrade !== undefined || classification === undefined) return false
  const { training, registers } = classification
  // What would be in use at once is refused before it is sent, whatever it comes as.
  if (transport === 'grpc') return registers?.isHeld === true
  return registers !== undefined || jobOf(training) !== undefined
}

function jobOf(
  training: NonNullable<Exchange['classification']>['training'],
): readonly string[] | undefined {
  return training === undefined || training === 'none' ? undefined : training.job
}

/**
 * Has the answer read: the id of the job of a training, the version that was registered. A version
 * of a retraining is restricted before the client sees anything of the answer that names it, and
 * though the client does not wait for it; when that cannot be put on record, the client is told so
 * (`state_unavailable`) instead of success, and the version is restricted in this process until it
 * is. What cannot be read is not sent (`training_refused`) where it may be of a retraining, nor is
 * what would be in use at once (`version_restricted`).
 */
export async function watchAnswer(
  exchange: Exchange,
  services: Services,
): Promise<Refusal | undefined> {
  const { registers: reader, training } = established(exchange.classification, 'classification')
  const job = jobOf(training)
  const name = async (answer: Buffer | undefined): Promise<void> => {
    if (job !== undefined) await nameRun(exchange, services, jobIn(answer, job))
  }
  const guard = established(exchange.guard, 'guard')
  if (reader === undefined) {
    const onAnswer = (answer: Buffer | undefined) => name(answer).then(() => undefined)
    exchange.guard = readAnswer(guard, { onAnswer })
    return undefined
  }
  const body = await outgoingBody(exchange)
  if (isRefusal(body)) return body
  const said = together(reader.fromRequest, reader.fromBody(body))
  if (reader.isHeld) return holdBack(exchange, services, said)
  const unread = unreadable(exchange, services, { said, body, reader })
  if (unread !== undefined && tooMuchToRead(exchange, body, reader)) return unread
  const registration = openRegistration(exchange, services, { said, reader })
  exchange.registration = registration
  exchange.guard = readAnswer(guard, {
    isHeld: true,
    tooLong: unread,
    onAnswer: (answer) => name(answer).then(() => registration.answered(answer)),
  })
  return undefined
}

/**
 * Longest body of a registration whose answer names the version: what the registry repeats of it must
 * leave room for the version in what is read of the answer, escaped or not.
 */
const REGISTRATION_BYTES_MAX = Math.floor(ANSWER_BYTES_MAX / 8)

function tooMuchToRead(
  exchange: Exchange,
  body: Buffer | undefined,
  { readsBody, readsAnswer: repeats }: RegistrationReader,
): boolean {
  if (!readsBody) return false
  if (body !== undefined) return repeats && body.length > REGISTRATION_BYTES_MAX
  return established(exchange.admitted, 'admitted').framing.kind !== 'none'
}

interface Unread {
  readonly said: RegistrationFacts
  readonly body: Buffer | undefined
  readonly reader: RegistrationReader
}

/** What comes of a registration that cannot be read whole; nothing where that does not matter. */
function unreadable(
  exchange: Exchange,
  { replica, clock }: Services,
  { said, body, reader }: Unread,
): Refusal | undefined {
  if (!said.isUntold && !reader.readsAnswer) return undefined
  const registration = registrationOf(
    exchange,
    { ...said, versions: [], isUntold: true },
    clock.now(),
  )
  const known = isOfTraining(replica.state, { ...registration, version: UNTOLD })
  // The run is said in a body that cannot be read, too.
  const mayBe = known || (reader.readsBody && body === undefined && replica.state.runs.size > 0)
  return mayBe ? refuse('training_refused', { detail: UNTOLD_DETAIL }) : undefined
}
