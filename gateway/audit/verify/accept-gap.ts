/** Accepts what cannot be kept of a damaged log: repairs the files, and says in a record who did so. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeAll } from '../files/file-ops.ts'
import type { FilePort } from '../files/file-port.ts'
import { checkpointLogPath, checkpointPath } from '../files/checkpoint-log.ts'
import { WITNESSED_FILE } from '../signing/witnessed-files.ts'
import type { ReadCheckpoint } from '../tree/checkpoint.ts'
import type { LedgerRecord } from '../../domain/ports.ts'
import { readCheckpointFile } from './checkpoint-file.ts'
import { judgeCheckpoint, readyKeys, type KeyEntry } from './keys.ts'
import { FIRST_NOTE, readNotes } from './notes.ts'
import { repairLog } from './repair.ts'

/** Size and root of a tree. */
export interface TreeSize {
  readonly size: number
  /** Base64. */
  readonly root: string
}

/** What `log.gap.accepted` says, kept in `damaged-…/gap.json` until the record is written. */
export interface Gap {
  readonly by: string
  readonly reason: string
  readonly fault: string
  /** The tree that the log goes on from. */
  readonly kept: TreeSize
  /** The largest tree that is known to have been signed; `null` when it was not larger. */
  readonly lost: TreeSize | null
  readonly moved: readonly string[]
}

/** What {@link prepareGap} needs. Nobody may be writing the log. */
export interface GapOptions {
  readonly files: FilePort
  readonly dir: string
  readonly keys: readonly KeyEntry[]
  readonly by: string
  readonly reason: string
  /** Milliseconds since the epoch: names the directory things are moved to. */
  readonly now: number
  /** A checkpoint from elsewhere that shows what was lost. */
  readonly anchor?: ReadCheckpoint | undefined
}

const GAP_FILE = 'gap.json'

/**
 * Repairs the log, and gives every gap that no record tells of yet: the one just made, and those
 * whose record could not be written the last time. None when there is nothing to accept.
 *
 * @throws ERR_AUDIT_UNAVAILABLE when it cannot be repaired
 */
export async function prepareGap(options: GapOptions): Promise<readonly Gap[]> {
  const { files, dir, keys, by, reason, anchor } = options
  const known = largestSigned(options)
  const aside = `damaged-${new Date(options.now).toISOString().replace(/[-:]|\.\d+/g, '')}`
  const { report, fault, moved } = await repairLog({ files, dir, keys, aside })
  const pending = unrecorded(
    files,
    dir,
    report.facts.gaps.flatMap((gap) => gap.moved),
  ).filter((gap) => moved.length === 0 || !gap.moved.includes(aside))
  const isBehind = anchor !== undefined && anchor.size > report.size
  // What was repaired the last time is still missed, until its record is written.
  const isKnown = moved.length === 0 && pending.length > 0
  if ((fault === undefined || isKnown) && !isBehind) return pending
  const kept = { size: report.size, root: report.root ?? '' }
  const lost = known !== undefined && known.size > kept.size ? known : null
  const what = fault === undefined ? 'truncated' : fault.class
  const gap: Gap = { by, reason, fault: what, kept, lost, moved: moved.length > 0 ? [aside] : [] }
  if (moved.length > 0) writeGap(files, join(dir, aside, GAP_FILE), gap)
  return [...pending, gap]
}

/** The record of a gap. */
export function gapRecord({ by, reason, fault, kept, lost, moved }: Gap): LedgerRecord {
  return {
    type: 'log.gap.accepted',
    fields: {
      by,
      reason,
      fault,
      kept: { ...kept },
      lost: lost === null ? null : { ...lost },
      moved: [...moved],
    },
  }
}

/** The largest tree that a signed checkpoint speaks for, before anything is moved. */
function largestSigned({ files, dir, keys, anchor }: GapOptions): TreeSize | undefined {
  const ready = readyKeys(keys)
  const isGood = (note: ReadCheckpoint) => {
    const judged = judgeCheckpoint(note, ready, [])
    return typeof judged !== 'string' && (keys.length === 0 || judged.isSigned)
  }
  let largest = anchor
  const see = (note: ReadCheckpoint | string | undefined) => {
    if (typeof note !== 'object' || note.size <= (largest?.size ?? 0) || !isGood(note)) return
    largest = note
  }
  see(readCheckpointFile(files, checkpointPath(dir)))
  see(readCheckpointFile(files, join(dir, WITNESSED_FILE)))
  const path = checkpointLogPath(dir)
  const until = files.status(path)?.size ?? 0
  for (const note of readNotes(files, path, { from: FIRST_NOTE, until })) {
    if ('size' in note) see(note)
  }
  return largest && { size: largest.size, root: largest.root.toString('base64') }
}

/** Gaps in directories that no record names. */
function unrecorded(files: FilePort, dir: string, recorded: readonly string[]): readonly Gap[] {
  const names = files.list(dir).filter((name) => name.startsWith('damaged-'))
  const gaps: Gap[] = []
  for (const name of names.sort()) {
    if (recorded.includes(name)) continue
    try {
      gaps.push(JSON.parse(readFileSync(join(dir, name, GAP_FILE), 'utf8')) as Gap)
    } catch {
      // What somebody else put there is not ours to vouch for: verification goes on to say so.
    }
  }
  return gaps
}

function writeGap(files: FilePort, path: string, gap: Gap): void {
  const bytes = Buffer.from(`${JSON.stringify(gap, null, 2)}\n`)
  const fd = files.openAppend(path, true)
  try {
    writeAll(files, fd, bytes, { start: 0, end: bytes.length })
  } finally {
    files.close(fd)
  }
}
