/**
 * Proofs that a record is in a log (C2SP tlog-proof, `c2sp.org/tlog-proof@v1`), for whoever has
 * nothing but the proof and a key.
 */
import { inclusionProof, leafHashOf, verifyInclusion, HASH_BYTES } from '../tree/merkle.ts'
import { hashesOfTiles } from '../tree/tiles.ts'
import { parseCheckpoint, type ReadCheckpoint } from '../tree/checkpoint.ts'
import { fromBase64, NOTE_BYTES_MAX } from '../tree/note.ts'
import { readPublished } from '../files/checkpoint-log.ts'
import type { FilePort } from '../files/file-port.ts'
import { listSegments, unavailable } from '../files/segments.ts'
import { LINE_BYTES_MAX } from '../line/record.ts'
import { readLines } from '../line/lines.ts'
import { judgeCheckpoint, readyKeys, type KeyEntry } from './keys.ts'
import { createTileCheck } from './tile-check.ts'

const HEAD = 'c2sp.org/tlog-proof@v1'
/** Levels of a tree whose sizes are safe integers, and some. */
const HASHES_MAX = 63
/** Longest proof: the record in base64, hashes, and the checkpoint. */
const PROOF_BYTES_MAX = 2 * LINE_BYTES_MAX + HASHES_MAX * 64 + NOTE_BYTES_MAX

/** What a proof says; nothing is verified. */
export interface RecordProof {
  readonly index: number
  readonly hashes: readonly Buffer[]
  readonly checkpoint: ReadCheckpoint
  /** `extra`: here the line of the record; not authenticated before it was compared. */
  readonly extra: Buffer | undefined
}

/**
 * The proof of record `seq` under the published checkpoint of the log in `dir`, the record itself in
 * `extra`.
 *
 * @throws ERR_AUDIT_UNAVAILABLE when the record is not there or not yet under a published checkpoint,
 * or the files do not fit together
 */
export function proveRecord(files: FilePort, dir: string, seq: number): string {
  const published = readPublished(files, dir)
  if (typeof published === 'string') throw unavailable(published)
  if (published === undefined)
    throw unavailable(`${dir}: no checkpoint was published: nothing signs it`)
  const { checkpoint, note } = published
  const { size, root } = checkpoint
  if (seq >= size) {
    throw unavailable(
      `record ${seq} is not signed yet: the published checkpoint has ${size} records`,
    )
  }
  const line = lineAt(files, dir, seq)
  const tiles = createTileCheck(files, dir, size)
  const hashAt = hashesOfTiles((level, index) => tiles.tileAt(level, index))
  const proof = inclusionProof(seq, size, hashAt)
  if (!verifyInclusion({ index: seq, size, leaf: leafHashOf(line), proof, root })) {
    throw unavailable(`record ${seq} is not the one that was signed; run modelgate audit verify`)
  }
  const hashes = proof.map((hash) => `${hash.toString('base64')}\n`).join('')
  return `${HEAD}\nextra ${line.toString('base64')}\nindex ${seq}\n${hashes}\n${note}`
}

function lineAt(files: FilePort, dir: string, seq: number): Buffer {
  const { segments } = listSegments(files, dir)
  const segment = segments.findLast(({ firstSeq }) => firstSeq <= seq)
  let at = segment?.firstSeq ?? 0
  if (segment !== undefined) {
    for (const { bytes, terminated } of readLines(files, segment.path)) {
      if (terminated && at === seq) return Buffer.from(bytes)
      at += 1
    }
  }
  throw unavailable(`record ${seq} is not in the ledger: it was removed, or never was there`)
}

/** Reads a proof. A text is what is wrong with it. */
export function parseProof(bytes: Buffer): RecordProof | string {
  if (bytes.length > PROOF_BYTES_MAX) return 'it is too long for a proof'
  const split = bytes.indexOf('\n\n')
  if (split === -1) return 'it has no empty line before the checkpoint'
  const [head, ...lines] = bytes.toString('latin1', 0, split).split('\n')
  if (head !== HEAD) return `it does not begin with ${HEAD}`
  const encoded = /^extra (.*)$/.exec(lines[0] ?? '')?.[1]
  const extra = decoded(encoded)
  if (extra === 'malformed') return 'extra is not base64'
  const [place = '', ...rest] = encoded === undefined ? lines : lines.slice(1)
  const index = indexIn(place)
  if (index === undefined) return 'it names no index'
  const hashes = hashesIn(rest)
  if (hashes === undefined) return `it has more than ${HASHES_MAX} hashes, or one that is none`
  const checkpoint = parseCheckpoint(bytes.subarray(split + 2))
  if (typeof checkpoint === 'string') return checkpoint
  return { index, hashes, checkpoint, extra }
}

function decoded(text: string | undefined): Buffer | 'malformed' | undefined {
  return text === undefined ? undefined : (fromBase64(text) ?? 'malformed')
}

function indexIn(line: string): number | undefined {
  const digits = /^index (0|[1-9]\d{0,15})$/.exec(line)?.[1]
  return digits !== undefined && Number.isSafeInteger(Number(digits)) ? Number(digits) : undefined
}

function hashesIn(lines: readonly string[]): readonly Buffer[] | undefined {
  if (lines.length > HASHES_MAX) return undefined
  const hashes = lines.map(fromBase64).filter((hash) => hash?.length === HASH_BYTES)
  return hashes.length === lines.length ? (hashes as Buffer[]) : undefined
}

/** What a proof is verified with. */
export interface ProofKeys {
  readonly keys: readonly KeyEntry[]
  readonly witnesses: readonly KeyEntry[]
  readonly quorum: number
}

/** What is wrong with the proof that `line` is in the log; `undefined` when it holds. */
export function proofFault(proof: RecordProof, line: Buffer, given: ProofKeys): string | undefined {
  const { index, hashes, checkpoint } = proof
  const judged = judgeCheckpoint(checkpoint, readyKeys(given.keys), readyKeys(given.witnesses))
  if (typeof judged === 'string') return judged
  if (!judged.isSigned)
    return 'no key that was given, and valid at its size, has signed the checkpoint'
  if (given.witnesses.length > 0 && judged.witnesses < given.quorum) {
    return `${judged.witnesses} of ${given.quorum} witnesses have signed the checkpoint`
  }
  const { size, root } = checkpoint
  const holds = verifyInclusion({ index, size, leaf: leafHashOf(line), proof: hashes, root })
  return holds ? undefined : 'the record and the hashes do not lead to the root'
}
