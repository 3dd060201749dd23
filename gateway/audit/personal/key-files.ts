/**
 * The keys of persons, a file each, in a directory outside of the ledger (0700, files 0600):
 *
 *     sub/<SHA-256 of the subject>   found by whoever knows the subject
 *     id/<key id>                    the same file by its second name, found from a record
 *     erasing/<key id>               being destroyed; an erasure that broke off is finished first
 *     erased                         `<time> <key id>`, a line for each key that was destroyed
 *
 * A key file holds `{"v":1,"kid":"…","key":"<base64>"}` and not whose it is.
 */
import { hash, randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  fstatSync,
  fsyncSync,
  linkSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  unlinkSync,
  writeSync,
} from 'node:fs'
import { join } from 'node:path'
import { removeIfThere } from '../files/durable-file.ts'
import { unavailable } from '../files/segments.ts'
import { isKeyId, type PersonKey } from './sealed.ts'

const KEY_BYTES = 32
const FILE_BYTES_MAX = 1024
const FOLDERS = ['sub', 'id', 'erasing'] as const
const { O_CREAT, O_DIRECTORY, O_EXCL, O_NOFOLLOW, O_NONBLOCK, O_APPEND } = constants
const NEVER_FOLLOW = O_NOFOLLOW | O_NONBLOCK

/** The file that names the keys that were destroyed. */
export function erasedFile(dir: string): string {
  return join(dir, 'erased')
}

/**
 * Makes the directory ready to be written to. @throws ERR_AUDIT_UNAVAILABLE when others could read
 * or write it: whoever reads a key reads what it protects
 */
export function prepareKeys(dir: string, uid: number | undefined): void {
  try {
    for (const folder of [dir, ...FOLDERS.map((name) => join(dir, name))]) {
      mkdirSync(folder, { recursive: true, mode: 0o700 })
      refuseOpenFolder(folder, uid)
    }
  } catch (error) {
    throw asUnavailable(error, `${dir}: the keys of persons cannot be kept there`)
  }
}

/** The key of `subject`; `undefined` when it has none. @throws ERR_AUDIT_UNAVAILABLE */
export function readKeyOf(dir: string, subject: string): PersonKey | undefined {
  return readKey(namedBySubject(dir, subject))
}

/** The key with this id, a key id of a record; `undefined` when it is not, or no longer, there. */
export function readKeyById(dir: string, kid: string): PersonKey | undefined {
  return isKeyId(kid) ? readKey(join(dir, 'id', kid)) : undefined
}

/**
 * The key of `subject`, made and put on disk when it has none. Of several processes that make one
 * at the same moment, all use the first. @throws ERR_AUDIT_UNAVAILABLE
 */
export function makeKeyOf(dir: string, subject: string): PersonKey {
  const fresh = { kid: randomBytes(16).toString('base64url'), key: randomBytes(KEY_BYTES) }
  const byId = join(dir, 'id', fresh.kid)
  try {
    writeKey(byId, fresh)
    const bySubject = namedBySubject(dir, subject)
    if (linked(byId, bySubject)) {
      syncFolders(dir, ['id', 'sub'])
      return fresh
    }
    unlinkSync(byId)
    const other = readKey(bySubject)
    if (other !== undefined) return other
  } catch (error) {
    throw asUnavailable(error, `${dir}: no key could be made for a person`)
  }
  throw unavailable(`${dir}: a key was destroyed while it was asked for`)
}

/**
 * Destroys the key of `subject`: it is overwritten, its names are removed, and `erased` tells running
 * gateways. Whatever the file system kept of it elsewhere (snapshots, backups, flash cells) is not
 * reached. Can be repeated after it broke off. @throws ERR_AUDIT_UNAVAILABLE
 * @returns the id of the key; `undefined` when the subject has none
 */
export function destroyKeyOf(dir: string, subject: string, now: number): string | undefined {
  try {
    for (const kid of readdirSync(join(dir, 'erasing')).filter(isKeyId)) finish(dir, kid, now)
    const kid = readKeyOf(dir, subject)?.kid
    if (kid === undefined) return undefined
    // From here on nobody finds it by its subject, so that no gateway takes it up again.
    renameSync(namedBySubject(dir, subject), join(dir, 'erasing', kid))
    syncFolders(dir, ['sub', 'erasing'])
    finish(dir, kid, now)
    return kid
  } catch (error) {
    throw asUnavailable(error, `${dir}: the key could not be destroyed`)
  }
}

