/** A version that was registered, or may have been, put on record and restricted. */
import { isDeclined, type Command, type Declined } from '../../access/command.ts'
import { UNTOLD, type RegisteredVersion } from '../../access/version.ts'
import { registerVersion, type Registration } from '../../access/versions/trainings.ts'
import { refuse, type Refusal } from '../../domain/refusal.ts'
import type { LedgerRecord } from '../../domain/ports.ts'
import type { RegistrationFacts } from '../../domain/training.ts'
import { resourceText } from '../../domain/vocabulary.ts'
import { established, type Exchange } from '../exchange.ts'
import type { Services } from '../runtime.ts'

/** What the places where a registration says something say together. */
export function together(...places: readonly RegistrationFacts[]): RegistrationFacts {
  const run = places.find((place) => place.run !== undefined)?.run
  return {
    versions: places.flatMap(({ versions }) => versions),
    isUntold: places.some(({ isUntold }) => isUntold),
    ...(run === undefined ? {} : { run }),
  }
}

/** The registration that a request asks for, with all its names; a name that is not told is one, too. */
export function registrationOf(
  exchange: Exchange,
  { versions, isUntold, run }: RegistrationFacts,
  at: number,
): Registration {
  const { name } = established(exchange.classification, 'classification').operations[0].resource
  const subject = established(exchange.subject, 'subject')
  const [version = UNTOLD, ...also] = isUntold ? [...versions, UNTOLD] : versions
  return {
    model: resourceText({ kind: 'model', name }),
    version,
    also,
    by: subject.id,
    ...(subject.person === undefined ? {} : { person: subject.person }),
    at,
    ...(run === undefined ? {} : { upstreamRun: run }),
  }
}

/**
 * Restricts what was registered, where it is of a training. The result is the version, or nothing
 * where it is none of a training; a refusal (`state_unavailable`) where the journal cannot be told:
 * it is then restricted in this process until it can.
 */
export async function writeVersion(
  exchange: Exchange,
  services: Services,
  registration: Registration,
): Promise<RegisteredVersion | Refusal | undefined> {
  const done = await persistently(exchange, services, registerVersion(registration))
  if (done === undefined || isDeclined(done)) {
    // The registry has it, whatever the client is told.
    const isHeld = services.unwritten?.hold(registration) === true
    if (!isHeld) services.log.error({ decisionId: exchange.id }, 'a version is not restricted')
    if (!isHeld || done !== undefined) services.registrations.left(exchange.id)
    return done === undefined
      ? refuse('state_unavailable', { retryAfter: 5 })
      : refuse('state_unavailable', { detail: done.detail })
  }
  if (done.done !== undefined) await record(exchange, services, registration, done.done)
  return done.done
}

/** Times that the store is asked; each waits as long as the store may take. */
const ATTEMPTS = 3

/** The answer of the journal; `undefined` when it gave none, however often it was asked. */
export async function persistently<T>(
  exchange: Exchange,
  { replica, log }: Services,
  command: Command<T>,
): Promise<{ readonly done: T } | Declined | undefined> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
    try {
      return await replica.run(command)
    } catch (error) {
      log.error(
        { decisionId: exchange.id, err: error, attempt },
        'the journal was not told of a version',
      )
    }
  }
  return undefined
}

/** The restriction stands; a ledger that fails here refuses everything that comes after. */
export async function record(
  exchange: Exchange,
  { ledger, metrics, log }: Services,
  registration: Registration,
  registered: RegisteredVersion,
): Promise<void> {
  try {
    await ledger.append(registrationRecord(exchange.id, registration, registered), 'disk')
  } catch (error) {
    metrics.auditError()
    log.error({ decisionId: exchange.id, err: error }, 'a registration was not recorded')
  }
}

/** The record of a registration, under the id of the decision that let it through. */
export function registrationRecord(
  id: string,
  { by: sub, version: ver, upstreamRun }: Registration,
  { model: res, run }: RegisteredVersion,
): LedgerRecord {
  return { type: 'registration', fields: { id, sub, res, ver, run, upstream_run: upstreamRun } }
}
