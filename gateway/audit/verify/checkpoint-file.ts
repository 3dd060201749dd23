/** A checkpoint in a file of its own. */
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
  const bytes = Buffer.alloc(NOTE_BYTES_MAX + 1)
  const fd = files.openRead(path)
  try {
    let filled = 0
    for (;;) {
      const read = files.read(fd, bytes.subarray(filled), filled)
      if (read === 0) return parseCheckpoint(bytes.subarray(0, filled))
      filled += read
    }
  } finally {
    files.close(fd)
  }
}
