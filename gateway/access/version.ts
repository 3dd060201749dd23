/** Versions of models that came of retraining: linked to how they came about, restricted until released. */

/** A retraining that passed the gate. */
export interface TrainingRun {
  /** Of the decision that let it through: names the provenance record. */
  readonly id: string
  readonly at: number
  /** `user:…`. */
  readonly by: string
  /** Person key of whoever that is, where their token said it. */
  readonly person?: string
  /** Absent where a rule allowed it without one. */
  readonly grant?: string
  /** `model:<name>`; absent where the request does not say it. */
  readonly destination?: string
  /** Name of the upstream that trains. */
  readonly upstream: string
  /** What the upstream calls it, when its answer said so: job or run id. */
  readonly upstreamRun?: string
  /** `sha256:<hex>` of the in-toto statement, whose text is kept with it. */
  readonly statementDigest: string
  /** The statement, canonical JSON. */
  readonly statement: string
}

/**
 * In the place of a version: one that was made and of which nobody here knows the name. While it is
 * restricted, so is every version of its model that was not released by its own name.
 */
export const UNTOLD = '*'

/** A registration that is sent on: on record from before that until it is known what came of it. */
export interface BegunRegistration {
  /** Of the decision that let it through. */
  readonly id: string
  /** `model:<name>`. */
  readonly model: string
  /** What is restricted when nothing is heard of it: {@link UNTOLD} where the request does not say it. */
  readonly version: string
  /** The other names that the request says. */
  readonly also?: readonly string[]
  /** Who registers it. */
  readonly by: string
  readonly person?: string
  /** The run it came of, as the registry is told. */
  readonly upstreamRun?: string
  /** When the journal was told of it last, by the store's clock. */
  readonly since: number
}

/** A version that was registered. */
export interface RegisteredVersion {
  /** `model:<name>@<version>`; the version may be {@link UNTOLD}. */
  readonly model: string
  /** The name that it was registered by besides this one: what releases that releases this. */
  readonly with?: string
  readonly at: number
  /** Who registered it. */
  readonly by: string
  readonly person?: string
  /** The run it came of, when that is known. */
  readonly run?: string
  /** What its registration called the run, where it is linked to none. */
  readonly upstreamRun?: string
  /** Until it is released it may be read and trained, not used (threats I7). */
  readonly released?: { readonly by: string; readonly at: number; readonly reason: string }
}
