/** A registration from when it is sent until it is known what came of it. */
import type { ForwardOutcome } from '../../domain/ports.ts'
import type { Reason } from '../../domain/reasons.ts'
import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import type { RegistrationFacts, RegistrationReader } from '../../domain/training.ts'
import { UNTOLD } from '../../access/version.ts'
import type { Exchange } from '../exchange.ts'
import type { Services } from '../runtime.ts'
import { ANSWER_BYTES_MAX } from './answer-reader.ts'
import type { OpenRegistration } from './open-training.ts'
import { registrationOf, together, writeVersion } from './write-version.ts'

/** The answer is read for so long, and so far, although its client has left. */
export const READS_ON = { ms: 60_000, bytes: ANSWER_BYTES_MAX } as const

/** Nothing of the request was sent: nothing was made. */
const UNSENT: ReadonlySet<Reason> = new Set<Reason>([
  'upstream_connect',
  'upstream_busy',
  'upstream_unknown',
])

/**
 * Whatever becomes of a registration that was sent, its version is restricted where it is one of a
 * training: by its names where they are told, else as one that nobody can name. Only an answer that
 * says that nothing was made (3xx, 4xx) leaves nothing behind; a failure of the upstream (5xx), an
 * answer that broke off, and one that was cut may come of a version that was made all the same.
 */
export function openRegistration(
  exchange: Exchange,
  services: Services,
  { said, reader }: { readonly said: RegistrationFacts; readonly reader: RegistrationReader },
): OpenRegistration {
  let isOpen = true
  const write = async (answer: Buffer | undefined): Promise<Refusal | undefined> => {
    isOpen = false
    const facts = together(said, reader.fromAnswer(answer))
    const registration = registrationOf(exchange, facts, services.clock.now())
    const written = await writeVersion(exchange, services, registration)
    if (isRefusal(written)) return written
    const isNamed = registration.version !== UNTOLD && registration.also?.includes(UNTOLD) !== true
    if (written === undefined || isNamed) return undefined
    services.log.error({ decisionId: exchange.id }, 'which version was registered cannot be told')
    return refuse('training_refused', { detail: UNTOLD_DETAIL })
  }
  return {
    answered: write,
    async ended(result) {
      if (!isOpen || isUnsent(result) || saysNo(exchange.upstreamHead?.status)) return
      await write(undefined)
    },
  }
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
