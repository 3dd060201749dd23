import type { TrainingFacts } from '../../domain/training.ts'

/** What is known of a permitted `retrain` before it is sent on. */
export interface OpenTraining {
  /** The bytes that were read; what is forwarded must be these. */
  readonly body: Buffer | undefined
  /** Absent where it is unknown what is trained with. */
  readonly facts?: TrainingFacts
}
