/** A checkpoint in a file of its own. */
import { readFull } from '../files/file-ops.ts'
import type { FilePort } from '../files/file-port.ts'
import { parseCheckpoint, type ReadCheckpoint } from '../tree/checkpoint.ts'
import { NOTE_BYTES_MAX } from '../tree/note.ts'

/** Reads it; `undefined` when the file is missing or empty. A text is what is wrong with it. */
export function readCheckpointFile(
  files: FilePort,
  path: string,
): ReadCheckpoint | string | undefined {
  const status = files.status(path)
  if (status === undefined || status.size === 0) return undefined
  if (status.kind !== 'file') return 'is not a regular file'
  const fd = files.openRead(path)
  try {
    return parseCheckpoint(readFull(files, fd, Buffer.alloc(NOTE_BYTES_MAX + 1), 0))
  } finally {
    files.close(fd)
  }
}
