/**
 * The tree of a log that is opened again: made from its tiles, its last records hashed anew, and held
 * against the checkpoints that were signed. What was signed decides: a log that is shorter was cut,
 * one with another root was changed, and nothing is added to either.
 */
import type { GatewayError } from '../../domain/errors.ts'
import {
  checkpointLogPath,
  readCheckpointLogEnd,
  readPublished,
  type CheckpointLogEnd,
} from '../files/checkpoint-log.ts'
import type { FilePort } from '../files/file-port.ts'
import { listSegments, unavailable } from '../files/segments.ts'
import { createTileFiles } from '../files/tile-files.ts'
import type { ReadCheckpoint } from '../tree/checkpoint.ts'
import { verifyNote, type NoteVerifier, type SignedNote } from '../tree/note.ts'
import { TILE_WIDTH } from '../tree/tiles.ts'
import { eachLeaf } from './leaves.ts'
import { createTreeWriter, MissingTileError, type TreeWriter } from './tree-writer.ts'

/** What {@link recoverTree} needs. */
export interface TreeRecovery {
  readonly files: FilePort
  readonly dir: string
  /** Origin of the log. */
  readonly log: string
  /** Records in the files. */
  readonly size: number
  /** Whether the last run ended with `log.closed`; if not, more of the tiles is made anew. */
  readonly closed: boolean
  /** Keys that sign this log; none when its checkpoints are not looked at as notes. */
  readonly verifiers: readonly NoteVerifier[]
}

/** A tree that fits its records and its checkpoints. */
export interface RecoveredTree {
  readonly tree: TreeWriter
  readonly last: ReadCheckpoint | undefined
  /** Tiles that held something else than the records say. */
  readonly tilesReplaced: number
  /** Where `checkpoints.log` ends; behind that, torn bytes. */
  readonly log: Pick<CheckpointLogEnd, 'size' | 'bytes'>
  /** The published note when `checkpoints.log` lacks it. */
  readonly missingNote: string | undefined
}

/** Records that are hashed anew after a good end, and after any other. */
const RECHECKED = { closed: 32_768, crashed: 524_288 } as const

/**
 * See the head of this file. Yields to the event loop; memory is flat.
 *
 * @throws ERR_AUDIT_UNAVAILABLE with TRUNCATED or TAMPERED, naming what an operator can do
 */
export async function recoverTree(recovery: TreeRecovery): Promise<RecoveredTree> {
  const { files, dir, size } = recovery
  const found = lastCheckpoint(recovery)
  const { last } = found
  if (last !== undefined && last.size > size) {
    throw damaged(dir, `TRUNCATED: ${last.size} records were signed, ${size} are there`)
  }
  const first = listSegments(files, dir).segments[0]?.firstSeq ?? 0
  for (const base of basesOf(recovery, first)) {
    const tree = await treeFrom(recovery, base)
    if (tree === undefined) continue
    if (last !== undefined && !hasRoot(tree, last)) continue
    return { tree, tilesReplaced: tree.writeFull(true), ...found }
  }
  const what = last === undefined ? 'tiles are missing' : `not the ${last.size} that were signed`
  throw damaged(dir, `TAMPERED: the records are ${what}`)
}

/** Where hashing may begin: close to the end, and when that does not fit, as early as possible. */
function basesOf({ size, closed }: TreeRecovery, first: number): readonly number[] {
  const rechecked = closed ? RECHECKED.closed : RECHECKED.crashed
  const earliest = Math.ceil(first / TILE_WIDTH) * TILE_WIDTH
  const late = Math.floor(Math.max(0, size - rechecked) / TILE_WIDTH) * TILE_WIDTH
  return late > earliest ? [late, earliest] : [earliest]
}

async function treeFrom(recovery: TreeRecovery, base: number): Promise<TreeWriter | undefined> {
  const { files, dir, size } = recovery
  try {
    const tree = createTreeWriter(createTileFiles(files, dir), base)
    await eachLeaf({ files, dir }, { from: base, to: size }, (leaves, count) => {
      tree.append(leaves, count)
      // Those that hold something else wait until the root has shown who is right.
      tree.writeFull(false)
    })
    return tree
  } catch (error) {
    if (error instanceof MissingTileError) return undefined
    throw error
  }
}

function hasRoot(tree: TreeWriter, { size, root }: ReadCheckpoint): boolean {
  try {
    return tree.rootAt(size).equals(root)
  } catch (error) {
    if (error instanceof MissingTileError) return false
    throw error
  }
}

function lastCheckpoint(
  recovery: TreeRecovery,
): Pick<RecoveredTree, 'last' | 'log' | 'missingNote'> {
  const { files, dir } = recovery
  const end = readCheckpointLogEnd(files, checkpointLogPath(dir))
  if (typeof end === 'string') throw damaged(dir, `TAMPERED: ${end}`)
  const newer = newerPublished(recovery, end)
  const last = newer?.checkpoint ?? end.last
  if (last !== undefined) checkSigned(recovery, last)
  return { last, log: end, missingNote: newer?.note }
}

/** The published checkpoint when the log of all of them ends before it. */
function newerPublished({ files, dir }: TreeRecovery, { last }: CheckpointLogEnd) {
  const found = readPublished(files, dir)
  if (typeof found === 'string') {
    // It is not synced: a power cut can leave nothing, or half of it. What it said is in the log.
    if (last !== undefined) return undefined
    throw damaged(dir, `TAMPERED: ${found}`)
  }
  return found !== undefined && found.checkpoint.size > (last?.size ?? 0) ? found : undefined
}

function checkSigned({ dir, log, verifiers }: TreeRecovery, last: ReadCheckpoint): void {
  if (last.origin !== log) {
    throw damaged(dir, `TAMPERED: the checkpoint is of log ${last.origin}, not ${log}`)
  }
  if (verifiers.length === 0) return
  const signed = verifyNote(last.note, verifiers)
  if (typeof signed === 'string') throw damaged(dir, `TAMPERED: ${signed}`)
  if (signed.length > 0) return
  throw damaged(
    dir,
    `the last checkpoint is not signed by a key of this configuration (it is by ` +
      `${signersOf(last.note).join(', ')}); keep the key before in audit.previous_signing_key_file`,
  )
}

/** Names and ids of the keys that a note says it is signed with. */
export function signersOf(note: SignedNote): readonly string[] {
  return note.signatures.map(({ name, keyId }) => `${name}+${keyId.toString(16).padStart(8, '0')}`)
}

function damaged(dir: string, what: string): GatewayError {
  return unavailable(
    `${dir}: ${what}. Nothing is added to it until somebody has looked: modelgate audit verify ` +
      `says where, and modelgate audit accept-gap goes on from what is left, on the record`,
  )
}
