/**
 * Signed notes (C2SP signed-note): text, an empty line, and one line for each signature. Ed25519
 * signatures (type 0x01) and timestamped cosignatures (type 0x04, C2SP tlog-cosignature). The same
 * texts as Go's `golang.org/x/mod/sumdb/note`, keys included.
 */
import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  hash,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto'
import { isUtf8 } from 'node:buffer'

/** One line of a note: who signed, with which key, and what; the key's id is not within. */
export interface NoteSignature {
  readonly name: string
  /** First four bytes of the hash that names the key. */
  readonly keyId: number
  readonly signature: Buffer
}

/** A note as read; nothing is verified. */
export interface SignedNote {
  /** Ends with a newline. */
  readonly text: string
  readonly signatures: readonly NoteSignature[]
}

/** Types of keys: `ed25519` signs notes, `cosignature` signs checkpoints with a time. */
export type NoteKeyType = 'ed25519' | 'cosignature'

/** A key that notes are verified with. */
export interface NoteVerifier {
  readonly name: string
  readonly keyId: number
  readonly type: NoteKeyType
  /** `<name>+<key id>+<base64>`: how it is handed on. */
  readonly vkey: string
  /** The time of a cosignature, seconds since the epoch, 0 otherwise; `undefined` when it is wrong. */
  verify(text: string, signature: Buffer): number | undefined
}

/** A key that notes are signed with. */
export interface NoteSigner {
  readonly verifier: NoteVerifier
  /** The line, with its newline. `at` is the time of a cosignature, seconds since the epoch. */
  sign(text: string, at?: number): string
}

/** Longest note, bytes. */
export const NOTE_BYTES_MAX = 64 * 1024
const SIGNATURES_MAX = 64
const TYPES = { ed25519: 1, cosignature: 4 } as const
const ED25519_BYTES = 32
const TIME_BYTES = 8
const DASH = '\u2014'
/** DER before the raw key (RFC 8410 §4, §7). */
const SPKI = Buffer.from('302a300506032b6570032100', 'hex')
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex')

/** Whether it may name a key: no space, no `+`, no control character. */
export function isKeyName(name: string): boolean {
  return /^[^\s+]{1,256}$/u.test(name) && !/\p{Cc}/u.test(name)
}

/** Reads a note. A text is what is wrong with it. */
export function parseNote(bytes: Buffer): SignedNote | string {
  if (bytes.length > NOTE_BYTES_MAX) return `the note is longer than ${NOTE_BYTES_MAX} bytes`
  if (!isUtf8(bytes)) return 'the note is not UTF-8'
  const whole = bytes.toString('utf8')
  if (/[^\P{Cc}\n]/u.test(whole)) return 'the note holds a control character'
  const split = whole.lastIndexOf('\n\n')
  if (split < 0) return 'the note has no empty line before its signatures'
  const [text, rest] = [whole.slice(0, split + 1), whole.slice(split + 2)]
  if (!rest.endsWith('\n')) return 'the last signature of the note has no end of line'
  const lines = rest.slice(0, -1).split('\n')
  if (lines.length > SIGNATURES_MAX) return `the note has more than ${SIGNATURES_MAX} signatures`
  const signatures: NoteSignature[] = []
  for (const line of lines) {
    const one = parseSignature(line)
    if (one === undefined) return 'a signature of the note is malformed'
    signatures.push(one)
  }
  return { text, signatures }
}

function parseSignature(line: string): NoteSignature | undefined {
  const [dash, name = '', encoded = '', ...more] = line.split(' ')
  if (dash !== DASH || more.length > 0 || !isKeyName(name)) return undefined
  const bytes = fromBase64(encoded)
  if (bytes === undefined || bytes.length < 5) return undefined
  return { name, keyId: bytes.readUInt32BE(0), signature: bytes.subarray(4) }
}

/** Standard base64 with padding, and nothing else (RFC 4648 §4). */
export function fromBase64(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64')
  return bytes.toString('base64') === text ? bytes : undefined
}

/** A signature that was verified. */
export interface Signed {
  readonly verifier: NoteVerifier
  /** Of a cosignature, seconds since the epoch; 0 otherwise. */
  readonly at: number
}

/**
 * Which of `verifiers` signed the note. Signatures of other keys are ignored; one of these keys that
 * does not verify is a text that says so, and then the note is worth nothing.
 */
export function verifyNote(
  note: SignedNote,
  verifiers: readonly NoteVerifier[],
): readonly Signed[] | string {
  const signed: Signed[] = []
  for (const { name, keyId, signature } of note.signatures) {
    const verifier = verifiers.find((one) => one.name === name && one.keyId === keyId)
    if (verifier === undefined) continue
    const at = verifier.verify(note.text, signature)
    if (at === undefined) return `the signature of ${name} is wrong`
    if (!signed.some((one) => one.verifier === verifier)) signed.push({ verifier, at })
  }
  return signed
}

