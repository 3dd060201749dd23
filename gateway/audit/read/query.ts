/** Finds records in a log, newest first, without reading more of it than needed. */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { systemFiles, type FilePort } from '../files/file-port.ts'
import { readLinesBackward } from '../line/lines.ts'
import { listSegments } from '../files/segments.ts'
import { quote } from '../line/text.ts'

/** A record as read back: every field of the line, unverified. */
export type StoredRecord = Readonly<Record<string, unknown>>

/** How {@link findById} searches. */
export interface FindOptions {
  /** The search ends with the first record of this type: nothing older has the id. */
  readonly until?: string
  /** At most so many records; default 16. */
  readonly countMax?: number
  /** As in a scan: what is given of each record. */
  readonly open?: ((record: StoredRecord) => StoredRecord) | undefined
  readonly files?: FilePort
}

/** Lines looked at between two turns of the event loop. */
const LINES_PER_TURN = 4096

/**
 * The records whose field `id` is `id`, newest first: of a request, its outcome and then its
 * decision. Streams backwards through the segments and holds one block in memory. The chain is not
 * verified here.
 */
export async function findById(
  dir: string,
  id: string,
  options: FindOptions = {},
): Promise<readonly StoredRecord[]> {
  const { until = 'decision', countMax = 16, files = systemFiles } = options
  const found: StoredRecord[] = []
  for (const { path } of [...listSegments(files, dir).segments].reverse()) {
    for await (const record of recordsWith(files, path, id)) {
      found.push(options.open?.(record) ?? record)
      if (record['type'] === until || found.length >= countMax) return found
    }
  }
  return found
}

async function* recordsWith(
  files: FilePort,
  path: string,
  id: string,
): AsyncGenerator<StoredRecord, void> {
  const mark = Buffer.from(`"id":${quote(id)}`)
  let lines = 0
  for (const line of readLinesBackward(files, path)) {
    if (++lines % LINES_PER_TURN === 0) await nextTurn()
    // Bytes are compared first: few lines are worth parsing.
    const record = line.includes(mark) ? parse(line) : undefined
    if (record?.['id'] === id) yield record
  }
}

function parse(line: Buffer): StoredRecord | undefined {
  try {
    return JSON.parse(line.toString('utf8')) as StoredRecord
  } catch {
    return undefined
  }
}
