/** Trainings that begin, and the versions that come of them. */
import { decline, type Command } from '../command.ts'
import type { AccessEvent } from '../events.ts'
import { sizeOfMap } from '../size.ts'
import type { AccessState } from '../state.ts'
import { UNTOLD, type RegisteredVersion, type TrainingRun } from '../version.ts'

/** Runs, and versions, that one journal knows at once. */
const KEPT_MAX = 100_000

/** Characters of all runs, as JSON: what is older than 90 days makes room. */
export const RUNS_CHARS_MAX = 12_582_912

/** Longest text of a statement, UTF-16 code units: an entry of the journal must hold it escaped. */
export const STATEMENT_MAX = 16_384

/**
 * Puts `run` on record before it is sent on. Declines with `closed` when its grant is over by now,
 * which a replica that is behind cannot know, with `already_done`, `invalid` and `too_many`.
 */
export function beginTraining(run: TrainingRun): Command<TrainingRun> {
  return (state, now) => {
    if (state.runs.has(run.id)) return decline('already_done', 'This training is on record.')
    if (run.statement.length > STATEMENT_MAX)
      return decline('invalid', 'The statement is too long.')
    if (state.runs.size >= KEPT_MAX || sizeOfMap(state.runs) > RUNS_CHARS_MAX)
      return decline('too_many', 'There are too many trainings within 90 days.')
    if (isOver(state, run.grant, now)) return decline('closed', 'The grant has ended.')
    return { events: [{ type: 'training.begun', run }], result: run }
  }
}

/** A grant of the rules is not in the journal: the rules in force told that it holds. */
function isOver({ grants }: AccessState, id: string | undefined, now: number): boolean {
  const grant = id === undefined ? undefined : grants.get(id)
  return grant !== undefined && (grant.revoked !== undefined || grant.expiresAt <= now)
}

/** Keeps what the upstream calls the run. Once: a later name is not taken (`already_done`). */
export function nameTraining(id: string, upstreamRun: string): Command<string> {
  return ({ runs }) => {
    const run = runs.get(id)
    if (run === undefined) return decline('not_found', 'There is no such training.')
    if (run.upstreamRun !== undefined) return decline('already_done', 'The training has a name.')
    return { events: [{ type: 'training.named', id, upstreamRun }], result: upstreamRun }
  }
}

/** A version that was made in a registry. */
export interface Registration {
  /** `model:<name>`. */
  readonly model: string
  /** {@link UNTOLD} where nobody can tell which one it is. */
  readonly version: string
  /** Its other names: a tag and the digest behind it, a branch and its commit. */
  readonly also?: readonly string[]
  readonly by: string
  readonly person?: string
  readonly at: number
  /** The run it came of, as the registry was told. */
  readonly upstreamRun?: string
  /** Id under which the journal was told that it is sent: that is over once this is written. */
  readonly begun?: string
}

/**
 * Links a version to the run it came of, and restricts it. By what the upstream calls the run; else
 * by its destination: of several runs that could be meant it is none, and restricted all the same.
 * What came of no retraining that is known here is left alone, and the result is `undefined`. A
 * digest that was released stays so: what it names cannot have become something else.
 */
export function registerVersion(
  registration: Registration,
): Command<RegisteredVersion | undefined> {
  return (state) => {
    const found = runsFor(state, registration)
    if (found.length === 0) return { events: endOf(state, registration), result: undefined }
    if (state.versions.size >= KEPT_MAX) return decline('too_many', 'There are too many versions.')
    const [only, ...others] = found
    const { model, by, person, at, begun } = registration
    const made: Omit<RegisteredVersion, 'model'> = {
      at,
      by,
      ...(person === undefined ? {} : { person }),
      ...(isRunOf(only, model) && others.length === 0 ? { run: only.id } : saidOf(registration)),
    }
    const versions = versionsOf(state, registration, made)
    const changed = versions.filter((one) => !isReleasedDigest(state, one.model))
    const all = [...changed, ...leftBehind(state, versions)]
    const result = changed[0] ?? state.versions.get(versions[0].model)
    if (all.length === 0) return { events: endOf(state, registration), result }
    return {
      events: all.map((version, at) => written(version, at === 0 ? begun : undefined)),
      result,
    }
  }
}