/** Reads `<name>+<key id>+<base64>`. A text is what is wrong with it. */
export function parseVkey(text: string): NoteVerifier | string {
  const match = /^([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim())
  const [, name = '', id = '', encoded = ''] = match ?? []
  const data = fromBase64(encoded)
  if (!isKeyName(name) || data?.length !== 1 + ED25519_BYTES) return 'not a key of signed notes'
  const type = data[0] === TYPES.ed25519 ? 'ed25519' : 'cosignature'
  if (data[0] !== TYPES[type]) return `a key of type ${data[0]}; 1 and 4 are known`
  const verifier = verifierOf(name, type, data.subarray(1))
  return verifier.vkey === `${name}+${id}+${encoded}` ? verifier : 'its id is not that of the key'
}

/** The verifier of a raw Ed25519 public key. */
export function verifierOf(name: string, type: NoteKeyType, raw: Uint8Array): NoteVerifier {
  const data = Buffer.concat([Buffer.of(TYPES[type]), raw])
  const id = hash('sha256', Buffer.concat([Buffer.from(`${name}\n`), data]), 'buffer')
  const key = createPublicKey({ key: Buffer.concat([SPKI, raw]), format: 'der', type: 'spki' })
  return {
    name,
    type,
    keyId: id.readUInt32BE(0),
    vkey: `${name}+${id.toString('hex', 0, 4)}+${data.toString('base64')}`,
    verify: (text, signature) => timeOf(key, { text, signature, type }),
  }
}

function timeOf(
  key: KeyObject,
  { text, signature, type }: { text: string; signature: Buffer; type: NoteKeyType },
): number | undefined {
  if (type === 'ed25519') return verify(null, Buffer.from(text), key, signature) ? 0 : undefined
  if (signature.length <= TIME_BYTES) return undefined
  const at = Number(signature.readBigUInt64BE(0))
  const signed = Buffer.from(cosigned(text, at))
  return verify(null, signed, key, signature.subarray(TIME_BYTES)) ? at : undefined
}

function cosigned(text: string, at: number): string {
  return `cosignature/v1\ntime ${at}\n${text}`
}

/** A new private key, as text: `PRIVATE+KEY+<name>+<key id>+<base64>`, the form of Go's `note`. */
export function generateSkey(name: string, type: NoteKeyType = 'ed25519'): string {
  const { privateKey } = generateKeyPairSync('ed25519')
  const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(PKCS8.length)
  const { keyId } = signerOf(name, type, seed).verifier
  const data = Buffer.concat([Buffer.of(TYPES[type]), seed]).toString('base64')
  return `PRIVATE+KEY+${name}+${keyId.toString(16).padStart(8, '0')}+${data}`
}

/** Reads what {@link generateSkey} writes. A text is what is wrong with it; it never holds the key. */
export function parseSkey(text: string): NoteSigner | string {
  const match = /^PRIVATE\+KEY\+([^+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(text.trim())
  const [, name = '', id = '', encoded = ''] = match ?? []
  const data = fromBase64(encoded)
  if (!isKeyName(name) || data?.length !== 1 + ED25519_BYTES) {
    return 'not a private key of signed notes'
  }
  const type = data[0] === TYPES.ed25519 ? 'ed25519' : 'cosignature'
  if (data[0] !== TYPES[type]) return `a key of type ${data[0]}; 1 and 4 are known`
  const signer = signerOf(name, type, data.subarray(1))
  const isOwn = signer.verifier.keyId === Number.parseInt(id, 16)
  return isOwn ? signer : 'its id is not that of the key'
}

function signerOf(name: string, type: NoteKeyType, seed: Uint8Array): NoteSigner {
  const key = createPrivateKey({
    key: Buffer.concat([PKCS8, seed]),
    format: 'der',
    type: 'pkcs8',
  })
  const spki = createPublicKey(key).export({ format: 'der', type: 'spki' })
  const verifier = verifierOf(name, type, spki.subarray(SPKI.length))
  return {
    verifier,
    sign(text, at = 0) {
      const isTimed = type === 'cosignature'
      const signature = sign(null, Buffer.from(isTimed ? cosigned(text, at) : text), key)
      const head = Buffer.alloc(isTimed ? 4 + TIME_BYTES : 4)
      head.writeUInt32BE(verifier.keyId, 0)
      if (isTimed) head.writeBigUInt64BE(BigInt(at), 4)
      return `${DASH} ${name} ${Buffer.concat([head, signature]).toString('base64')}\n`
    },
  }
}
