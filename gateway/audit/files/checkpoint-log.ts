/**
 * The files of signed checkpoints: `checkpoints.log`, to which every one is appended, and
 * `checkpoint`, the newest that was published. In the log, an empty line ends each.
 */
import { join } from 'node:path'
import { parseCheckpoint, type ReadCheckpoint } from '../tree/checkpoint.ts'
import { NOTE_BYTES_MAX } from '../tree/note.ts'
import { asError, readFull, settled, writeAll } from './file-ops.ts'
import type { FilePort } from './file-port.ts'
import { checkSegmentStatus, unavailable } from './segments.ts'

/** The path of the file of all signed checkpoints. */
export function checkpointLogPath(dir: string): string {
  return join(dir, 'checkpoints.log')
}

/** The path of the checkpoint published last. */
export function checkpointPath(dir: string): string {
  return join(dir, 'checkpoint')
}

/** The end of `checkpoints.log`. */
export interface CheckpointLogEnd {
  /** The last whole checkpoint. */
  readonly last: ReadCheckpoint | undefined
  /** Its signed note, as it stands in the file. */
  readonly note: string | undefined
  /** Bytes up to the end of the last whole one; what follows is torn. */
  readonly size: number
  readonly bytes: number
}

const ENTRY_END = '\n\n'

/** Reads the end of the file at `path`. A text is what is wrong with it; it is never torn bytes. */
export function readCheckpointLogEnd(files: FilePort, path: string): CheckpointLogEnd | string {
  const status = files.status(path)
  if (status === undefined) return { last: undefined, note: undefined, size: 0, bytes: 0 }
  if (status.kind !== 'file') return `${path}: is not a regular file`
  const from = Math.max(0, status.size - 2 * NOTE_BYTES_MAX)
  const text = readRange(files, path, from, status.size).toString('latin1')
  const end = text.lastIndexOf(ENTRY_END)
  // A note holds one empty line before its signatures: a torn one may end there.
  const [size, entry] = wholeEntry(text, end)
  if (entry === undefined) {
    if (from > 0) return `${path}: holds no checkpoint at its end`
    return { last: undefined, note: undefined, size: 0, bytes: status.size }
  }
  const note = Buffer.from(entry, 'latin1')
  const last = parseCheckpoint(note)
  if (typeof last === 'string') return `${path}: ${last}`
  return { last, note: note.toString('utf8'), size: from + size, bytes: status.size }
}

/** The last entry that ends before `end`, and where it ends with its empty line. */
function wholeEntry(text: string, end: number): readonly [number, string | undefined] {
  for (let at = end; at >= 0; at = text.lastIndexOf(ENTRY_END, at - 1)) {
    const start = text.lastIndexOf(ENTRY_END, at - 1)
    const signatures = text.slice(start + ENTRY_END.length, at + 1)
    // An em dash in UTF-8, read as Latin-1: what only signature lines begin with.
    if (start < 0 || !signatures.startsWith('\u00e2\u0080\u0094 ')) continue
    const before = text.lastIndexOf(ENTRY_END, start - 1)
    const from = before < 0 ? 0 : before + ENTRY_END.length
    return [at + ENTRY_END.length, text.slice(from, at + 1)]
  }
  return [0, undefined]
}

function readRange(files: FilePort, path: string, from: number, to: number): Buffer {
  const fd = files.openRead(path)
  try {
    return readFull(files, fd, Buffer.alloc(to - from), from)
  } finally {
    files.close(fd)
  }
}

/** The published checkpoint and its note; `undefined` when there is none. A text is what is wrong. */
export function readPublished(
  files: FilePort,
  dir: string,
): { readonly checkpoint: ReadCheckpoint; readonly note: string } | undefined | string {
  const path = checkpointPath(dir)
  const status = files.status(path)
  // Never synced: a power cut may leave it empty, and checkpoints.log has it.
  if (status === undefined || status.size === 0) return undefined
  if (status.kind !== 'file' || status.size > NOTE_BYTES_MAX) return `${path}: is not a checkpoint`
  const bytes = readRange(files, path, 0, status.size)
  const checkpoint = parseCheckpoint(bytes)
  if (typeof checkpoint === 'string') return `${path}: ${checkpoint}`
  return { checkpoint, note: bytes.toString('utf8') }
}

/** Appends to `checkpoints.log`. */
export interface CheckpointLog {
  /** Bytes of whole entries. */
  readonly size: number
  /** Resolves when the note is on disk. After a failure, the file is opened anew. */
  append(note: string): Promise<void>
  close(): void
}

/** Opens the file in `dir` with its whole entries, `size` bytes, creating it when it is not there. */
export function openCheckpointLog(
  files: FilePort,
  options: {
    readonly dir: string
    readonly size: number
    readonly uid?: number | undefined
    readonly fsync: boolean
  },
): CheckpointLog {
  const path = checkpointLogPath(options.dir)
  let { size } = options
  let fd: number | undefined
  let isNameDurable = false
  const reset = () => {
    if (fd !== undefined) files.close(fd)
    fd = undefined
    isNameDurable = false
  }
  const open = (): number => {
    const isNew = files.status(path) === undefined
    if (isNew && size > 0) throw unavailable(`${path}: was removed while it was being written`)
    const opened = files.openAppend(path, isNew)
    fd = opened
    const status = files.statusOf(opened)
    checkSegmentStatus(path, status, options.uid)
    if (status.size < size) throw unavailable(`${path}: was cut while it was being written`)
    // What a failed write left behind is no checkpoint.
    if (status.size > size) files.truncate(opened, size)
    return opened
  }
  return {
    get size() {
      return size
    },
    append: async (note) => {
      try {
        const bytes = Buffer.from(`${note}\n`)
        const to = fd ?? open()
        const status = files.statusOf(to)
        if (status.size !== size || status.links === 0) {
          throw unavailable(`${path}: was changed while it was being written`)
        }
        writeAll(files, to, bytes, { start: 0, end: bytes.length })
        if (options.fsync) {
          await settled((done) => files.sync(to, done))
          if (!isNameDurable) await settled((done) => files.syncDirectory(options.dir, done))
          isNameDurable = true
        }
        size += bytes.length
      } catch (error) {
        reset()
        throw asError(error)
      }
    },
    close: reset,
  }
}