function written(version: RegisteredVersion, begun: string | undefined): AccessEvent {
  const ended = begun === undefined ? {} : { registration: begun }
  return { type: 'version.registered', version, ...ended }
}

/** That a registration is over of which nothing is written; nothing where the journal has none. */
export function endOf(
  { registrations }: AccessState,
  { begun: id }: Pick<Registration, 'begun'>,
): readonly AccessEvent[] {
  if (id === undefined || !registrations.has(id)) return []
  return [{ type: 'registration.ended', id }]
}

function saidOf({ upstreamRun }: Registration): Pick<RegisteredVersion, 'upstreamRun'> {
  return upstreamRun === undefined ? {} : { upstreamRun }
}

/** One for each name. One that nobody can name goes by no other once there are two of them. */
function versionsOf(
  { versions }: AccessState,
  registration: Registration,
  made: Omit<RegisteredVersion, 'model'>,
): [RegisteredVersion, ...RegisteredVersion[]] {
  const [first, ...also] = namesOf(registration)
  const isSecond = (name: string): boolean => {
    const known = name.endsWith(`@${UNTOLD}`) ? versions.get(name) : undefined
    return known !== undefined && known.released === undefined
  }
  return [
    { model: first, ...made },
    ...also.map((name) => ({ model: name, ...(isSecond(name) ? {} : { with: first }), ...made })),
  ]
}

/** `model:<name>@<version>` for each of its names, once; the first is what it is called by. */
export function namesOf({
  model,
  version,
  also = [],
}: Pick<Registration, 'model' | 'version' | 'also'>): [string, ...string[]] {
  const others = new Set(also)
  others.delete(version)
  return [`${model}@${version}`, ...[...others].map((other) => `${model}@${other}`)]
}

/** What the first name was put on before: whoever releases that name now means something else. */
function leftBehind(
  state: AccessState,
  [first, ...also]: readonly RegisteredVersion[],
): RegisteredVersion[] {
  const named = new Set(also.map(({ model }) => model))
  const old = [...state.versions.values()].filter(
    ({ model, with: other, released }) =>
      other !== undefined && other === first?.model && released === undefined && !named.has(model),
  )
  return old.map((version) => {
    const alone: { -readonly [K in keyof RegisteredVersion]: RegisteredVersion[K] } = { ...version }
    delete alone.with
    return alone
  })
}

function isReleasedDigest({ versions }: AccessState, model: string): boolean {
  return DIGEST.test(model) && versions.get(model)?.released !== undefined
}

const DIGEST = /@sha(?:256|512):[0-9a-f]{64,128}$/

/** A run that was to make something else is named by mistake, or borrowed: it proves nothing here. */
function isRunOf(run: TrainingRun | undefined, model: string): run is TrainingRun {
  return run !== undefined && (run.destination === undefined || run.destination === model)
}

/** Whether a registration is of a retraining that `state` knows, or may be. */
export function isOfTraining(state: AccessState, registration: Sought): boolean {
  return runsFor(state, registration).length > 0
}

type Sought = Pick<Registration, 'model' | 'upstreamRun'> & Partial<Pick<Registration, 'version'>>

/** The trainings that a registration is of, or may be of; none where it is of none known here. */
export function runsFor(
  state: AccessState,
  { model, version, upstreamRun }: Sought,
): TrainingRun[] {
  const runs = [...state.runs.values()]
  if (upstreamRun !== undefined) {
    const named = runs.filter((run) => run.upstreamRun === upstreamRun)
    if (named.length > 0) return named
  }
  const meant = runs.filter(
    ({ destination }) =>
      destination === model ||
      // Of an answer that nobody could read, the run is not known either.
      (destination === undefined && version === UNTOLD && upstreamRun === undefined),
  )
  const used = new Set([...state.versions.values()].map(({ run }) => run))
  const open = meant.filter(({ id }) => !used.has(id))
  // One run may be registered twice: with none that is open it is one of those that were used.
  return open.length > 0 ? open : meant
}
