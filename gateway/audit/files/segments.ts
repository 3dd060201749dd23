/** Names and order of the files of a log, and which files it is safe to write to. */
import { join } from 'node:path'
import { GatewayError } from '../../domain/errors.ts'
import type { FilePort, FileStatus } from './file-port.ts'

/** A segment file, `seg/<first seq in 16 digits>.jsonl`. */
export interface SegmentFile {
  readonly path: string
  readonly firstSeq: number
}

const SEGMENT_NAME = /^(\d{16})\.jsonl$/
const ASIDE_NAME = /^\d{16}\.jsonl\.torn(\.\d{1,4})?$/
const ASIDE_FILES_MAX = 1000

/** The directory of the segments of the log in `dir`. */
export function segmentDirectory(dir: string): string {
  return join(dir, 'seg')
}

/** The path of the segment whose first record is `firstSeq`. */
export function segmentPath(dir: string, firstSeq: number): string {
  return join(segmentDirectory(dir), `${String(firstSeq).padStart(16, '0')}.jsonl`)
}

/** The segments of the log in `dir`, oldest first, and names that have no business there. */
export function listSegments(
  files: FilePort,
  dir: string,
): { readonly segments: readonly SegmentFile[]; readonly strangers: readonly string[] } {
  const segments: SegmentFile[] = []
  const strangers: string[] = []
  for (const name of files.list(segmentDirectory(dir)).sort()) {
    const path = join(segmentDirectory(dir), name)
    const digits = SEGMENT_NAME.exec(name)?.[1]
    if (digits !== undefined) segments.push({ path, firstSeq: Number.parseInt(digits, 10) })
    else if (!ASIDE_NAME.test(name)) strangers.push(path)
  }
  return { segments, strangers }
}

/** A name that is free for what is taken out of `path`: `<path>.torn`, `<path>.torn.1`, … */
export function asidePath(files: FilePort, path: string): string {
  for (let i = 0; i < ASIDE_FILES_MAX; i++) {
    const aside = i === 0 ? `${path}.torn` : `${path}.torn.${i}`
    if (files.status(aside) === undefined) return aside
  }
  throw unavailable(`${path}.torn: ${ASIDE_FILES_MAX} such files exist; move them away`)
}

/**
 * Creates `dir` and `dir/seg`, 0700, or checks that what is there is a directory, not a link, that
 * belongs to `uid` (when known) and that nobody else may write to.
 *
 * @throws ERR_AUDIT_UNAVAILABLE
 */
export function prepareDirectories(files: FilePort, dir: string, uid: number | undefined): void {
  for (const path of [dir, segmentDirectory(dir)]) {
    files.makeDirectory(path)
    const status = files.status(path)
    if (status?.kind !== 'directory') {
      throw unavailable(`${path}: is not a directory (symbolic links are not followed)`)
    }
    refuseShared(path, status, uid)
  }
}

/**
 * Checks that an open segment is a regular file with one name that only its owner may write to:
 * whoever can swap or share it can write our history.
 *
 * @throws ERR_AUDIT_UNAVAILABLE
 */
export function checkSegmentStatus(
  path: string,
  status: FileStatus,
  uid: number | undefined,
): void {
  if (status.kind !== 'file') throw unavailable(`${path}: is not a regular file`)
  if (status.links !== 1) throw unavailable(`${path}: has ${status.links} names (hard links)`)
  refuseShared(path, status, uid)
}

function refuseShared(path: string, status: FileStatus, uid: number | undefined): void {
  const mode = status.mode.toString(8).padStart(4, '0')
  if ((status.mode & 0o022) !== 0) {
    throw unavailable(`${path}: mode ${mode} lets others write; use a directory with mode 0700`)
  }
  if (uid !== undefined && status.uid !== uid) {
    throw unavailable(`${path}: belongs to uid ${status.uid}, this process runs as ${uid}`)
  }
}

/** The error of this room. `message` goes to the operator, never to a caller. */
export function unavailable(message: string, cause?: unknown): GatewayError {
  return new GatewayError('ERR_AUDIT_UNAVAILABLE', `audit log unavailable: ${message}`, {
    cause,
    publicMessage: 'The decision could not be recorded.',
  })
}
