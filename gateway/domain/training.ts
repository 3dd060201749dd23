/** What a retraining uses and makes: as a grant allows it, and as a request asks for it. */

/** What the body of a request says of the training that it asks for. */
export interface TrainingFacts {
  /** Names as rules write them, without prefix; each once, in the order of their code units. */
  readonly datasets: readonly string[]
  /** `model:<name>[@<version>]`. */
  readonly base?: string
  /** `model:<name>`. */
  readonly destination?: string
  /** Scalars that the pack names, by path; texts and numbers as written, at most 256 characters. */
  readonly parameters: Readonly<Record<string, string>>
}

/** What a body says, or why that cannot be told: a sentence that holds nothing of the body. */
export type TrainingRead = TrainingFacts | { readonly unreadable: string }

/** Reads bodies of a route that begins a training. Pure. */
export interface TrainingReader {
  /** `body` is a whole JSON body, as it goes upstream. Never throws. */
  read(body: Buffer): TrainingRead
  /** Names on the way to the id of the job in the JSON answer; absent when the answer has none. */
  readonly job?: readonly string[]
}

/**
 * What a route is to trainings: it begins one; or `none`, it trains nothing, although it is a
 * `retrain`. Of a route that says neither it is unknown what it trains with.
 */
export type TrainingRoute = TrainingReader | 'none'

/** What a registration makes a version of, and of which run, as one place says it. */
export interface RegistrationFacts {
  /** All names of the version that are told here; the one that people use first. */
  readonly versions: readonly string[]
  /** Whether a name that should be told here is not, or is none. */
  readonly isUntold: boolean
  /** Id of the run, as the upstream that trained calls it. */
  readonly run?: string
}

/** Reads requests that register a version, and their answers. Pure; the model is the route's own. */
export interface RegistrationReader {
  /** Whether its body says anything. */
  readonly readsBody: boolean
  /** Whether its answer says anything. */
  readonly readsAnswer: boolean
  /** Whether the version is in use as soon as it is made: it is not, before it was released. */
  readonly isHeld: boolean
  /** What the request itself says, its body aside. */
  readonly fromRequest: RegistrationFacts
  /** What a body says; `undefined`: it cannot be read. */
  fromBody(body: Buffer | undefined): RegistrationFacts
  /** What a JSON answer says; `undefined`: it cannot be read. */
  fromAnswer(answer: Buffer | undefined): RegistrationFacts
}
