/**
 * What a signer or witness remembers: for each log, the newest checkpoint that it signed, as a note
 * with its own signature, so that nobody else can write one. On disk before anything is answered.
 */
import { hash } from 'node:crypto'
import { lstatSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { GatewayError } from '../../domain/errors.ts'
import { parseCheckpoint } from '../tree/checkpoint.ts'
import { NOTE_BYTES_MAX, verifyNote, type NoteVerifier } from '../tree/note.ts'
import { appendToFile, readWhole, replaceFile } from '../files/durable-file.ts'
import { NOTHING, type TreeHead } from './growth.ts'

/** Where checkpoints are remembered, and whose signature they carry. */
export interface MemoryOptions {
  /** A directory of this signer alone. */
  readonly dir: string
  /** The user the process runs as; `undefined` where the platform has no users. */
  readonly uid: number | undefined
  /** Own keys: one of them signed what is found. */
  readonly verifiers: readonly NoteVerifier[]
  /** Throws when another process has the directory now. Called before every write. */
  assertHeld(): void
}

/** See the head of this file. */
export interface GrowthMemory {
  /** What was signed last of a log; nothing, at first. */
  headOf(origin: string): TreeHead
  /** The note that was signed last of the log whose origin has that SHA-256, in hex. */
  noteOf(originHash: string): string | undefined
  /** On disk when it returns. @throws ERR_AUDIT_UNAVAILABLE when it could not be written */
  remember(origin: string, head: TreeHead, note: string): void
  /** As `remember`, of a head that does not follow from the one before; both are kept in a log. */
  accept(origin: string, head: TreeHead, note: string): void
}

/** SHA-256 of an origin, in hex: its name on disk and in URLs. */
export function originHash(origin: string): string {
  return hash('sha256', origin)
}

/**
 * Creates the directory of a signer or witness, 0700. It is never created by itself: one that was lost
 * must not be taken for one that has seen nothing.
 *
 * @throws ERR_USAGE when it is there
 */
export function createMemoryDirectory(dir: string): void {
  try {
    mkdirSync(dir, { mode: 0o700 })
  } catch (error) {
    const { code = 'ERROR' } = error as NodeJS.ErrnoException
    const why = code === 'EEXIST' ? 'is there already; start without --init' : `failed (${code})`
    throw new GatewayError('ERR_USAGE', `--init: ${dir} ${why}`, { cause: error })
  }
}

/** Checks that a directory is there, of this user and writable by nobody else. @throws ERR_USAGE */
export function checkMemoryDirectory(dir: string, uid: number | undefined): void {
  const status = lstatSync(dir, { throwIfNoEntry: false })
  if (status === undefined) {
    const remedy =
      'The first time, start with --init; if it was there before, what was signed is forgotten: ' +
      'find it, or set it again with accept-gap.'
    throw new GatewayError('ERR_USAGE', `${dir} is not there. ${remedy}`)
  }
  const isOwn = uid === undefined || (status.uid === uid && (status.mode & 0o022) === 0)
  if (!status.isDirectory() || !isOwn) {
    const must = 'must be a directory of this user that nobody else may write to (0700)'
    throw new GatewayError('ERR_USAGE', `${dir} ${must}`)
  }
}

/** Opens the memory in a directory that was checked. */
export function openGrowthMemory(options: MemoryOptions): GrowthMemory {
  const heads = new Map<string, TreeHead>()
  const pathOf = (name: string): string => join(options.dir, name)
  const headOf = (origin: string): TreeHead => {
    const known = heads.get(origin)
    if (known !== undefined) return known
    const head = readHead(options, pathOf(originHash(origin)), origin)
    heads.set(origin, head)
    return head
  }
  const remember: GrowthMemory['remember'] = (origin, head, note) => {
    options.assertHeld()
    // What is on disk is unknown until it was written: read again after a failure.
    heads.delete(origin)
    attempt(options.dir, () => replaceFile(pathOf(originHash(origin)), note))
    heads.set(origin, head)
  }
  return {
    headOf,
    noteOf: (name) => readWhole(pathOf(name), NOTE_BYTES_MAX)?.toString('utf8'),
    remember,
    accept(origin, head, note) {
      options.assertHeld()
      const before = readWhole(pathOf(originHash(origin)), NOTE_BYTES_MAX)?.toString('utf8')
      const entry = `${before ?? `${origin}\nnothing signed\n`}\n${note}\n`
      attempt(options.dir, () => appendToFile(pathOf('accepted-gaps.log'), entry))
      remember(origin, head, note)
    },
  }
}

function readHead({ verifiers }: MemoryOptions, path: string, origin: string): TreeHead {
  const bytes = readWhole(path, NOTE_BYTES_MAX)
  if (bytes === undefined) return NOTHING
  const read = parseCheckpoint(bytes)
  if (typeof read === 'string') throw unusable(path, read)
  if (read.origin !== origin) throw unusable(path, `it is of ${read.origin}`)
  const signed = verifyNote(read.note, verifiers)
  if (typeof signed === 'string') throw unusable(path, signed)
  if (signed.length === 0) throw unusable(path, 'it is not signed by the keys this runs with')
  return { size: read.size, root: read.root }
}

function attempt(dir: string, write: () => void): void {
  try {
    write()
  } catch (error) {
    const { message } = error as Error
    throw new GatewayError('ERR_AUDIT_UNAVAILABLE', `${dir} cannot be written: ${message}`, {
      cause: error,
    })
  }
}

function unusable(path: string, why: string): GatewayError {
  const message = `${path}: what was signed last cannot be read: ${why}. Bring the file back, or set it with accept-gap.`
  return new GatewayError('ERR_AUDIT_UNAVAILABLE', message)
}
