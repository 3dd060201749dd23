/**
 * What the thread of the requests and the thread of the writer tell each other. Everything is plain
 * data: it is copied from one to the other.
 */
import type { LogPosition } from '../line/chain.ts'

/** Who waits for a record: nobody, somebody until the kernel has it, somebody until the disk has it. */
export const WAITS = { nobody: 0, kernel: 1, disk: 2 } as const

/** From the thread of the requests. */
export type ToWriter =
  | {
      readonly kind: 'append'
      /** Number of this message among those of its kind. */
      readonly batch: number
      /** Of each record: its type, its fields as JSON, one of {@link WAITS}. */
      readonly records: readonly (string | number)[]
    }
  | { readonly kind: 'keepFrom'; readonly seq: number }
  | { readonly kind: 'close' }

/** What became of what was appended, and of the ledger, since the last answer. */
export interface Answer {
  readonly kind: 'answer'
  /** Batches whose records are in the kernel's hands, but for `failed` and those that wait for the disk. */
  readonly written: readonly number[]
  /** Records that are not, by their place in a batch; told of no later than the batch. */
  readonly failed: readonly (readonly [batch: number, place: number, why: Failure])[]
  /** Records that waited for the disk, by their number among those, and what kept them from it. */
  readonly settled: readonly (readonly [record: number, why: Failure | undefined])[]
  readonly head: LogPosition
  readonly healthy: boolean
}

/** A failure, as data. */
export interface Failure {
  readonly message: string
  readonly publicMessage?: string | undefined
}

/** From the thread of the writer. */
export type FromWriter =
  | Answer
  | { readonly kind: 'opened'; readonly head: LogPosition; readonly healthy: boolean }
  | { readonly kind: 'refused'; readonly code: string; readonly why: Failure }
  | { readonly kind: 'closed'; readonly head: LogPosition; readonly why: Failure | undefined }

/** One end of a channel between threads, as `node:worker_threads` has it. */
export interface Port<Out> {
  postMessage(message: Out): void
}
