/** A registration from before it is sent until it is known what came of it. */
import { isDeclined } from '../../access/command.ts'
import { beginRegistration, begunOf } from '../../access/versions/begun.ts'
import { isOfTraining, type Registration } from '../../access/versions/trainings.ts'
import type { ForwardOutcome } from '../../domain/ports.ts'
import type { Reason } from '../../domain/reasons.ts'
import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import type { RegistrationFacts, RegistrationReader } from '../../domain/training.ts'
import { UNTOLD } from '../../access/version.ts'
import type { Exchange } from '../exchange.ts'
import type { Services } from '../runtime.ts'
import { ANSWER_BYTES_MAX } from './answer-reader.ts'
import type { OpenRegistration } from './open-training.ts'
import { persistently, registrationOf, together, writeVersion } from './write-version.ts'

/** The answer is read for so long, and so far, although its client has left. */
export const READS_ON = { ms: 60_000, bytes: ANSWER_BYTES_MAX } as const

/** Nothing of the request was sent: nothing was made. */
const UNSENT: ReadonlySet<Reason> = new Set<Reason>([
  'upstream_connect',
  'upstream_busy',
  'upstream_unknown',
])

/** What is known of a registration before it is sent. */
interface Said {
  readonly said: RegistrationFacts
  readonly reader: RegistrationReader
}

/**
 * Whatever becomes of a registration that was sent, its version is restricted where it is one of a
 * training: by its names where they are told, else as one that nobody can name. Only an answer that
 * says that nothing was made (3xx, 4xx) leaves nothing behind; a failure of the upstream (5xx), an
 * answer that broke off, and one that was cut may come of a version that was made all the same.
 * The journal knows of it before it is sent: should this process end, another one restricts it.
 */
export function openRegistration(
  exchange: Exchange,
  services: Services,
  known: Said,
): OpenRegistration {
  const { id } = exchange
  let [isOpen, isBegun] = [true, false]
  const answered = (answer: Buffer | undefined): Promise<Refusal | undefined> => {
    isOpen = false
    const registration = registrationIn(exchange, services, { ...known, answer })
    return write(exchange, services, isBegun ? { ...registration, begun: id } : registration)
  }
  return {
    async begin() {
      const begun = await begin(exchange, services, known)
      if (isRefusal(begun)) return begun
      isBegun = begun
      if (isBegun) services.registrations.began(id)
      return undefined
    },
    answered,
    async ended(result) {
      if (!isOpen) return
      if (!isUnsent(result) && !saysNo(exchange.upstreamHead?.status)) await answered(undefined)
      else if (isBegun) await services.registrations.ended(id)
    },
  }
}

/** What was registered, by all that was said of it. */
function registrationIn(
  exchange: Exchange,
  { clock }: Services,
  { said, reader, answer }: Said & { readonly answer?: Buffer | undefined },
): Registration {
  return registrationOf(exchange, together(said, reader.fromAnswer(answer)), clock.now())
}

/** Whether it is on record; it is not where nothing of a training can come of it. */
async function begin(
  exchange: Exchange,
  services: Services,
  known: Said,
): Promise<boolean | Refusal> {
  const { replica, registrations } = services
  const { id } = exchange
  // What would be restricted if no answer came.
  const unanswered = begunOf(id, registrationIn(exchange, services, known))
  // A state that is old may not have the training yet.
  if (replica.fresh && !isOfTraining(replica.state, unanswered)) return false
  const begun = await persistently(exchange, services, beginRegistration(unanswered))
  if (begun === undefined) {
    // It may be in the journal all the same, and nothing is sent.
    void registrations.ended(id)
    return refuse('state_unavailable', { retryAfter: 5 })
  }
  if (!isDeclined(begun)) return begun.done
  const { detail, retryAfterS: retryAfter } = begun
  return refuse('state_unavailable', {
    detail,
    ...(retryAfter === undefined ? {} : { retryAfter }),
  })
}

async function write(
  exchange: Exchange,
  services: Services,
  registration: Registration,
): Promise<Refusal | undefined> {
  const written = await writeVersion(exchange, services, registration)
  if (isRefusal(written)) return written
  const isNamed = registration.version !== UNTOLD && registration.also?.includes(UNTOLD) !== true
  if (written === undefined || isNamed) return undefined
  services.log.error({ decisionId: exchange.id }, 'which version was registered cannot be told')
  return refuse('training_refused', { detail: UNTOLD_DETAIL })
}

function isUnsent(result: ForwardOutcome | Refusal): boolean {
  return isRefusal(result) ? UNSENT.has(result.reason) : result.isUnsent === true
}

function saysNo(status = 0): boolean {
  return status >= 300 && status < 500
}

/** What is told of a version that nobody can name. */
export const UNTOLD_DETAIL =
  'Which version was made cannot be told, so that every version of the model is restricted that ' +
  'was not released by its name.'
