import type { Refusal } from '../domain/refusal.ts'

/** A document the gateway itself answers with, without an upstream. */
export interface Answer {
  readonly outcome: 'answered'
  readonly status: number
  readonly contentType: string
  readonly body: string
  /** `public, max-age=300` when absent. */
  readonly cacheControl?: string
}

/** What a stage gives: nothing (go on), a refusal (stop), or an answer of the gateway's own. */
export type StageResult = Refusal | Answer | undefined
