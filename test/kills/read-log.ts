/** What is in the files of a log whose writer was killed, read by the format and not by the reader. */
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseCheckpoint } from '../../gateway/audit/tree/checkpoint.ts'
import { CompactRange } from '../../gateway/audit/tree/compact-range.ts'
import { verifyNote, type NoteVerifier } from '../../gateway/audit/tree/note.ts'

/** A log as it lies there. */
export interface FoundLog {
  /** All of it, in order. */
  readonly records: readonly FoundRecord[]
  /** Where the decision with an `id` is. */
  readonly seqOf: ReadonlyMap<string, number>
  /** Records that the last whole checkpoint in `checkpoints.log` covers. */
  readonly signedSize: number
  /** Bytes after the last whole line. */
  readonly tornBytes: number
  readonly faults: readonly string[]
}

/** One line, parsed. */
export type FoundRecord = Readonly<Record<string, unknown>>

/** Reads all of it. Faults are of what is whole: numbers, links, roots and signatures. */
export function readLog(dir: string, verifier: NoteVerifier): FoundLog {
  const faults: string[] = []
  const { lines, tornBytes } = readSegments(dir)
  const seqOf = new Map<string, number>()
  const records: FoundRecord[] = []
  const leaves: Buffer[] = []
  let prev = createHash('sha256').digest('base64')
  for (const [seq, line] of lines.entries()) {
    const record = JSON.parse(line) as FoundRecord
    records.push(record)
    if (record['seq'] !== seq) faults.push(`record ${String(record['seq'])} where ${seq} belongs`)
    if (record['prev'] !== prev) faults.push(`record ${seq} is not linked to the one before`)
    // What came of a request is told under the id of its decision.
    if (record['type'] === 'decision' && typeof record['id'] === 'string') {
      if (seqOf.has(record['id'])) faults.push(`record ${seq} is there twice`)
      seqOf.set(record['id'], seq)
    }
    const leaf = createHash('sha256').update(`\0${line}`).digest()
    prev = leaf.toString('base64')
    leaves.push(leaf)
  }
  const signedSize = checkNotes({ dir, verifier, leaves, faults })
  return { records, seqOf, tornBytes, signedSize, faults }
}

function readSegments(dir: string): { lines: string[]; tornBytes: number } {
  const folder = join(dir, 'seg')
  const lines: string[] = []
  let tornBytes = 0
  if (!existsSync(folder)) return { lines, tornBytes }
  const names = readdirSync(folder).filter((name) => name.endsWith('.jsonl'))
  for (const name of names.sort()) {
    const some = readFileSync(join(folder, name), 'utf8').split('\n')
    tornBytes += Buffer.byteLength(some.pop() ?? '')
    lines.push(...some)
  }
  return { lines, tornBytes }
}

/** Every whole checkpoint: its signature and its root. Gives the size of the last. */
function checkNotes(found: {
  readonly dir: string
  readonly verifier: NoteVerifier
  readonly leaves: readonly Buffer[]
  readonly faults: string[]
}): number {
  const { dir, verifier, leaves, faults } = found
  const path = join(dir, 'checkpoints.log')
  if (!existsSync(path)) return 0
  const parts = readFileSync(path, 'utf8').split('\n\n')
  const tree = new CompactRange()
  let size = 0
  // A text, its signatures, a text, its signatures, and what is torn or nothing.
  for (let at = 0; at + 2 < parts.length; at += 2) {
    const note = parseCheckpoint(Buffer.from(`${parts[at] ?? ''}\n\n${parts[at + 1] ?? ''}\n`))
    if (typeof note === 'string') {
      faults.push(`checkpoints.log: ${note}`)
      break
    }
    const signed = verifyNote(note.note, [verifier])
    if (typeof signed === 'string' || signed.length !== 1) faults.push('a signature is wrong')
    if (note.size > leaves.length) {
      faults.push(`${note.size} records are signed, ${leaves.length} are there`)
      break
    }
    for (const leaf of leaves.slice(tree.size, note.size)) tree.append(leaf)
    if (!tree.root().equals(note.root)) faults.push(`the root of size ${note.size} is wrong`)
    size = note.size
  }
  return size
}
