/** Where a sink goes on. */
import type { FilePort } from '../files/file-port.ts'
import { listSegments } from '../files/segments.ts'
import type { LogPosition } from '../line/chain.ts'
import { readLinesBackward } from '../line/lines.ts'
import { TailGap, type Tail } from './tail.ts'

/** What is looked at. */
export interface StartOptions {
  readonly files: FilePort
  readonly dir: string
  readonly tail: Tail
  /** What the sink remembers. */
  readonly cursor: LogPosition | undefined
  /** The last record written. */
  readonly head: LogPosition
  readonly lagMax: number
}

/** The last record that counts as sent. */
export interface StartPosition {
  readonly sent: LogPosition
  /** Records that may never have been sent and will not be. */
  readonly skipped?: { readonly from: number; readonly to: number }
}

/**
 * After the cursor. Without one (a new sink), at the beginning of this run of the gateway: what was
 * before is exported, not sent. When the ledger does not continue what the cursor names, because it
 * was restored or cut, as far back as records may wait: sent twice rather than not at all.
 */
export function startPosition(options: StartOptions): StartPosition {
  const { cursor, head, lagMax } = options
  if (cursor === undefined) return { sent: startOfRun(options) }
  if (isContinued(options, cursor)) return { sent: cursor }
  const oldest = listSegments(options.files, options.dir).segments[0]?.firstSeq ?? 0
  const first = Math.max(oldest, head.seq - lagMax + 1)
  const sent = { seq: first - 1, hash: '' }
  return first === oldest ? { sent } : { sent, skipped: { from: oldest, to: first - 1 } }
}

function isContinued({ tail, head }: StartOptions, cursor: LogPosition): boolean {
  if (cursor.seq > head.seq) return false
  if (cursor.hash === '') return true
  if (cursor.seq === head.seq) return cursor.hash === head.hash
  try {
    tail.readAfter(cursor, { recordsMax: 1, bytesMax: 1, seqMax: head.seq })
    return true
  } catch (error) {
    // Pruned: what was cut off is told when it is reached.
    return error instanceof TailGap
  }
}

/** Records that the ledger may have written of itself before any sink was started. */
const FIRST_RECORDS_MAX = 1_000

function startOfRun({ files, dir, head }: StartOptions): LogPosition {
  let left = FIRST_RECORDS_MAX
  for (const { path } of [...listSegments(files, dir).segments].reverse()) {
    for (const line of readLinesBackward(files, path)) {
      const beginning = line.toString('latin1', 0, 600)
      const seq = /"seq":(\d{1,16}),/.exec(beginning)?.[1]
      if (beginning.includes('"type":"log.opened"') && seq !== undefined) {
        return { seq: Number(seq) - 1, hash: '' }
      }
      if (--left === 0) return head
    }
  }
  return head
}
