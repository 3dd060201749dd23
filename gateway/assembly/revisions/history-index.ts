import { mkdir, open, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { FILE_MODE, FOLDER_MODE, isPlainText, readBounded } from './files.ts'
import { isRevision } from './revision.ts'

/** What put a rule set in force. */
const CAUSES = ['start', 'file', 'signal', 'api', 'rollback'] as const

/** One of {@link CAUSES}. */
export type Cause = (typeof CAUSES)[number]

/** One line of the history: a rule set that came into force. */
export interface HistoryEntry {
  readonly revision: string
  /** ISO 8601. */
  readonly at: string
  readonly how: Cause
  /** A subject (`user:corp/jo`), or the user of the operating system (`os:jo`). */
  readonly by: string
  /** What was in force before; `null` for the first. */
  readonly previous: string | null
  /** Number of rules. */
  readonly rules: number
  /** What the operator gave as the reason, where there was one. */
  readonly reason?: string
}

/** The order in which rule sets came into force, append-only: one JSON object per line. */
export interface HistoryIndex {
  /** Oldest first. Lines that cannot be read (a torn last one) are left out. */
  read(): Promise<readonly HistoryEntry[]>
  /** @throws Error when it cannot be written */
  append(entry: HistoryEntry): Promise<void>
}

const NAME = 'history.jsonl'
const OLDER = 'history.1.jsonl'
/** Past this a new file is begun; one older is kept. Some 20,000 entries each. */
const FILE_BYTES_MAX = 8 * 1024 * 1024
const TEXT_MAX = 1_024

/** The history in `dir`. */
export function createHistoryIndex(dir: string): HistoryIndex {
  const path = join(dir, NAME)
  return {
    async read() {
      const texts = await Promise.all(
        [join(dir, OLDER), path].map((one) => readBounded(one, 2 * FILE_BYTES_MAX)),
      )
      return texts.flatMap((text) => (text ?? '').split('\n').flatMap(entryOf))
    },
    async append(entry) {
      await mkdir(dir, { recursive: true, mode: FOLDER_MODE })
      const found = await stat(path).catch(() => undefined)
      if ((found?.size ?? 0) > FILE_BYTES_MAX) await rename(path, join(dir, OLDER))
      await appendLine(path, JSON.stringify(entry))
    },
  }
}

/** A half-written line before it, from a crash, must not swallow this one. */
async function appendLine(path: string, line: string): Promise<void> {
  const file = await open(path, 'a+', FILE_MODE)
  try {
    const { size } = await file.stat()
    const last = Buffer.alloc(1)
    if (size > 0) await file.read(last, 0, 1, size - 1)
    const isTorn = size > 0 && last[0] !== 0x0a
    await file.appendFile(`${isTorn ? '\n' : ''}${line}\n`)
    await file.datasync()
  } finally {
    await file.close()
  }
}

function entryOf(line: string): readonly HistoryEntry[] {
  if (line === '') return []
  try {
    const value = JSON.parse(line) as Partial<HistoryEntry> | null
    return value !== null && isEntry(value) ? [value] : []
  } catch {
    return []
  }
}

function isEntry(value: Partial<HistoryEntry>): value is HistoryEntry {
  const { revision, at, how, by, previous, rules, reason = '' } = value
  const texts = [revision, at, by, reason]
  return (
    texts.every((text) => typeof text === 'string' && isPlainText(text, TEXT_MAX)) &&
    typeof revision === 'string' &&
    isRevision(revision) &&
    (previous === null || (typeof previous === 'string' && isRevision(previous))) &&
    CAUSES.some((cause) => cause === how) &&
    Number.isSafeInteger(rules)
  )
}
