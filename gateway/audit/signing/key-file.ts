/** Private keys of signed notes in files that nobody else may read, away from what they sign. */
import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readFileSync,
  realpathSync,
  type Stats,
} from 'node:fs'
import { relative, sep } from 'node:path'
import { GatewayError } from '../../domain/errors.ts'
import { parseSkey, type NoteKeyType, type NoteSigner } from '../tree/note.ts'
import { createFile } from '../files/durable-file.ts'

/** Which file holds a key, and what must be so. */
export interface KeyFile {
  readonly path: string
  /** The user the process runs as; `undefined` where the platform has no users. */
  readonly uid: number | undefined
  /** Groups of the process; without them, only a file of root's can be known to be of one of them. */
  readonly groups?: readonly number[] | undefined
  readonly type: NoteKeyType
  /** The name it must have, such as the origin of a log. */
  readonly name?: string
  /** A directory the key must not be in: whoever gets a copy of the log must not get its key. */
  readonly apartFrom?: string
}

const FILE_BYTES_MAX = 4096

/**
 * The key in a file. What is opened is what is checked: a regular file of this user or of root, that
 * nobody else may write to, nor read but a group of this process: secrets that Kubernetes mounts for a
 * user who is not root are of root, and of the group of the pod (`fsGroup`), 0440.
 *
 * @throws ERR_CONFIG_UNREADABLE with what to do about it; the message never quotes the key
 */
export function readKeyFile(file: KeyFile): NoteSigner {
  const signer = parseSkey(readPrivate(file))
  if (typeof signer === 'string') throw unusable(file.path, `is ${articled(signer)}`)
  const { name, type } = signer.verifier
  if (type !== file.type) {
    const [is, should] = file.type === 'ed25519' ? ['a witness', 'a log'] : ['a log', 'a witness']
    throw unusable(file.path, `holds the key of ${is}, and not of ${should}`)
  }
  if (file.name !== undefined && name !== file.name) {
    throw unusable(file.path, `is a key of ${name}, and not of ${file.name}`)
  }
  return signer
}

function articled(problem: string): string {
  return problem.startsWith('not ') ? problem : `not usable: ${problem}`
}

/** Whether others than this process may use what is in the file. */
function isShared(status: Stats, uid: number, groups: readonly number[] | undefined): boolean {
  if ((status.mode & GROUP_READS) === 0) return (status.mode & ANYBODY_ELSE) !== 0
  // A file of somebody else that could be opened, and not by everybody, was opened as its group.
  const isOfOurs = groups?.includes(status.gid) ?? status.uid !== uid
  return !isOfOurs || (status.mode & ANYBODY_ELSE & ~GROUP_READS) !== 0
}

const GROUP_READS = 0o040
const ANYBODY_ELSE = 0o077

function readPrivate({ path, uid, groups, apartFrom }: KeyFile): string {
  let fd: number
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for a writer for ever.
    fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    throw unusable(path, 'cannot be opened; write one: modelgate audit keygen', error)
  }
  try {
    const status = fstatSync(fd)
    if (!status.isFile() || status.size > FILE_BYTES_MAX) throw unusable(path, 'is no key file')
    if (uid !== undefined && isShared(status, uid, groups)) {
      const mode = (status.mode & 0o777).toString(8).padStart(4, '0')
      throw unusable(path, `has mode ${mode}, so that others can use the key; run chmod 600 on it`)
    }
    if (uid !== undefined && status.uid !== uid && status.uid !== 0) {
      throw unusable(path, `belongs to uid ${status.uid}, this process runs as ${uid}`)
    }
    if (apartFrom !== undefined && isWithin(path, apartFrom)) {
      throw unusable(path, `is in ${apartFrom}, with the ledger that it signs; keep it elsewhere`)
    }
    return readFileSync(fd, 'utf8')
  } finally {
    closeSync(fd)
  }
}

/** Whether `path` is below `dir`, links resolved. */
function isWithin(path: string, dir: string): boolean {
  let base: string
  try {
    base = realpathSync(dir)
  } catch {
    // What is not there holds nothing.
    return false
  }
  const way = relative(base, realpathSync(path))
  return way !== '..' && !way.startsWith(`..${sep}`)
}

/**
 * Writes a new private key to `path` (0600) and its public key to `path.pub` (0644), on disk. Nothing
 * is ever overwritten.
 *
 * @returns the path of the public key
 * @throws ERR_USAGE when one of the files exists or cannot be written
 */
export function writeKeyFiles(path: string, privateKey: string, publicKey: string): string {
  const publicPath = `${path}.pub`
  try {
    createFile(path, `${privateKey}\n`, 0o600)
    createFile(publicPath, `${publicKey}\n`, 0o644)
  } catch (error) {
    const { code = 'ERROR', path: at = path } = error as NodeJS.ErrnoException
    const why =
      code === 'EEXIST' ? 'exists; a key is never overwritten' : `cannot be written (${code})`
    throw new GatewayError('ERR_USAGE', `${at} ${why}`, { cause: error })
  }
  return publicPath
}

function unusable(path: string, problem: string, cause?: unknown): GatewayError {
  return new GatewayError('ERR_CONFIG_UNREADABLE', `key file ${path} ${problem}`, { cause })
}
