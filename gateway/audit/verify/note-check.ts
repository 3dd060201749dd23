/** Compares the checkpoints of a log with its records, one after another, as the tree grows. */
import type { FilePort } from '../files/file-port.ts'
import type { LogFault } from './fault.ts'
import { judgeCheckpoint, readyKeys, type Judged, type ReadyKey } from './keys.ts'
import { readNotes, type NoteFault, type NotePlace, type StoredNote } from './notes.ts'
import type { NotesFile, WalkPlan } from './walk-job.ts'

/** The tree at the moment of a comparison. */
export interface TreeNow {
  readonly size: number
  /** Origin of the records so far; `undefined` before the first. */
  readonly log: string | undefined
  /** Size of the last checkpoint that fitted. */
  readonly proven: number
  /** `undefined` when the tree is not known. */
  root(): Buffer | undefined
}

/** A checkpoint that is signed as it must be, and fits. */
export interface FittingNote extends Judged {
  readonly note: StoredNote
}

/** See the head of this file. */
export interface NoteCheck {
  readonly places: readonly NotePlace[]
  /** Whether each file has a checkpoint to come. */
  readonly isAhead: boolean
  /** Compares the checkpoints of exactly this size; `onFit` is told of each. */
  at(tree: TreeNow, onFit: (fit: FittingNote) => void): LogFault | undefined
  /** The fault that a checkpoint larger than the whole log is; `undefined` when none is left. */
  beyond(tree: TreeNow): LogFault | undefined
  close(): void
}

interface Cursor {
  readonly file: NotesFile
  readonly notes: Iterator<StoredNote | NoteFault, void>
  next: StoredNote | NoteFault | undefined
  place: NotePlace
}

/** Begins at `places` of the files of the plan. */
export function createNoteCheck(
  files: FilePort,
  plan: WalkPlan,
  places: readonly NotePlace[],
): NoteCheck {
  const keys = readyKeys(plan.keys)
  const witnesses = readyKeys(plan.witnesses)
  const cursors = plan.notesFiles.map((file, index) => openCursor(files, file, places[index]))
  return {
    get places() {
      return cursors.map(({ place }) => place)
    },
    get isAhead() {
      return cursors.every(({ file, next }) => !file.isOwn || next !== undefined)
    },
    at(tree, onFit) {
      for (const cursor of cursors) {
        for (let { next } = cursor; next !== undefined; next = cursor.next) {
          if ('size' in next && next.size > tree.size) break
          const judged = judgeNext(cursor, next, { tree, keys, witnesses })
          if ('class' in judged) return judged
          onFit(judged)
          advance(cursor, judged.note)
        }
      }
      return undefined
    },
    beyond(tree) {
      for (const cursor of cursors) {
        const { next } = cursor
        if (next === undefined) continue
        const judged = signaturesOf(cursor, next, { tree, keys, witnesses })
        if ('class' in judged) return judged
        const { size } = judged.note
        const message = `a checkpoint speaks for ${size} records, the log ends after ${tree.size}`
        return { ...placeOf(cursor, next), class: 'truncated', seq: tree.size, message }
      }
      return undefined
    },
    close: () => {
      for (const { notes } of cursors) notes.return?.()
    },
  }
}

function openCursor(files: FilePort, file: NotesFile, from: NotePlace | undefined): Cursor {
  const place = from ?? { offset: 0, line: 1 }
  const notes = readNotes(files, file.path, { from: place, until: file.until })
  return { file, notes, next: nextOf(notes), place }
}

function advance(cursor: Cursor, { end }: StoredNote): void {
  cursor.place = end
  cursor.next = nextOf(cursor.notes)
}

function nextOf(notes: Iterator<StoredNote | NoteFault, void>): StoredNote | NoteFault | undefined {
  const { done, value } = notes.next()
  return done === true ? undefined : value
}

interface Against {
  readonly tree: TreeNow
  readonly keys: readonly ReadyKey[]
  readonly witnesses: readonly ReadyKey[]
}

function judgeNext(
  cursor: Cursor,
  next: StoredNote | NoteFault,
  against: Against,
): FittingNote | LogFault {
  const { tree } = against
  const judged = signaturesOf(cursor, next, against)
  if ('class' in judged) return judged
  const { note } = judged
  const fault = { ...placeOf(cursor, next), seq: tree.proven }
  // In the log's own file each is larger than the one before; cosigned copies may repeat a size.
  const isRepeated = cursor.file.isOwn && note.size === tree.proven && cursor.place.offset > 0
  if (note.size < tree.size || isRepeated) {
    const message = `a checkpoint of size ${note.size} stands where a larger one belongs`
    return { ...fault, class: 'checkpoint', seq: note.size, message }
  }
  const root = tree.root()
  if (root === undefined) {
    return { ...fault, class: 'tile', message: 'the hashes of the records removed are missing' }
  }
  if (root.equals(note.root)) return judged
  const message = `records ${tree.proven} to ${tree.size - 1} are not those that were signed`
  return { ...fault, class: 'root', message }
}

function signaturesOf(
  cursor: Cursor,
  next: StoredNote | NoteFault,
  { tree, keys, witnesses }: Against,
): FittingNote | LogFault {
  const fault = { ...placeOf(cursor, next), seq: tree.proven }
  if ('message' in next) return { ...fault, class: 'checkpoint', message: next.message }
  if (next.origin !== (tree.log ?? next.origin)) {
    const message = `a checkpoint of log ${next.origin}, not ${tree.log}`
    return { ...fault, class: 'origin', message }
  }
  const judged = judgeCheckpoint(next, keys, witnesses)
  if (typeof judged === 'string') return { ...fault, class: 'signature', message: judged }
  if (keys.length > 0 && !judged.isSigned) {
    const message = `no key that was valid at size ${next.size} has signed the checkpoint`
    return { ...fault, class: 'signature', message }
  }
  return { ...judged, note: next }
}

function placeOf({ file }: Cursor, next: StoredNote | NoteFault): Pick<LogFault, 'file' | 'line'> {
  return { file: file.path, line: 'message' in next ? next.place.line : next.start.line }
}
