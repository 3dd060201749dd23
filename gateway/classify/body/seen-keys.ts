/**
 * The keys of one object so far, compared as names of fields are: folded. Most keys are a few ASCII
 * characters that are neither wanted nor repeated; of those a hash says so, and no string is made.
 */
import { foldFieldName } from '../names.ts'

const KEYS_MAX = 1024
/** So many are told apart by their hashes; those of larger objects by a set of texts. */
const HASHED_MAX = 32

const BACKSLASH = 0x5c
const CASE_BIT = 0x20

/** What becomes of a byte of a key: itself, in lower case; 0 when it falls away; 255: a text only. */
const FOLDED = new Uint8Array(256).fill(255)
for (let byte = 0x20; byte < 0x80; byte++) {
  const isUpper = byte >= 0x41 && byte <= 0x5a
  FOLDED[byte] = isUpper ? byte | CASE_BIT : byte
}
for (const byte of Buffer.from('_-')) FOLDED[byte] = 0
FOLDED[BACKSLASH] = 255

/**
 * A hash of the folded form of a key as it is written, or -1 when it has an escape, or a character
 * that is not ASCII, and must be folded as a text.
 */
export function hashOfKey(bytes: Buffer, from: number, to: number): number {
  let hash = 0
  for (let at = from; at < to; at++) {
    const byte = FOLDED[bytes[at] ?? 0] ?? 255
    if (byte === 255) return -1
    if (byte !== 0) hash = next(hash, byte)
  }
  return hash
}

/** The same hash, of a form that is folded already; -1 when no ASCII key folds to it. */
export function hashOfFolded(folded: string): number {
  let hash = 0
  for (let at = 0; at < folded.length; at++) {
    const code = folded.charCodeAt(at)
    if (code < 0x20 || code >= 0x80) return -1
    hash = next(hash, code)
  }
  return hash
}

function next(hash: number, byte: number): number {
  return (Math.imul(hash, 31) + byte) & 0x3fff_ffff
}

/** What has been seen in one object. Two keys are alike when {@link foldFieldName} says so. */
export class SeenKeys {
  private readonly hashes: number[] = []
  /** Where the keys of these hashes are in the piece that is read; -1: it is among the texts. */
  private readonly places: number[] = []
  private readonly texts = new Set<string>()
  private count = 0
  private isClosed = false

  /**
   * Takes the key whose bytes are there and whose hash is this. False, and nothing is taken, unless
   * it is surely new: then it is to be looked at as a text.
   */
  takeHash(hash: number, from: number, to: number): boolean {
    const { hashes } = this
    if (this.isClosed || hashes.length === HASHED_MAX || hashes.includes(hash)) return false
    hashes.push(hash)
    this.places.push(from, to)
    this.count++
    return true
  }

  /** Takes a key by its folded form. False when there was one, or there are 1024. */
  takeText(folded: string, piece: Buffer): boolean {
    const hash = hashOfFolded(folded)
    const isFresh = !this.hashes.includes(hash)
    if (!isFresh) this.settle(piece)
    if (this.count === KEYS_MAX || this.texts.has(folded)) return false
    this.texts.add(folded)
    this.count++
    if (isFresh && hash !== -1 && this.hashes.length < HASHED_MAX) {
      this.hashes.push(hash)
      this.places.push(-1, -1)
    }
    return true
  }

  /** The piece goes away: what was only a place in it becomes a text. */
  settle(piece: Buffer): void {
    const { places, texts } = this
    for (let at = 0; at < places.length; at += 2) {
      const [from = -1, to = -1] = [places[at], places[at + 1]]
      if (from !== -1) texts.add(foldFieldName(piece.toString('latin1', from, to)))
    }
    this.hashes.length = 0
    places.length = 0
    this.isClosed = true
  }
}
