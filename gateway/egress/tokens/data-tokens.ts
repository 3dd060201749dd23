/**
 * Tokens in the place of values: the same value of the same class in the same dataset has the same
 * token, so that joins and counts still work, and who has the key can turn it back. Deterministic
 * encryption with a synthetic IV (the construction of RFC 5297 §2, with HMAC-SHA-256 in the place of
 * S2V): SIV = HMAC(k_mac, what is protected), ciphertext = AES-256-CTR(k_enc, IV = SIV). Node has no
 * AES-SIV of its own. ADR 0028 says why it is enough.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  hkdfSync,
  timingSafeEqual,
} from 'node:crypto'

const PREFIX = 'mgt1.'
const SIV_BYTES = 16
const BLOCK_BYTES = 32
const PADDING = Buffer.from([0x80])
/** Longest value, bytes. */
const VALUE_BYTES_MAX = 64 * 1024
const CLASS_BYTES_MAX = 64
const TOKEN_CHARACTERS_MAX = 90_000
const DATASETS_MAX = 1_024
const KEY_BYTES_MIN = 32

/** What stands in the answer: the text of a string, or another value as JSON writes it. */
export interface TokenValue {
  readonly kind: 'string' | 'json'
  readonly text: string
}

/** A value that was turned back, with the class it was protected as. */
export interface RevealedValue extends TokenValue {
  readonly dataClass: string
}

/** Makes tokens and turns them back. */
export interface DataTokens {
  /** Whether there is a key. */
  readonly ready: boolean
  /** `undefined` when there is no key, or when the value is longer than 64 KiB. */
  tokenFor(dataset: string, dataClass: string, value: TokenValue): string | undefined
  /** `undefined` for whatever is not a token of this dataset, without saying why. */
  reveal(dataset: string, token: string): RevealedValue | undefined
}

interface Keys {
  readonly mac: Buffer
  readonly enc: Buffer
}

/**
 * Tokens with the key that `secret` gives at that moment: at least 32 bytes, in hex or base64. Each
 * dataset has keys of its own, derived with HKDF-SHA-256 (RFC 5869) from its resource text.
 */
export function createDataTokens(secret: () => string | undefined): DataTokens {
  let current: { readonly text: string; readonly key: Buffer | undefined } | undefined
  const derived = new Map<string, Keys>()
  const masterKey = (): Buffer | undefined => {
    const text = secret()
    if (text === undefined) return undefined
    if (current?.text !== text) {
      derived.clear()
      current = { text, key: readTokenKey(text) }
    }
    return current.key
  }
  const keysOf = (dataset: string): Keys | undefined => {
    const key = masterKey()
    const known = key === undefined ? undefined : derived.get(dataset)
    if (key === undefined || known !== undefined) return known
    if (derived.size === DATASETS_MAX) derived.clear()
    const bytes = Buffer.from(
      hkdfSync('sha256', key, 'modelgate data tokens', `mgt1 ${dataset}`, 64),
    )
    const keys = { mac: bytes.subarray(0, 32), enc: bytes.subarray(32) }
    derived.set(dataset, keys)
    return keys
  }
  return {
    get ready() {
      return masterKey() !== undefined
    },
    tokenFor(dataset, dataClass, value) {
      const keys = keysOf(dataset)
      const plain = keys === undefined ? undefined : plainOf(dataClass, value)
      return keys === undefined || plain === undefined ? undefined : seal(keys, dataset, plain)
    },
    reveal(dataset, token) {
      const keys = keysOf(dataset)
      const plain = keys === undefined ? undefined : unseal(keys, dataset, token)
      return plain === undefined ? undefined : valueOf(plain)
    },
  }
}

/** The bytes of a key in hex or base64 (also base64url); `undefined` when they are fewer than 32. */
export function readTokenKey(text: string): Buffer | undefined {
  const isHex = /^(?:[0-9A-Fa-f]{2})+$/.test(text)
  if (!isHex && !/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return undefined
  const key = Buffer.from(text, isHex ? 'hex' : 'base64')
  return key.length < KEY_BYTES_MIN ? undefined : key
}

/**
 * Type, length of the class, class, value, one bit and zeros up to a multiple of 32 bytes
 * (ISO/IEC 7816-4): no two values have the same bytes, and the length of a token does not tell a
 * short value from another.
 */
function plainOf(dataClass: string, { kind, text }: TokenValue): Buffer | undefined {
  const name = Buffer.from(dataClass)
  if (text.length > VALUE_BYTES_MAX || name.length > CLASS_BYTES_MAX) return undefined
  const value = Buffer.from(text)
  if (value.length > VALUE_BYTES_MAX) return undefined
  const head = Buffer.from([kind === 'string' ? 0x73 : 0x6a, name.length])
  const length = head.length + name.length + value.length + 1
  const whole = Math.ceil(length / BLOCK_BYTES) * BLOCK_BYTES
  return Buffer.concat([head, name, value, PADDING], whole)
}

function valueOf(plain: Buffer): RevealedValue {
  const classEnd = 2 + (plain[1] ?? 0)
  const end = plain.lastIndexOf(PADDING)
  return {
    kind: plain[0] === 0x73 ? 'string' : 'json',
    dataClass: plain.toString('utf8', 2, classEnd),
    text: plain.toString('utf8', classEnd, end),
  }
}

function sivOf({ mac }: Keys, dataset: string, plain: Buffer): Buffer {
  const name = Buffer.from(dataset)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(name.length)
  const tag = createHmac('sha256', mac).update(length).update(name).update(plain).digest()
  return tag.subarray(0, SIV_BYTES)
}

function seal(keys: Keys, dataset: string, plain: Buffer): string {
  const siv = sivOf(keys, dataset, plain)
  const cipher = createCipheriv('aes-256-ctr', keys.enc, siv)
  const sealed = Buffer.concat([siv, cipher.update(plain), cipher.final()])
  return PREFIX + sealed.toString('base64url')
}

function unseal(keys: Keys, dataset: string, token: string): Buffer | undefined {
  if (!token.startsWith(PREFIX) || token.length > TOKEN_CHARACTERS_MAX) return undefined
  const sealed = Buffer.from(token.slice(PREFIX.length), 'base64url')
  // One token, one spelling.
  if (PREFIX + sealed.toString('base64url') !== token) return undefined
  if (sealed.length < SIV_BYTES + 2) return undefined
  const siv = sealed.subarray(0, SIV_BYTES)
  const decipher = createDecipheriv('aes-256-ctr', keys.enc, siv)
  const plain = Buffer.concat([decipher.update(sealed.subarray(SIV_BYTES)), decipher.final()])
  return timingSafeEqual(siv, sivOf(keys, dataset, plain)) ? plain : undefined
}
