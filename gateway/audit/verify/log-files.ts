/**
 * What a log has on disk at the moment a verification begins. Checkpoints are looked at before the
 * records that they speak for: a gateway that writes meanwhile is only ever ahead of them.
 */
import { join } from 'node:path'
import { checkpointLogPath, checkpointPath, readPublished } from '../files/checkpoint-log.ts'
import { WITNESS_LOG_FILE, WITNESSED_FILE } from '../signing/witnessed-files.ts'
import { readCheckpointFile } from './checkpoint-file.ts'
import type { FilePort } from '../files/file-port.ts'
import { listSegments, segmentDirectory, type SegmentFile } from '../files/segments.ts'
import type { ReadCheckpoint } from '../tree/checkpoint.ts'
import type { LogFault } from './fault.ts'
import { listTiles, type TileListing } from './tile-list.ts'
import { missingTile } from './tile-check.ts'
import type { NotesFile } from './walk-job.ts'

/** See the head of this file. */
export interface LogFiles {
  readonly published: { readonly checkpoint: ReadCheckpoint; readonly note: string } | undefined
  /** The newest checkpoint that witnesses have signed too. */
  readonly witnessed: ReadCheckpoint | undefined
  readonly notesFiles: readonly NotesFile[]
  readonly segments: readonly SegmentFile[]
  /** Bytes of each segment. */
  readonly sizes: readonly number[]
  readonly tiles: TileListing
  /** Directories that something was moved aside to. */
  readonly damaged: readonly string[]
  /** What is wrong with the files as such. */
  readonly fault: LogFault | undefined
}

/** Lists the files of the log in `dir`. Throws what the file system throws. */
export function readLogFiles(files: FilePort, dir: string): LogFiles {
  const published = readPublished(files, dir)
  const cosigned = readCheckpointFile(files, join(dir, WITNESSED_FILE))
  const own = notesFile(files, checkpointLogPath(dir), true)
  const others = notesFile(files, join(dir, WITNESS_LOG_FILE), false)
  const tiles = listTiles(files, dir)
  const hasSegments = files.status(segmentDirectory(dir)) !== undefined
  const { segments, strangers } = hasSegments
    ? listSegments(files, dir)
    : { segments: [], strangers: [] }
  const known = {
    published: typeof published === 'object' ? published : undefined,
    witnessed: typeof cosigned === 'object' ? cosigned : undefined,
    notesFiles: [own, others].filter((file) => file !== undefined),
    segments,
    sizes: segments.map(({ path }) => files.status(path)?.size ?? 0),
    tiles,
    damaged: files.list(dir).filter((name) => name.startsWith('damaged-')),
  }
  return { ...known, fault: fileFault(dir, { published, cosigned, own, tiles, strangers }) }
}

function notesFile(files: FilePort, path: string, isOwn: boolean): NotesFile | undefined {
  const status = files.status(path)
  return status?.kind === 'file' ? { path, until: status.size, isOwn } : undefined
}

interface Found {
  readonly published: ReturnType<typeof readPublished>
  readonly cosigned: ReadCheckpoint | string | undefined
  readonly own: NotesFile | undefined
  readonly tiles: TileListing
  readonly strangers: readonly string[]
}

function fileFault(
  dir: string,
  { published, cosigned, own, tiles, strangers }: Found,
): LogFault | undefined {
  const at = (kind: LogFault['class'], file: string, message: string): LogFault => ({
    class: kind,
    file,
    line: 0,
    seq: 0,
    message,
  })
  if (typeof published === 'string') return at('checkpoint', checkpointPath(dir), published)
  if (typeof cosigned === 'string') return at('checkpoint', join(dir, WITNESSED_FILE), cosigned)
  const alone = unaccompanied(dir, published !== undefined, own?.until ?? 0)
  if (alone !== undefined) return at('checkpoint', ...alone)
  const [stranger] = strangers
  if (stranger !== undefined) return at('segment', stranger, 'the file is not a segment')
  if (tiles.stranger === undefined) return undefined
  return at('tile', tiles.stranger, 'the file is not a tile')
}

/** A tile that the published checkpoint needs is not there. Its signature comes first. */
export function missingTileFault(
  files: FilePort,
  dir: string,
  { published }: LogFiles,
): LogFault | undefined {
  const file = missingTile(files, dir, published?.checkpoint.size ?? 0)
  if (file === undefined) return undefined
  return { class: 'tile', file, line: 0, seq: 0, message: 'the tile is missing' }
}

/** Of the two files of checkpoints, one without the other. */
function unaccompanied(
  dir: string,
  isPublished: boolean,
  bytes: number,
): readonly [string, string] | undefined {
  if (isPublished === bytes > 0) return undefined
  return isPublished
    ? [checkpointLogPath(dir), 'the file of all checkpoints is missing']
    : [checkpointPath(dir), 'the published checkpoint is missing']
}
