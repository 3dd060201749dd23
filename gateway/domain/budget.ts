/** Budgets as the stages of a request see them. The room that counts is a stranger to all others. */
import type { DecidedOperation, Environment } from './access.ts'
import type { BudgetScope, BudgetUnit, BudgetWindow } from './obligations.ts'
import type { Refusal } from './refusal.ts'
import type { Subject } from './subject.ts'

/** A budget, by where it is written: for refusals, records and labels. */
export interface BudgetName {
  /** Name of the limit in `limits.yaml`; `weights` for the one a model has by itself. */
  readonly limit: string
  readonly per: BudgetScope
  readonly unit: BudgetUnit | 'streams'
  /** Absent for streams. */
  readonly window?: BudgetWindow
  readonly max: number
  /** `limits.yaml:12`. */
  readonly source: string
}

/** A refusal, and the budget that is the reason. */
export interface BudgetRefusal {
  readonly refusal: Refusal
  /** Absent when no single budget is to blame. */
  readonly budget?: BudgetName
}

/** Counts body bytes before they leave. */
export interface BudgetMeter {
  /**
   * Takes `bytes` out of every budget of bytes, or of none: a refusal when one is used up, `wait`
   * when it is not known yet; then the same bytes are asked for again once `ready` has settled.
   */
  take(bytes: number): Refusal | 'wait' | undefined
  /** A promise after `wait`; bounded in time, never rejects. */
  ready(): Promise<void> | undefined
}

/** What was counted of one exchange under one limit. */
export interface BudgetCount {
  readonly limit: string
  readonly unit: BudgetUnit
  readonly n: number
}

/** What budgets are opened for: the decisions and who they are about. */
export interface BudgetOccasion {
  readonly decisions: readonly DecidedOperation[]
  readonly subject: Subject
  readonly environment: Environment
}

/** The budgets of one exchange, from its permit to its end. */
export interface OpenBudget extends BudgetMeter {
  /** Whether there are bytes to be counted. */
  readonly countsBytes: boolean
  /** What answers must be read for. */
  readonly reads: { readonly tokens: boolean; readonly vectors: boolean }
  /** Why the exchange was refused or cut, if it was. */
  readonly exhausted: BudgetName | undefined
  /** Why an answer that says it has so many bytes cannot pass, if it cannot. */
  declared(bytes: number): Refusal | undefined
  /** Charges what an answer turned out to have used; it may exceed what is left, and is owed then. */
  charge(unit: 'tokens' | 'vectors', n: number): void
  /**
   * Adds the budgets of operations found later. Requests are not counted again, and no stream is.
   */
  more(occasion: BudgetOccasion): Refusal | undefined
  /** Whether all budgets that come with `occasion` are counted, none with a smaller maximum. */
  covers(occasion: BudgetOccasion): boolean
  /** What was counted, at most 64 entries. */
  counted(): readonly BudgetCount[]
  /** Gives places back. To be called once at the end; more often does nothing. */
  close(): void
}

/** Opens budgets from memory. */
export interface Budgets {
  /**
   * Counts a permitted request against every budget of its decisions, or refuses it and counts
   * nothing. A promise only when more was asked for at once than may be given before the store has
   * said what is left; bounded in time, never rejects.
   */
  open(occasion: BudgetOccasion): OpenBudget | BudgetRefusal | Promise<OpenBudget | BudgetRefusal>
}
