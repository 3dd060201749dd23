/** What a verification learns of a log beside whether it is intact. */
import type { LogFault } from './fault.ts'
import { joinInForce, NOTHING_IN_FORCE, type InForce } from './in-force.ts'

/** A gap that was accepted: `log.gap.accepted`. */
export interface AcceptedGap {
  readonly seq: number
  readonly by: string
  readonly reason: string
  /** Size of the log when it went on. */
  readonly kept: number
  /** Size that was known to have been signed. */
  readonly lost: number
  /** Directories that what could not be kept was moved to. */
  readonly moved: readonly string[]
}

/** Counts are of what was read. All of it can be sent to another process as JSON. */
export interface Facts {
  readonly records: number
  readonly bytes: number
  /** Runs of the process. */
  readonly boots: number
  /** Checkpoints that were compared with the records. */
  readonly checkpoints: number
  /** Records earlier than the one before by the wall clock, without a `clock.step`; a warning. */
  readonly clockBackwards: number
  /** Times that a run was silent for longer than its heart beats; a warning. */
  readonly silences: number
  /** `log.recovered`: half-written lines that were moved aside. */
  readonly recovered: number
  /** `log.degraded`: times that the log could not be written. */
  readonly degraded: number
  /** Requests that were refused meanwhile. */
  readonly refused: number
  readonly gaps: readonly AcceptedGap[]
  /** The largest record number that a `log.pruned` says was removed; -1 for none. */
  readonly prunedTo: number
  /** Where the newest `log.pruned` is; -1 for none. */
  readonly prunedBy: number
  /** Records that a signed checkpoint speaks for. */
  readonly signed: number
  /** Records that a checkpoint with enough cosignatures speaks for. */
  readonly witnessed: number
  /** Records that an anchor speaks for. */
  readonly anchored: number
  /** Whether the published checkpoint is among all that were signed. */
  readonly isPublishedKnown: boolean
  /** The largest checkpoint that was read, and when its last record was made. */
  readonly newest: { readonly size: number; readonly at: number }
  /** The first and the last record that speak of checkpoints which are not there. */
  readonly missing: { readonly first: LogFault; readonly last: LogFault } | null
  /** When the last record of the published checkpoint was made. */
  readonly publishedAt: number
  /** Records that are not as the schema says. */
  readonly misshapen: number
  /** The first of those. */
  readonly shapes: readonly LogFault[]
  /** Rules and configurations that the log says were in force, and those that others were decided by. */
  readonly inForce: InForce
}

/** Nothing known yet. */
export const NO_FACTS: Facts = {
  records: 0,
  bytes: 0,
  boots: 0,
  checkpoints: 0,
  clockBackwards: 0,
  silences: 0,
  recovered: 0,
  degraded: 0,
  refused: 0,
  gaps: [],
  prunedTo: -1,
  prunedBy: -1,
  signed: 0,
  witnessed: 0,
  anchored: 0,
  isPublishedKnown: false,
  newest: { size: 0, at: 0 },
  missing: null,
  publishedAt: 0,
  misshapen: 0,
  shapes: [],
  inForce: NOTHING_IN_FORCE,
}

const GAPS_MAX = 1000
/** Records that are named; all are counted. */
export const SHAPES_MAX = 100
const SUMS = [
  'records',
  'bytes',
  'boots',
  'checkpoints',
  'clockBackwards',
  'silences',
  'recovered',
  'degraded',
  'refused',
  'misshapen',
] as const
const MAXIMA = ['prunedTo', 'prunedBy', 'signed', 'witnessed', 'anchored', 'publishedAt'] as const

/** What is known of a log after two parts of it, one after the other. */
export function mergeFacts(a: Facts, b: Facts): Facts {
  const merged: { -readonly [K in keyof Facts]: Facts[K] } = { ...a }
  for (const name of SUMS) merged[name] = a[name] + b[name]
  for (const name of MAXIMA) merged[name] = Math.max(a[name], b[name])
  merged.gaps = [...a.gaps, ...b.gaps].slice(0, GAPS_MAX)
  if (b.shapes.length > 0) merged.shapes = [...a.shapes, ...b.shapes].slice(0, SHAPES_MAX)
  merged.inForce = joinInForce(a.inForce, b.inForce)
  merged.missing = missingOf(a.missing, b.missing)
  merged.isPublishedKnown = a.isPublishedKnown || b.isPublishedKnown
  merged.newest = b.newest.size >= a.newest.size ? b.newest : a.newest
  return merged
}

function missingOf(a: Facts['missing'], b: Facts['missing']): Facts['missing'] {
  return a === null || b === null ? (a ?? b) : { first: a.first, last: b.last }
}
