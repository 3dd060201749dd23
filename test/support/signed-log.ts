/** A log with a key of its own, and what its files say, read without the writer's code. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createKeySigner } from '../../gateway/audit/signing/signer-port.ts'
import { parseCheckpoint, type ReadCheckpoint } from '../../gateway/audit/tree/checkpoint.ts'
import { leafHashOf, nodeHash, rootAt } from '../../gateway/audit/tree/merkle.ts'
import { hashesOfTiles, tilePath, TILE_WIDTH } from '../../gateway/audit/tree/tiles.ts'
import {
  generateSkey,
  parseSkey,
  verifyNote,
  type NoteSigner,
} from '../../gateway/audit/tree/note.ts'
import { verifyLog } from '../../gateway/audit/verify/verify-log.ts'
import { segmentNames } from './audit-harness.ts'

export const ORIGIN = 'test/audit/n1'

export function newKey(name = ORIGIN): NoteSigner {
  const key = parseSkey(generateSkey(name))
  if (typeof key === 'string') throw new Error(key)
  return key
}

export const keySigner = (...keys: NoteSigner[]) => createKeySigner(keys)

/** The lines of all segments, as bytes. */
export function lineBytes(dir: string): Buffer[] {
  return segmentNames(dir)
    .filter((name) => name.endsWith('.jsonl'))
    .flatMap((name) =>
      readFileSync(join(dir, 'seg', name), 'latin1')
        .split('\n')
        .slice(0, -1),
    )
    .map((line) => Buffer.from(line, 'latin1'))
}

/** The root of the first `size` records, from the records alone. */
export function rootOfRecords(dir: string, size: number): Buffer {
  const leaves = lineBytes(dir).map(leafHashOf)
  const hashAt = (level: number, index: number): Buffer =>
    level === 0
      ? (leaves[index] ?? Buffer.alloc(0))
      : nodeHash(hashAt(level - 1, index * 2), hashAt(level - 1, index * 2 + 1))
  return rootAt(size, hashAt)
}

/** The root of the first `size` records, from the tiles alone: the full one, or the partial. */
export function rootOfTiles(dir: string, size: number): Buffer {
  const tileAt = (level: number, index: number): Buffer => {
    const full = join(dir, tilePath(level, index))
    if (existsSync(full)) return readFileSync(full)
    const width = Math.floor(size / TILE_WIDTH ** level) - index * TILE_WIDTH
    return readFileSync(join(dir, tilePath(level, index, width)))
  }
  return rootAt(size, hashesOfTiles(tileAt))
}

/** Every checkpoint of `checkpoints.log`, verified with `keys`, oldest first. */
export function checkpoints(dir: string, keys: readonly NoteSigner[]): ReadCheckpoint[] {
  const path = join(dir, 'checkpoints.log')
  const parts = existsSync(path) ? readFileSync(path, 'utf8').split('\n\n').slice(0, -1) : []
  const found: ReadCheckpoint[] = []
  for (let at = 0; at < parts.length; at += 2) {
    found.push(verified(`${parts[at] ?? ''}\n\n${parts[at + 1] ?? ''}\n`, keys))
  }
  return found
}

/** What verification says of the log: its verdict, and the first fault if any. */
export async function verdict(dir: string, keys: readonly NoteSigner[]) {
  const all = { from: 0, to: Number.MAX_SAFE_INTEGER }
  const entries = keys.map(({ verifier }) => ({ vkey: verifier.vkey, ...all }))
  const { verdict: word, fault } = await verifyLog({ dir, keys: entries })
  return fault ?? word
}

/** The published checkpoint, verified with `keys`. */
export function published(dir: string, keys: readonly NoteSigner[]): ReadCheckpoint {
  return verified(readFileSync(join(dir, 'checkpoint'), 'utf8'), keys)
}

function verified(note: string, keys: readonly NoteSigner[]): ReadCheckpoint {
  const checkpoint = parseCheckpoint(Buffer.from(note))
  if (typeof checkpoint === 'string') throw new Error(`${checkpoint}: ${note}`)
  const verifiers = keys.map(({ verifier }) => verifier)
  const signed = verifyNote(checkpoint.note, verifiers)
  if (typeof signed === 'string') throw new Error(signed)
  if (signed.length !== keys.length)
    throw new Error(`${signed.length} of ${keys.length} keys signed`)
  return checkpoint
}
