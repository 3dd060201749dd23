/** How far a sink has come, in `cursors/<sink>.json`: `{"seq":41,"hash":"<leaf hash>"}`. */
import { join } from 'node:path'
import { readJson, settled, writeAll } from '../files/file-ops.ts'
import type { FilePort } from '../files/file-port.ts'
import type { LogPosition } from '../line/chain.ts'

/** Remembers a position over restarts. */
export interface Cursor {
  /** `undefined` when there is none, or it cannot be read. */
  load(): LogPosition | undefined
  /** On disk, whole or not at all. Calls must not overlap. */
  save(position: LogPosition): Promise<void>
}

const CURSOR_BYTES_MAX = 256

/** The cursor of the sink `name` of the log in `dir`. */
export function createCursor(files: FilePort, dir: string, name: string): Cursor {
  const directory = join(dir, 'cursors')
  const path = join(directory, `${name}.json`)
  return {
    load: () => positionIn(readJson(files, path, CURSOR_BYTES_MAX)),
    async save({ seq, hash }) {
      const next = `${path}.tmp`
      files.makeDirectory(directory)
      // Left behind by a process that was killed.
      if (files.status(next) !== undefined) files.remove(next)
      const fd = files.openAppend(next, true)
      try {
        const text = Buffer.from(`${JSON.stringify({ seq, hash })}\n`)
        writeAll(files, fd, text, { start: 0, end: text.length })
        await settled((done) => files.sync(fd, done))
      } finally {
        files.close(fd)
      }
      files.rename(next, path)
    },
  }
}

function positionIn(value: unknown): LogPosition | undefined {
  const { seq, hash } = (value ?? {}) as Readonly<Record<string, unknown>>
  if (!Number.isSafeInteger(seq) || Number(seq) < -1 || typeof hash !== 'string') return undefined
  return { seq: Number(seq), hash }
}
