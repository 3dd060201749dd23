/** Folds entries of the journal into state. Pure and deterministic: time is that of the entries. */
import { GatewayError } from '../../domain/errors.ts'
import type { AccessEvent, AccessEventType } from '../events.ts'
import type { AccessState } from '../state.ts'
import { unknownEntry, type Folds, type ReadEntry } from './entry.ts'
import { bounded } from './bounds.ts'
import { foldCall, forget } from './kept.ts'
import { LOCK_FOLDS } from './locks.ts'
import { settled } from './maps.ts'
import { NOTICE_FOLDS } from './notices.ts'
import { REQUEST_FOLDS } from './requests.ts'
import { REVIEW_FOLDS } from './reviews.ts'
import { SIGNAL_FOLDS } from './signals.ts'
import { VERSION_FOLDS } from './versions.ts'

/** Entries between two rounds of forgetting what is long over. */
const FORGET_EVERY = 1_024

/** Entries between two looks at how much is over: 64 of the longest are 4 Mi characters. */
const BOUND_EVERY = 64

const FOLDS: Folds<AccessEventType> = {
  ...REQUEST_FOLDS,
  ...LOCK_FOLDS,
  ...REVIEW_FOLDS,
  ...VERSION_FOLDS,
  ...SIGNAL_FOLDS,
  ...NOTICE_FOLDS,
}

/**
 * `state` with `entries` added, which must follow it without a gap. Copies each map once at most,
 * whatever the number of entries: whoever has many gives them in one call.
 * @throws ERR_INTERNAL when one does not, or is of a kind this version does not know: the state is
 * then not known any more, and nothing privileged may rely on it
 */
export function fold(state: AccessState, entries: readonly ReadEntry[]): AccessState {
  let after = state
  for (const entry of entries) {
    if (entry.seq !== after.seq + 1) throw gap(after.seq, entry.seq)
    const folded = foldCall(foldOne(after, entry), entry)
    after = { ...folded, seq: entry.seq, at: Math.max(after.at, entry.at) }
    if (entry.seq % FORGET_EVERY === 0) after = forget(after)
    if (entry.seq % BOUND_EVERY === 0) after = bounded(after)
  }
  return settled(after)
}

function foldOne(state: AccessState, { event, at, seq }: ReadEntry): AccessState {
  if (!Object.hasOwn(FOLDS, event.type)) throw unknownEntry(seq)
  // The table has, under each type, what takes an event of this type.
  const foldEvent = FOLDS[event.type] as (
    state: AccessState,
    event: AccessEvent,
    at: number,
  ) => AccessState
  return foldEvent(state, event, at)
}

function gap(seq: number, next: number): GatewayError {
  return new GatewayError('ERR_INTERNAL', `entry ${next} of the journal does not follow ${seq}`)
}
