/**
 * Verifies the segments of a log, one after another or several at a time. Several at a time, each
 * begins with what the files say it begins with, and counts only when the part before has ended
 * with exactly that; otherwise it is done again.
 */
import type { FilePort } from '../files/file-port.ts'
import type { SegmentFile } from '../files/segments.ts'
import { mergeFacts, type Facts } from './facts.ts'
import type { LogFault } from './fault.ts'
import { guessedCarry, lastLinkOf, notesAt } from './start.ts'
import type { Carry, SegmentPart, WalkJob, WalkOutcome, WalkPlan } from './walk-job.ts'

/** Verifies one segment, here or in another process. `signal` says that its answer will not be needed. */
export type RunPart = (
  job: WalkJob,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
) => Promise<WalkOutcome>

/** What {@link verifyParts} needs. */
export interface PartsOptions {
  readonly files: FilePort
  readonly plan: WalkPlan
  readonly segments: readonly SegmentFile[]
  /** Where the first of them is begun. */
  readonly place: { readonly offset: number; readonly line: number }
  readonly jobs: number
  readonly run: RunPart
  /** Told how many bytes of the segments before, and of this one, are done. */
  readonly onBytes: (segment: number, bytes: number) => void
  /** Told of every state that can be gone on from. */
  readonly onPart: (part: PartDone) => void
}

/** A state that a verification can go on from. */
export interface PartDone {
  readonly carry: Carry
  readonly facts: Facts
  readonly firstSeq: number
  readonly offset: number
  readonly line: number
}

/** What {@link verifyParts} ends with. */
export interface PartsOutcome {
  readonly carry: Carry
  readonly facts: Facts
  readonly fault: LogFault | undefined
  readonly torn: number
}

interface Guess {
  readonly start: Carry
  readonly outcome: Promise<WalkOutcome>
}

/** See the head of this file. */
export async function verifyParts(
  options: PartsOptions,
  start: Carry,
  known: Facts,
): Promise<PartsOutcome> {
  const { segments, onPart } = options
  const abort = new AbortController()
  const guesses = createGuesses(options, abort.signal)
  let [carry, facts, torn] = [start, known, 0]
  try {
    for (const [index, segment] of segments.entries()) {
      const part = partOf(options, index)
      const guess = guesses(index, carry)
      const isHeld = guess !== undefined && isSame(guess.start, carry)
      const outcome = await (isHeld
        ? guess.outcome
        : run(options, { index, part, start: carry }, abort.signal))
      ;({ carry, torn } = outcome)
      facts = mergeFacts(facts, outcome.facts)
      if (outcome.fault !== null) return { carry, facts, fault: outcome.fault, torn }
      const { offset, line } = outcome
      options.onBytes(index, offset)
      if (outcome.isSettled) onPart({ carry, facts, firstSeq: segment.firstSeq, offset, line })
    }
    return { carry, facts, fault: undefined, torn }
  } finally {
    abort.abort()
  }
}

function partOf({ segments, place }: PartsOptions, index: number): SegmentPart {
  const { path, firstSeq } = segments[index] ?? { path: '', firstSeq: 0 }
  const from = index === 0 ? place : { offset: 0, line: 1 }
  return { path, firstSeq, isLast: index === segments.length - 1, ...from }
}

interface PartToRun {
  readonly index: number
  readonly part: SegmentPart
  readonly start: Carry
}

function run(
  { plan, run: runPart, onBytes }: PartsOptions,
  { index, part, start }: PartToRun,
  signal: AbortSignal,
): Promise<WalkOutcome> {
  return runPart({ plan, start, segment: part }, (bytes) => onBytes(index, bytes), signal)
}

/** Gives the part that was begun ahead for a segment, and begins those of the next ones. */
function createGuesses(
  options: PartsOptions,
  signal: AbortSignal,
): (index: number, carry: Carry) => Guess | undefined {
  const { files, plan, segments, jobs } = options
  if (jobs < 2) return () => undefined
  const notes = notesAt(
    files,
    plan,
    segments.map(({ firstSeq }) => firstSeq),
  )
  const begun = new Map<number, Guess>()
  let next = 0
  const begin = (index: number, start: Carry) => {
    const outcome = run(options, { index, part: partOf(options, index), start }, signal)
    // Whether it failed matters only when it turns out to be needed.
    outcome.catch(() => undefined)
    begun.set(index, { start, outcome })
  }
  return (index, carry) => {
    next = Math.max(next, index)
    for (; next < Math.min(index + jobs, segments.length); next++) {
      const [before, at] = [segments[next - 1], notes[next]]
      const size = segments[next]?.firstSeq ?? 0
      const last = next === index || before === undefined ? undefined : lastLinkOf(files, before)
      const start =
        next === index ? carry : at && guessedCarry(files, plan, { size, last, notes: at })
      if (start !== undefined) begin(next, start)
    }
    const guess = begun.get(index)
    begun.delete(index)
    return guess
  }
}

function isSame(a: Carry, b: Carry): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}
