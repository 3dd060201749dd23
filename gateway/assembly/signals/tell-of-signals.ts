/** What is counted, logged and recorded of tokens of identity providers. */
import type { SignalTaken } from '../../access/signals/take-signal.ts'
import type { SetFault } from '../../authn/signals/faults.ts'
import type { Ledger } from '../../domain/ports.ts'
import type { SecurityEventToken } from '../../domain/security-event.ts'
import type { Logger } from '../../log/logger.ts'
import type { Metrics } from '../../metrics/metrics.ts'

/** Where it is told. */
export interface SignalTelling {
  readonly ledger: Pick<Ledger, 'append'>
  readonly log: Logger
  readonly metrics: Pick<Metrics, 'signal' | 'signalRefused' | 'auditError'>
  /** A token was turned away for what it is. */
  readonly onRefused?: () => void
}

/** How a token came, and from where. */
export interface SignalWay {
  readonly how: 'push' | 'logout'
  /** Address of the TCP peer. */
  readonly peer: string
}

/**
 * Tells of a token that was turned away. The record says why, and nothing that the token says but
 * the issuer it names; that it cannot be written makes it no less refused. Never rejects.
 */
export async function tellOfRefused(
  { err, description, issuer }: SetFault,
  { how, peer }: SignalWay,
  { ledger, log, metrics, onRefused }: SignalTelling,
): Promise<void> {
  if (err === 'unavailable') metrics.signal(issuer, issuer === undefined ? 'refused' : err)
  else {
    metrics.signal(issuer, 'refused')
    metrics.signalRefused(issuer, err)
    onRefused?.()
  }
  log.warn({ issuer, err, description, how }, 'a signal was turned away')
  const fields = { issuer, how, err, why: description, ip: peer }
  try {
    await ledger.append({ type: 'signal.refused', fields }, 'kernel')
  } catch (error) {
    metrics.auditError()
    log.error({ issuer, err: error }, 'that a signal was turned away was not recorded')
  }
}

/** Tells of a token that was taken; its record is that of the entries it made in the journal. */
export function tellOfTaken(
  token: SecurityEventToken,
  taken: SignalTaken,
  { log, metrics }: SignalTelling,
): void {
  const { issuer, jti } = token
  const { result, locked, freed } = taken
  const events = token.events.map(({ type }) => type)
  metrics.signal(issuer, result)
  const told = { issuer, jti, events, result, locked, freed }
  if (result === 'not-applicable') {
    log.warn(told, 'a signal asked for what is not done here, or about somebody not known here')
  } else log.info(told, 'a signal was taken')
}
