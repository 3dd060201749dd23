/** Signals that were taken: each is taken once. */
import type { AccessState } from '../state.ts'
import type { Folds } from './entry.ts'
import { SIGNAL_KEPT_MS } from './kept.ts'
import { withEntry } from './maps.ts'

/** What becomes of the state. */
export const SIGNAL_FOLDS: Folds<'signal.received'> = { 'signal.received': withSignal }

/** Keeps a signal; one that set a lock is part of that lock's entry. */
export function withSignal(
  state: AccessState,
  signal: { readonly issuer: string; readonly jti: string; readonly event: string },
  at: number,
): AccessState {
  const kept = { value: signal.event, until: at + SIGNAL_KEPT_MS }
  return { ...state, signals: withEntry(state.signals, `${signal.issuer} ${signal.jti}`, kept) }
}
