/**
 * Proves offline, from the files alone and with keys that the verifier brings, that a log is whole
 * and as it was signed, or says which record is the first that is not. It hashes bytes as they are,
 * trusts nothing that the writer derived, and reads in flat memory.
 */
import { systemFiles, type FilePort } from '../files/file-port.ts'
import type { ReadCheckpoint } from '../tree/checkpoint.ts'
import { findingsIn } from './contents.ts'
import { NO_FACTS, type Facts } from './facts.ts'
import type { LogFault, Verdict } from './fault.ts'
import { endFault } from './end-checks.ts'
import { judgeCheckpoint, readyKeys, type KeyEntry } from './keys.ts'
import { missingTileFault, readLogFiles, type LogFiles } from './log-files.ts'
import { verifyParts, type PartDone, type RunPart } from './parts.ts'
import { afterRemoved, atFirstRecord, notesAt } from './start.ts'
import { earlierAnchorFault, startAfter, type LateStart } from './late-start.ts'
import { FIRST_NOTE } from './notes.ts'
import type { ShapeCheck } from './record-shape.ts'
import { verifySegment } from './walk-segment.ts'
import type { AnchorPoint, Carry, WalkPlan } from './walk-job.ts'
import { CompactRange } from '../tree/compact-range.ts'

/** A checkpoint from elsewhere, and the file it was in. */
export interface Anchor {
  readonly file: string
  readonly checkpoint: ReadCheckpoint
}

/** What {@link verifyLog} looks at. */
export interface VerifyLogOptions {
  readonly dir: string
  /** Keys of the log. Without any, signatures are not looked at, and all of it counts as unproven. */
  readonly keys: readonly KeyEntry[]
  readonly witnesses?: readonly KeyEntry[]
  /** Cosignatures that make a checkpoint count; default 1 when there are witnesses. */
  readonly quorum?: number
  /** Checkpoints that the log must contain; whoever brings them vouches for them. */
  readonly anchors?: readonly Anchor[]
  /** Origin that the log must have; by default that of its first record. */
  readonly log?: string
  /** Only what came after this checkpoint; what came before counts as verified. */
  readonly since?: Anchor
  /** Where an earlier verification of the same log ended. */
  readonly resume?: PartDone
  /** Segments at a time; more than one only with `runPart`. */
  readonly jobs?: number
  readonly runPart?: RunPart
  readonly files?: FilePort
  /** What records must be like; `runPart` brings its own. */
  readonly shape?: ShapeCheck
  /** Findings count as faults. */
  readonly isStrict?: boolean
  readonly onProgress?: (done: { readonly bytesRead: number; readonly bytesTotal: number }) => void
  /** Told after each segment where a later verification can go on. */
  readonly onPart?: (part: PartDone) => void
}

/** What {@link verifyLog} found. */
export interface LogReport {
  readonly verdict: Verdict
  /** The first fault. */
  readonly fault: LogFault | undefined
  /** Origin of the log; `undefined` for one without records. */
  readonly log: string | undefined
  /** Records in the tree, removed ones included, up to the fault if any. */
  readonly size: number
  /** Root of that tree, base64; `undefined` when hashes of removed records are missing. */
  readonly root: string | undefined
  /** Time of the last record, milliseconds since the epoch. */
  readonly lastAt: number | undefined
  readonly segments: number
  /** The first record that is still there. */
  readonly firstSeq: number
  /** Records that nothing signed speaks for. */
  readonly unproven: number
  /** Bytes of a line without end, at the end: the writer died, or is writing. */
  readonly torn: number
  readonly facts: Facts
  /** Records that are as they were signed and say what they should not; the first of them. */
  readonly findings: readonly LogFault[]
}

/** See the head of this file. Throws what the file system throws when the log cannot be read. */
export async function verifyLog(options: VerifyLogOptions): Promise<LogReport> {
  const files = options.files ?? systemFiles
  const found = readLogFiles(files, options.dir)
  const plan = planOf(options, found)
  const begun = beginning(files, options, { found, plan })
  const early =
    found.fault ??
    publishedFault(plan, found) ??
    missingTileFault(files, options.dir, found) ??
    begun.fault ??
    earlierAnchorFault(files, plan, begun.carry)
  const { isStrict = false } = options
  if (early !== undefined) return report({ found, plan, ...begun, torn: 0, fault: early, isStrict })
  const { segments, place } = begun
  const outcome = await verifyParts(
    {
      files,
      plan,
      segments,
      place,
      jobs: options.runPart === undefined ? 1 : (options.jobs ?? 1),
      run: options.runPart ?? ((job, onBytes) => verifySegment(files, job, onBytes, options.shape)),
      onBytes: bytesRead(options, found, segments.length),
      onPart: (part) => options.onPart?.(part),
    },
    begun.carry,
    begun.facts,
  )
  const fault = outcome.fault ?? endFault(files, { plan, found, ...outcome })
  return report({ found, plan, ...outcome, fault, isStrict })
}

function planOf(
  options: VerifyLogOptions,
  { published, witnessed, notesFiles }: LogFiles,
): WalkPlan {
  const { dir, keys, witnesses = [], quorum = 1, anchors = [], log } = options
  const points = anchors.map(({ file, checkpoint }) => pointOf(checkpoint, file, 'anchor'))
  if (published !== undefined) {
    points.push(pointOf(published.checkpoint, `${dir}/checkpoint`, 'published'))
  }
  const judged = witnessed && judgeCheckpoint(witnessed, [], readyKeys(witnesses))
  if (witnessed !== undefined && typeof judged === 'object' && judged.witnesses >= quorum) {
    points.push(pointOf(witnessed, `${dir}/witnessed`, 'witnessed'))
  }
  return {
    dir,
    log: log ?? null,
    keys,
    witnesses,
    quorum,
    anchors: points.sort((a, b) => a.size - b.size),
    published: published ? { size: published.checkpoint.size, note: published.note } : null,
    notesFiles,
    isShapeChecked: options.shape !== undefined,
  }
}

