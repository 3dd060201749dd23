/**
 * What a person's part of a record looks like once it is encrypted. The fields themselves are gone
 * from the record; `enc` holds one entry for each person it says something about:
 * `{"kid":"<key id>","iv":"<base64>","ct":"<base64>"}`. The plaintext is JSON,
 * `[[path, value], …]`. AES-256-GCM binds an entry to its log, number and key, so that one that is
 * moved to another record does not open.
 */
import { createCipheriv, createDecipheriv, randomFillSync } from 'node:crypto'
import type { LedgerValue } from '../../domain/ports.ts'

/** The field that holds {@link SealedEntry} entries. */
export const SEALED_FIELD = 'enc'

/** Where a value was in its record: names of members and numbers in lists. */
export type FieldPath = readonly (string | number)[]

/** One value and where it was. */
export type PlacedValue = readonly [FieldPath, LedgerValue]

/** A key of one person. */
export interface PersonKey {
  /** 22 characters of base64url: random, so that it says nothing of whose it is. */
  readonly kid: string
  /** 32 bytes. */
  readonly key: Buffer
}

/** The record an entry belongs to. */
export interface SealPlace {
  readonly log: string
  readonly seq: number
}

/** One entry as a record holds it. */
export interface SealedEntry {
  readonly kid: string
  readonly iv: string
  /** Ciphertext and tag; in pieces where one text would be cut for its length. */
  readonly ct: string | readonly string[]
}

/** Whether `text` can be the id of a key: such a text is also safe as the name of a file. */
export function isKeyId(text: unknown): text is string {
  return typeof text === 'string' && /^[A-Za-z0-9_-]{22}$/.test(text)
}

const CIPHER = 'aes-256-gcm'
const IV_BYTES = 12
const TAG_BYTES = 16
/** A longer text could be cut by the line format. */
const PIECE_CHARS = 4_000
const PIECES_MAX = 64

/** Encrypts what a record says of one person. */
export function sealValues(
  values: readonly PlacedValue[],
  { kid, key }: PersonKey,
  place: SealPlace,
): LedgerValue {
  const iv = freshIv()
  const cipher = createCipheriv(CIPHER, key, iv, { authTagLength: TAG_BYTES })
  cipher.setAAD(boundTo(kid, place))
  const body = cipher.update(JSON.stringify(values), 'utf8')
  const ct = Buffer.concat([body, cipher.final(), cipher.getAuthTag()]).toString('base64')
  return { kid, iv: iv.toString('base64'), ct: ct.length <= PIECE_CHARS ? ct : piecesOf(ct) }
}

/** Decrypts an entry; `undefined` when the key does not open it here. */
export function openValues(
  entry: SealedEntry,
  key: Buffer,
  place: SealPlace,
): readonly PlacedValue[] | undefined {
  const iv = Buffer.from(entry.iv, 'base64')
  const ct = typeof entry.ct === 'string' ? entry.ct : entry.ct.join('')
  const bytes = Buffer.from(ct, 'base64')
  if (iv.length !== IV_BYTES || bytes.length < TAG_BYTES) return undefined
  try {
    const decipher = createDecipheriv(CIPHER, key, iv, { authTagLength: TAG_BYTES })
    decipher.setAAD(boundTo(entry.kid, place))
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
    const plain = Buffer.concat([decipher.update(bytes.subarray(0, -TAG_BYTES)), decipher.final()])
    return placedIn(JSON.parse(plain.toString('utf8')))
  } catch {
    return undefined
  }
}

/** The entries of a record as read back; what is not one is left out. */
export function sealedIn(value: unknown): readonly SealedEntry[] {
  return Array.isArray(value) ? value.filter(isSealed) : []
}

function isSealed(value: unknown): value is SealedEntry {
  if (typeof value !== 'object' || value === null) return false
  const { kid, iv, ct } = value as Readonly<Record<string, unknown>>
  return isKeyId(kid) && typeof iv === 'string' && isCiphertext(ct)
}

function isCiphertext(ct: unknown): boolean {
  if (typeof ct === 'string') return true
  return Array.isArray(ct) && ct.length <= PIECES_MAX && ct.every((one) => typeof one === 'string')
}

function piecesOf(text: string): readonly string[] {
  const pieces: string[] = []
  for (let at = 0; at < text.length; at += PIECE_CHARS) {
    pieces.push(text.slice(at, at + PIECE_CHARS))
  }
  return pieces
}

function boundTo(kid: string, { log, seq }: SealPlace): Buffer {
  return Buffer.from(`modelgate/personal/v1\n${log}\n${seq}\n${kid}`)
}

function placedIn(value: unknown): readonly PlacedValue[] | undefined {
  const isPlaced = (one: unknown): one is PlacedValue =>
    Array.isArray(one) && one.length === 2 && Array.isArray(one[0]) && one[0].length > 0
  return Array.isArray(value) && value.every(isPlaced) ? value : undefined
}

// Asking the system for 12 bytes at a time would cost as much as the cipher.
const random = Buffer.allocUnsafeSlow(IV_BYTES * 512)
let used = random.length

function freshIv(): Buffer {
  if (used === random.length) {
    randomFillSync(random)
    used = 0
  }
  used += IV_BYTES
  return Buffer.from(random.subarray(used - IV_BYTES, used))
}
