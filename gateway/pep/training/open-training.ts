import type { ForwardOutcome } from '../../domain/ports.ts'
import type { Refusal } from '../../domain/refusal.ts'
import type { TrainingFacts } from '../../domain/training.ts'

/** What is known of a permitted `retrain` before it is sent on. */
export interface OpenTraining {
  /** The bytes that were read; what is forwarded must be these. */
  readonly body: Buffer | undefined
  /** Absent where it is unknown what is trained with. */
  readonly facts?: TrainingFacts
}

/** A registration from before it is sent until it is known what came of it. */
export interface OpenRegistration {
  /**
   * Puts it on record where it may be of a training; it is not sent on a refusal
   * (`state_unavailable`). Never rejects.
   */
  begin(): Promise<Refusal | undefined>
  /** Takes a good answer, whole; `undefined` when it cannot be read. Never rejects. */
  answered(answer: Buffer | undefined): Promise<Refusal | undefined>
  /** Takes how the exchange ended, where no good answer came to its end. Never rejects. */
  ended(result: ForwardOutcome | Refusal): Promise<void>
}
