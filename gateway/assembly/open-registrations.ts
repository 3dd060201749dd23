import type { AccessReplica } from '../access/replica.ts'
import type { GivenUp } from '../access/versions/begun.ts'
import { createLiving, type LivingRegistrations } from '../access/versions/living.ts'
import type { Ledger } from '../domain/ports.ts'
import type { Logger } from '../log/logger.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { registrationRecord } from '../pep/training/write-version.ts'

/** Time between two looks at what is due. */
const TURN_MS = 1_000

/** What {@link openRegistrations} needs. */
export interface RegistrationsOpening {
  readonly replica: Pick<AccessReplica, 'run' | 'state' | 'now'>
  readonly ledger: Pick<Ledger, 'append'>
  readonly metrics: Pick<Metrics, 'auditError'>
  readonly log: Pick<Logger, 'info' | 'warn' | 'error'>
}

/**
 * Keeps registrations on record while their answers are waited for, and restricts what may have come
 * of those whose gateway is gone: now, and from then on once a second. A failure is told once.
 */
export function openRegistrations(
  opening: RegistrationsOpening,
): LivingRegistrations & { readonly stop: () => void } {
  const { replica, log } = opening
  let isFailing = false
  const living = createLiving({
    replica,
    onGivenUp: (given) => tell(opening, given),
    onFailed: (error) => {
      if (!isFailing) log.error({ err: error }, 'the journal is not told of a registration')
      isFailing = true
    },
  })
  const turn = (): void => {
    if (replica.state.registrations.size === 0) isFailing = false
    void living.turn()
  }
  turn()
  const timer = setInterval(turn, TURN_MS).unref()
  return Object.assign(living, { stop: () => clearInterval(timer) })
}

/** The restriction stands, whatever becomes of its record. */
async function tell(
  { ledger, metrics, log }: RegistrationsOpening,
  { id, registration, version }: GivenUp,
): Promise<void> {
  const facts = { decisionId: id, version: version.model }
  log.warn(facts, 'nobody knows what came of a registration: what it may have made is restricted')
  try {
    await ledger.append(registrationRecord(id, registration, version), 'disk')
  } catch (error) {
    metrics.auditError()
    log.error({ ...facts, err: error }, 'a registration was not recorded')
  }
}
