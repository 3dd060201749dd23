/** Takes what identity providers push: verified, read, and turned into locks. */
import { isDeclined } from '../../access/command.ts'
import type { AccessReplica } from '../../access/replica.ts'
import { isSignalFault, readSignals } from '../../access/signals/read-signals.ts'
import type { SignalSource } from '../../access/signals/source.ts'
import { takeSignals } from '../../access/signals/take-signal.ts'
import { isSetFault, type SetFault } from '../../authn/signals/faults.ts'
import type { SignalVerifier } from '../../authn/signals/receiver.ts'
import type { SecurityEventToken } from '../../domain/security-event.ts'
import type { SignalAnswer, SignalsControl } from '../../pap/signals-api.ts'
import type { PeerRate } from './peer-rate.ts'
import {
  tellOfRefused,
  tellOfTaken,
  type SignalTelling,
  type SignalWay,
} from './tell-of-signals.ts'

/** What taking signals needs. */
export interface SignalsDeps {
  readonly verifier: SignalVerifier
  /** By the short name of the issuer. */
  readonly sources: ReadonlyMap<string, SignalSource>
  readonly replica: Pick<AccessReplica, 'now' | 'run'>
  readonly rate: PeerRate
  readonly telling: SignalTelling
}

/** The transmitter keeps what it could not deliver and sends it again (RFC 8935 §2.4). */
const AGAIN_MS = 5_000

/** Builds what the routes of `pap/signals-api.ts` work on. */
export function createSignalRoutes(deps: SignalsDeps): SignalsControl {
  const settle = async (
    verified: Promise<SecurityEventToken | SetFault>,
    way: SignalWay,
  ): Promise<SignalAnswer> => {
    const token = await verified
    const fault = isSetFault(token) ? token : await take(token, deps)
    if (fault === undefined) return { taken: true }
    await tellOfRefused(fault, way, deps.telling)
    const { err, description, retryAfterMs } = fault
    return { err, description, ...(retryAfterMs === undefined ? {} : { retryAfterMs }) }
  }
  return {
    admits: (peer) => deps.rate.admits(peer),
    event: ({ peer, ...pushed }) => settle(deps.verifier.event(pushed), { how: 'push', peer }),
    logout: (text, peer) => settle(deps.verifier.logout(text), { how: 'logout', peer }),
  }
}

/** Why `token` was not taken, or nothing. */
async function take(token: SecurityEventToken, deps: SignalsDeps): Promise<SetFault | undefined> {
  const { issuer } = token
  const source = deps.sources.get(issuer)
  if (source === undefined) return unavailable('not configured', issuer)
  const signals = readSignals(token, source, deps.replica.now())
  if (isSignalFault(signals)) return { ...signals, issuer }
  try {
    const ruled = await deps.replica.run(takeSignals(token, signals, source))
    if (isDeclined(ruled)) return unavailable('too many locks', issuer)
    tellOfTaken(token, ruled.done, deps.telling)
    return undefined
  } catch {
    // Whether it was done is not known: sent again it is done once.
    return unavailable('the store does not answer', issuer)
  }
}

function unavailable(description: string, issuer: string): SetFault {
  return { err: 'unavailable', description, retryAfterMs: AGAIN_MS, issuer }
}
