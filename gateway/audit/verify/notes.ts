/** Reads a file of checkpoints, `checkpoints.log`, one after another, in bounded memory. */
import { openedIfCan } from '../files/file-ops.ts'
import type { FilePort } from '../files/file-port.ts'
import { parseCheckpoint, type ReadCheckpoint } from '../tree/checkpoint.ts'
import { NOTE_BYTES_MAX } from '../tree/note.ts'

/** One checkpoint of the file. */
export interface StoredNote extends ReadCheckpoint {
  /** The note as it stands there. */
  readonly bytes: Buffer
  /** Where it begins, and where the next one does. */
  readonly start: NotePlace
  readonly end: NotePlace
}

/** A place in the file. */
export interface NotePlace {
  readonly offset: number
  /** From 1. */
  readonly line: number
}

/** The beginning of the file. */
export const FIRST_NOTE: NotePlace = { offset: 0, line: 1 }

/** What is wrong at `place`. */
export interface NoteFault {
  readonly place: NotePlace
  readonly message: string
}

const BLOCK_BYTES = 64 * 1024
const BLANK = Buffer.from('\n\n')

/** The checkpoints of the file at `path` from `from` up to byte `until`; ends with a fault, if any. */
export function* readNotes(
  files: FilePort,
  path: string,
  { from, until }: { readonly from: NotePlace; readonly until: number },
): Generator<StoredNote | NoteFault, void> {
  if (from.offset >= until) return
  const fd = files.openRead(path)
  try {
    let place = from
    let held: Buffer = Buffer.alloc(0)
    for (let position = place.offset; ;) {
      const length = noteLength(held)
      if (length !== undefined) {
        const read = readNote(held.subarray(0, length), place)
        yield read
        if ('message' in read) return
        place = read.end
        held = held.subarray(length)
        continue
      }
      const fault = held.length > NOTE_BYTES_MAX ? 'longer than a checkpoint' : undefined
      const block = Buffer.alloc(Math.max(0, Math.min(BLOCK_BYTES, until - position)))
      const count = fault !== undefined || block.length === 0 ? 0 : files.read(fd, block, position)
      if (count === 0) {
        if (fault !== undefined || held.length > 0) {
          yield { place, message: fault ?? 'the last checkpoint is not whole' }
        }
        return
      }
      position += count
      held = Buffer.concat([held, block.subarray(0, count)])
    }
  } finally {
    files.close(fd)
  }
}

/** Text, an empty line, signatures, an empty line; `undefined` while the end is not there. */
function noteLength(held: Buffer): number | undefined {
  const text = held.indexOf(BLANK)
  if (text === -1) return undefined
  const signatures = held.indexOf(BLANK, text + BLANK.length)
  return signatures === -1 ? undefined : signatures + BLANK.length
}

function readNote(whole: Buffer, start: NotePlace): StoredNote | NoteFault {
  const bytes = Buffer.from(whole.subarray(0, -1))
  const checkpoint = parseCheckpoint(bytes)
  if (typeof checkpoint === 'string') return { place: start, message: checkpoint }
  const lines = bytes.toString('latin1').split('\n').length
  const end = { offset: start.offset + whole.length, line: start.line + lines }
  return { ...checkpoint, bytes, start, end }
}

/** The size of the checkpoint that ends, with its empty line, at byte `end`; `undefined` when none does. */
export function sizeOfNoteBefore(files: FilePort, path: string, end: number): number | undefined {
  const from = Math.max(0, end - BLOCK_BYTES)
  const block = Buffer.alloc(Math.max(0, end - from))
  const fd = openedIfCan(files, path)
  if (fd === undefined) return undefined
  try {
    if (files.read(fd, block, from) < block.length) return undefined
  } finally {
    files.close(fd)
  }
  const parts = block.toString('utf8').split('\n\n')
  const size = parts.at(-1) === '' ? parts.at(-3)?.split('\n')[1] : undefined
  return size === undefined || !/^\d{1,16}$/.test(size) ? undefined : Number(size)
}
