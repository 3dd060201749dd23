/** Takes what identity providers push: verified, read, and turned into locks. */
import { isDeclined } from '../../access/command.ts'
import type { AccessReplica } from '../../access/replica.ts'
import { isSignalFault, readSignals } from '../../access/signals/read-signals.ts'
import type { SignalSource } from '../../access/signals/source.ts'
import { takeSignals, type SignalTaken } from '../../access/signals/take-signal.ts'
import { isSetFault, type SetFault } from '../../authn/signals/faults.ts'
import type { SignalVerifier } from '../../authn/signals/receiver.ts'
import type { SecurityEventToken } from '../../domain/security-event.ts'
import type { Logger } from '../../log/logger.ts'
import type { Metrics } from '../../metrics/metrics.ts'
import type { SignalAnswer, SignalsControl } from '../../pap/signals-api.ts'
import type { PeerRate } from './peer-rate.ts'

/** What taking signals needs. */
export interface SignalsDeps {
  readonly verifier: SignalVerifier
  /** By the short name of the issuer. */
  readonly sources: ReadonlyMap<string, SignalSource>
  readonly replica: Pick<AccessReplica, 'now' | 'run'>
  readonly rate: PeerRate
  readonly log: Logger
  readonly metrics: Pick<Metrics, 'signal'>
}

/** The transmitter keeps what it could not deliver and sends it again (RFC 8935 §2.4). */
const AGAIN_MS = 5_000

/** Builds what the routes of `pap/signals-api.ts` work on. */
export function createSignalRoutes(deps: SignalsDeps): SignalsControl {
  const settle = async (
    verified: Promise<SecurityEventToken | SetFault>,
  ): Promise<SignalAnswer> => {
    const token = await verified
    return isSetFault(token) ? refused(token, undefined, deps) : take(token, deps)
  }
  return {
    admits: (peer) => deps.rate.admits(peer),
    event: (delivery) => settle(deps.verifier.event(delivery)),
    logout: (text) => settle(deps.verifier.logout(text)),
  }
}

async function take(token: SecurityEventToken, deps: SignalsDeps): Promise<SignalAnswer> {
  const { issuer } = token
  const source = deps.sources.get(issuer)
  if (source === undefined) return refused(unavailable('not configured'), issuer, deps)
  const signals = readSignals(token, source, deps.replica.now())
  if (isSignalFault(signals)) return refused(signals, issuer, deps)
  try {
    const ruled = await deps.replica.run(takeSignals(token, signals, source))
    if (isDeclined(ruled)) return refused(unavailable('too many locks'), issuer, deps)
    tellOf(token, ruled.done, deps)
    return { taken: true }
  } catch {
    // Whether it was done is not known: sent again it is done once.
    return refused(unavailable('the store does not answer'), issuer, deps)
  }
}

function unavailable(description: string): SetFault {
  return { err: 'unavailable', description, retryAfterMs: AGAIN_MS }
}

function refused(
  fault: SetFault,
  issuer: string | undefined,
  { log, metrics }: SignalsDeps,
): SignalAnswer {
  const { err, description } = fault
  metrics.signal(issuer, err === 'unavailable' && issuer !== undefined ? 'unavailable' : 'refused')
  log.warn({ issuer, err, description }, 'a signal was turned away')
  return fault
}

function tellOf(token: SecurityEventToken, taken: SignalTaken, deps: SignalsDeps): void {
  const { issuer, jti } = token
  const { result, locked, freed } = taken
  const events = token.events.map(({ type }) => type)
  deps.metrics.signal(issuer, result)
  const told = { issuer, jti, events, result, locked, freed }
  if (result === 'not-applicable') {
    deps.log.warn(
      told,
      'a signal asked for what is not done here, or about somebody not known here',
    )
  } else deps.log.info(told, 'a signal was taken')
}
