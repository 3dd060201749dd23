/**
 * Growth of a log, as a signer and a witness judge it: the body of C2SP tlog-witness
 * `add-checkpoint`, and whether what is asked for only appends to what was signed before.
 */
import { isUtf8 } from 'node:buffer'
import type { Checkpoint } from '../tree/checkpoint.ts'
import { EMPTY_ROOT, HASH_BYTES, verifyConsistency } from '../tree/merkle.ts'
import { fromBase64 } from '../tree/note.ts'

/** How far a log had come. */
export interface TreeHead {
  readonly size: number
  readonly root: Buffer
}

/** A log of which nothing was ever signed. */
export const NOTHING: TreeHead = { size: 0, root: EMPTY_ROOT }

/** What is asked for: to sign that the log grew from a size that was signed before. */
export interface GrowthRequest {
  readonly from: number
  readonly proof: readonly Buffer[]
  /** What stands behind the empty line: the checkpoint. */
  readonly rest: Buffer
}

/** Longest body of a request, bytes. */
export const REQUEST_BYTES_MAX = 64 * 1024
/** Most lines of a proof (C2SP tlog-witness). */
export const PROOF_LINES_MAX = 63

/** The body of a request. */
export function growthBody(from: number, proof: readonly Buffer[], rest: string): string {
  const lines = proof.map((hash) => `${hash.toString('base64')}\n`)
  return `old ${from}\n${lines.join('')}\n${rest}`
}

/** Reads the body of a request. A text is what is wrong with it. */
export function parseGrowth(bytes: Buffer): GrowthRequest | string {
  if (bytes.length > REQUEST_BYTES_MAX) return `longer than ${REQUEST_BYTES_MAX} bytes`
  const end = bytes.indexOf('\n\n')
  if (end < 0 || !isUtf8(bytes)) return 'not lines of UTF-8 with an empty one before the checkpoint'
  const [old = '', ...lines] = bytes.toString('utf8', 0, end).split('\n')
  const from = sizeIn(old.startsWith('old ') ? old.slice('old '.length) : '')
  if (from === undefined) return 'the first line must be: old <size>'
  if (lines.length > PROOF_LINES_MAX) return `more than ${PROOF_LINES_MAX} lines of proof`
  const proof: Buffer[] = []
  for (const line of lines) {
    const one = fromBase64(line)
    if (one?.length !== HASH_BYTES) return 'a line of the proof is not a hash in base64'
    proof.push(one)
  }
  return { from, proof, rest: bytes.subarray(end + 2) }
}

/** A size in decimal without leading zeroes. */
export function sizeIn(text: string): number | undefined {
  const size = /^(?:0|[1-9]\d{0,15})$/.test(text) ? Number(text) : Number.NaN
  return Number.isSafeInteger(size) ? size : undefined
}

/** What a signer or witness answers. */
export interface Answer {
  readonly status: 200 | 400 | 403 | 404 | 405 | 409 | 413 | 422 | 500
  readonly body: string
  /** `text/plain; charset=utf-8` when absent. */
  readonly type?: string
}

/** The media type of the size in a 409. */
export const SIZE_TYPE = 'text/x.tlog.size'

/** An answer that refuses, with a line that says why. */
export function refusing(status: Answer['status'], why: string): Answer {
  return { status, body: `${why}\n` }
}

/**
 * Why a checkpoint must not be signed by who signed `known` before, in the order and with the status
 * of C2SP tlog-witness; `undefined` when it only appends.
 */
export function refusedGrowth(
  known: TreeHead,
  { from, proof }: Pick<GrowthRequest, 'from' | 'proof'>,
  { size, root }: Pick<Checkpoint, 'size' | 'root'>,
): Answer | undefined {
  if (from > size) return refusing(400, 'the old size is larger than that of the checkpoint')
  const isOther = from === size && !root.equals(known.root)
  if (from !== known.size || isOther) {
    return { status: 409, body: `${known.size}\n`, type: SIZE_TYPE }
  }
  const claim = { from, to: size, fromRoot: known.root, toRoot: root, proof }
  if (!verifyConsistency(claim)) return refusing(422, 'the proof does not lead to the checkpoint')
  return undefined
}

/** Reads `SIZE:ROOT`, the root in base64. */
export function parseTreeHead(text: string): TreeHead | undefined {
  const [, digits = '', encoded = ''] = /^(\d+):(\S+)$/.exec(text) ?? []
  const [size, root] = [sizeIn(digits), fromBase64(encoded)]
  if (size === undefined || root?.length !== HASH_BYTES) return undefined
  return size === 0 && !root.equals(EMPTY_ROOT) ? undefined : { size, root }
}
