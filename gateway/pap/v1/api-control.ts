/** The port of the control API; implemented where rooms are wired. */
import type { AccessReplica } from '../../access/replica.ts'
import type { Clock } from '../../domain/clock.ts'
import type { LedgerValue } from '../../domain/ports.ts'
import type { Refusal } from '../../domain/refusal.ts'
import type { GuardOptions } from '../request-guard.ts'
import type { Problem } from '../problem.ts'
import type { ApiArea } from './api-areas.ts'
import type { ApiParts } from './api-parts.ts'
import type { ApiCaller } from './api-caller.ts'

/** Who asks for what. */
export interface ApiAsk {
  /** Id of the call and of its records. */
  readonly id: string
  readonly authorization: string | undefined
  readonly action: 'read' | 'admin'
  readonly area: ApiArea
  /** The operation. */
  readonly what: string
  /** Address of the TCP peer. */
  readonly peer: string
  /** Node's raw list of header fields, for what trusted hops say of the caller. */
  readonly rawHeaders: readonly string[]
  /** Whether it is a GET or HEAD, which changes nothing and is recorded as a reading. */
  readonly isReading: boolean
}

/** What the control API needs. */
export interface ApiControl extends GuardOptions {
  readonly clock: Clock
  readonly replica: AccessReplica
  readonly parts: ApiParts
  /** Authenticates, decides by the rules in force and records a refusal or a reading. Never throws. */
  authorize(ask: ApiAsk): Promise<ApiCaller | Refusal>
  /** The challenge of a 401. */
  challenge(refusal: Refusal): string
  /**
   * Records on disk what `caller` is about to do; a problem when it cannot be, and then nothing may
   * be done. Never throws.
   */
  note(
    caller: ApiCaller,
    fields: Readonly<Record<string, LedgerValue | undefined>>,
  ): Promise<Problem | undefined>
  /** Tells operators of a failure; nothing of it is answered. */
  failed(error: unknown, decisionId: string): void
}