/** The ids of the keys that were destroyed. */
export function erasedKeys(dir: string): ReadonlySet<string> {
  const text = readWhole(erasedFile(dir), Number.MAX_SAFE_INTEGER)?.toString('latin1') ?? ''
  return new Set(erasedIn(text))
}

/** The ids in text of the file `erased`. */
export function erasedIn(text: string): readonly string[] {
  return text
    .split('\n')
    .map((line) => line.split(' ')[1])
    .filter(isKeyId)
}

function finish(dir: string, kid: string, now: number): void {
  const path = join(dir, 'erasing', kid)
  const fd = openSync(path, constants.O_WRONLY | NEVER_FOLLOW)
  try {
    const { size } = fstatSync(fd)
    writeSync(fd, Buffer.alloc(Math.min(size, FILE_BYTES_MAX)), 0, undefined, 0)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  tellErased(dir, `${new Date(now).toISOString()} ${kid}\n`)
  removeIfThere(join(dir, 'id', kid))
  unlinkSync(path)
  syncFolders(dir, ['id', 'erasing'])
}

function tellErased(dir: string, line: string): void {
  const flags = constants.O_WRONLY | O_APPEND | O_CREAT | NEVER_FOLLOW
  const fd = openSync(erasedFile(dir), flags, 0o600)
  try {
    writeSync(fd, line)
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
  syncFolders(dir, ['.'])
}

function namedBySubject(dir: string, subject: string): string {
  return join(dir, 'sub', hash('sha256', subject))
}

function writeKey(path: string, { kid, key }: PersonKey): void {
  const flags = constants.O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW
  const fd = openSync(path, flags, 0o600)
  try {
    writeSync(fd, `${JSON.stringify({ v: 1, kid, key: key.toString('base64') })}\n`)
    // A record must not outlive the key that its fields need.
    fsyncSync(fd)
  } finally {
    closeSync(fd)
  }
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to)
    return true
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false
    throw error
  }
}

function readKey(path: string): PersonKey | undefined {
  let text: string | undefined
  try {
    text = readWhole(path, FILE_BYTES_MAX)?.toString('utf8')
  } catch (error) {
    throw asUnavailable(error, `${path}: cannot be read`)
  }
  return text === undefined ? undefined : parseKey(text)
}

function parseKey(text: string): PersonKey | undefined {
  try {
    const { v, kid, key } = JSON.parse(text) as Readonly<Record<string, unknown>>
    if (v !== 1 || !isKeyId(kid) || typeof key !== 'string') return undefined
    const bytes = Buffer.from(key, 'base64')
    return bytes.length === KEY_BYTES ? { kid, key: bytes } : undefined
  } catch {
    // Overwritten a moment ago, or never whole: it opens nothing.
    return undefined
  }
}

/** The bytes of a regular file of at most `bytesMax`; `undefined` when there is none. */
function readWhole(path: string, bytesMax: number): Buffer | undefined {
  let fd: number
  try {
    fd = openSync(path, constants.O_RDONLY | NEVER_FOLLOW)
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined
    throw error
  }
  try {
    const status = fstatSync(fd)
    if (!status.isFile() || status.size > bytesMax) throw new Error(`${path}: is no key file`)
    if ((status.mode & 0o077) !== 0) throw new Error(`${path}: others can read it; use mode 0600`)
    const bytes = Buffer.alloc(status.size)
    return bytes.subarray(0, readSync(fd, bytes))
  } finally {
    closeSync(fd)
  }
}

function refuseOpenFolder(path: string, uid: number | undefined): void {
  const status = lstatSync(path)
  if (!status.isDirectory()) throw unavailable(`${path}: is not a directory`)
  if ((status.mode & 0o077) !== 0) {
    throw unavailable(`${path}: others can read it; use a directory with mode 0700`)
  }
  if (uid !== undefined && status.uid !== uid) {
    throw unavailable(`${path}: belongs to uid ${status.uid}, this process runs as ${uid}`)
  }
}

function syncFolders(dir: string, names: readonly string[]): void {
  for (const name of names) {
    const fd = openSync(join(dir, name), constants.O_RDONLY | O_DIRECTORY)
    try {
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException).code
}

function asUnavailable(error: unknown, message: string): Error {
  const { name } = error as Error
  if (name === 'GatewayError') return error as Error
  return unavailable(`${message}: ${(error as Error).message}`, error)
}