function pointOf(
  { size, root }: ReadCheckpoint,
  file: string,
  kind: AnchorPoint['kind'],
): AnchorPoint {
  return { size, root: root.toString('base64'), file, kind }
}

interface Beginning extends LateStart {
  readonly facts: Facts
}

interface Known {
  readonly found: LogFiles
  readonly plan: WalkPlan
}

/** Where reading starts: the first record, the first that is left, or where somebody else ended. */
function beginning(files: FilePort, options: VerifyLogOptions, known: Known): Beginning {
  const { found, plan } = known
  const { since, resume } = options
  const { segments } = found
  if (resume !== undefined) return resumed(files, known, resume)
  if (since !== undefined) {
    const facts = { ...NO_FACTS, anchored: since.checkpoint.size }
    return { ...startAfter(files, { plan, segments, since: since.checkpoint }), facts }
  }
  const firstSeq = segments[0]?.firstSeq ?? 0
  const place = { offset: 0, line: 1 }
  if (firstSeq === 0) {
    const carry = atFirstRecord(plan)
    return { carry, facts: NO_FACTS, segments, place, fault: undefined }
  }
  return { ...afterRemoved(files, plan, firstSeq), segments, place }
}

function resumed(files: FilePort, { found, plan }: Known, resume: PartDone): Beginning {
  const { firstSeq, offset, line } = resume
  // What is new since was not looked at in what was read before.
  const facts = { ...NO_FACTS, ...resume.facts }
  const { segments } = found
  const rest = segments.filter((segment) => segment.firstSeq >= firstSeq)
  // A file of checkpoints may have come since.
  const [places] = notesAt(files, plan, [resume.carry.size])
  const notes = plan.notesFiles.map(
    (_, index) => resume.carry.notes[index] ?? places?.notes[index] ?? FIRST_NOTE,
  )
  const carry = { ...resume.carry, notes }
  const begun = { carry, facts, segments: rest, place: { offset, line } }
  if (rest[0]?.firstSeq === firstSeq) return { ...begun, fault: undefined }
  const message = 'the segment in which the verification before ended is gone'
  const file = segments.at(-1)?.path ?? ''
  return { ...begun, fault: { class: 'truncated', file, line: 0, seq: firstSeq, message } }
}

/** Checkpoints in files of their own must be signed like every other. */
function publishedFault(plan: WalkPlan, { published, witnessed }: LogFiles): LogFault | undefined {
  const { keys, witnesses, dir } = plan
  const alone = [
    { file: `${dir}/checkpoint`, checkpoint: published?.checkpoint },
    { file: `${dir}/witnessed`, checkpoint: witnessed },
  ]
  for (const { file, checkpoint } of alone) {
    if (checkpoint === undefined || keys.length === 0) continue
    const judged = judgeCheckpoint(checkpoint, readyKeys(keys), readyKeys(witnesses))
    if (typeof judged !== 'string' && judged.isSigned) continue
    const message = typeof judged === 'string' ? judged : 'no key that was valid has signed it'
    return { class: 'signature', file, line: 0, seq: 0, message }
  }
  return undefined
}

function bytesRead(
  { onProgress }: VerifyLogOptions,
  { sizes }: LogFiles,
  parts: number,
): (segment: number, bytes: number) => void {
  const read = sizes.map((size, index) => (index < sizes.length - parts ? size : 0))
  const bytesTotal = sizes.reduce((sum, size) => sum + size, 0)
  return (segment, bytes) => {
    read[sizes.length - parts + segment] = bytes
    onProgress?.({ bytesRead: read.reduce((sum, size) => sum + size, 0), bytesTotal })
  }
}

interface Ended extends Known {
  readonly carry: Carry
  readonly facts: Facts
  readonly torn: number
  readonly fault: LogFault | undefined
  readonly isStrict: boolean
}

function report(ended: Ended): LogReport {
  const { found, plan, carry, facts, torn, isStrict } = ended
  const { size, last, edge } = carry
  const findings = findingsIn(facts, last?.type === 'log.closed')
  const fault = ended.fault ?? (isStrict ? findings[0] : undefined)
  const witnessed = plan.witnesses.length > 0 ? facts.witnessed : facts.signed
  const unproven = Math.max(0, size - Math.max(witnessed, facts.anchored))
  return {
    verdict: verdictOf({ fault, facts, unproven, torn }),
    fault,
    log: last?.log,
    size,
    root: edge === null ? undefined : rootOf(size, edge),
    lastAt: last?.at,
    segments: found.segments.length,
    firstSeq: found.segments[0]?.firstSeq ?? 0,
    unproven,
    torn,
    facts,
    findings,
  }
}

function rootOf(size: number, edge: readonly string[]): string {
  let at = 0
  const range = CompactRange.restore(size, () => Buffer.from(edge[at++] ?? '', 'base64'))
  return range.root().toString('base64')
}

function verdictOf({
  fault,
  facts,
  unproven,
  torn,
}: Pick<LogReport, 'fault' | 'facts' | 'unproven' | 'torn'>): Verdict {
  if (fault !== undefined) return fault.class === 'truncated' ? 'truncated' : 'tampered'
  if (unproven > 0 || torn > 0) return 'unproven'
  return facts.gaps.length > 0 || facts.recovered > 0 ? 'gaps' : 'intact'
}
