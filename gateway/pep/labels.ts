import type { Action } from '../domain/vocabulary.ts'
import type { Exchange } from './exchange.ts'

/** Metric labels of an exchange: names from configuration and closed unions only (I25). */
export interface ExchangeLabels {
  /** Upstream name, or `none` when none was chosen. */
  readonly upstream: string
  /** Primary action, or `none` when the request was not classified. */
  readonly action: Action | 'none'
}

/** The labels of `exchange` as far as it got. */
export function labelsOf(exchange: Exchange): ExchangeLabels {
  return {
    upstream: exchange.admitted?.route?.entry.name ?? 'none',
    action: exchange.classification?.operations[0].action ?? 'none',
  }
}
