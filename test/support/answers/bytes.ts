/** Bytes that are the same in every run: noise, curves, words and tokens. */

const { imul } = Math

/** A number from 0 to 1, the next of a row that `seed` begins (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = imul(t ^ (t >>> 15), t | 1)
    t ^= t + imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** What compressed pictures and sounds are made of. */
export function noise(bytes: number, seed = 1): Buffer {
  const out = Buffer.alloc(bytes)
  // xorshift32, which begins with anything but 0; no global is asked in the loop.
  let state = (seed * 2_654_435_761 + 1) | 1
  for (let at = 0; at < bytes; at++) {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    out[at] = (state >>> 11) & 0xff
  }
  return out
}

/** Little-endian float32 numbers around 0, as tensors and vectors are. */
export function floats(count: number, seed = 1): Buffer {
  return Buffer.from(floatArray(count, seed).buffer)
}

/** The same as an array. */
export function floatArray(count: number, seed = 1): Float32Array {
  const random = randomOf(seed)
  return Float32Array.from({ length: count }, () => (random() + random() + random() - 1.5) / 10)
}

/** Signed 16-bit samples of a tone. */
export function tone(samples: number, { amplitude = 8_000, step = 0.05 } = {}): Buffer {
  const out = Buffer.alloc(samples * 2)
  for (let at = 0; at < samples; at++) {
    out.writeInt16LE(Math.round(Math.sin(at * step) * amplitude), at * 2)
  }
  return out
}

const WORDS =
  'the model answers with a number that says how likely each class is and we read it as a share of all cases in which it was right while weights stay where they are loaded once and shared by every request that follows'.split(
    ' ',
  )

/** Prose of at least so many characters. */
export function prose(characters: number, seed = 1): string {
  const random = randomOf(seed)
  const out: string[] = []
  for (let length = 0; length < characters;) {
    const word = WORDS[Math.floor(random() * WORDS.length)] ?? 'model'
    out.push(word)
    length += word.length + 1
  }
  return `${out.join(' ')}.`
}

/** Big-endian 32 bits. */
export function be32(value: number): Buffer {
  const out = Buffer.alloc(4)
  out.writeUInt32BE(value >>> 0)
  return out
}

/** Little-endian 32 bits. */
export function le32(value: number): Buffer {
  const out = Buffer.alloc(4)
  out.writeUInt32LE(value >>> 0)
  return out
}

/** Little-endian 64 bits. */
export function le64(value: number): Buffer {
  const out = Buffer.alloc(8)
  out.writeBigUInt64LE(BigInt(value))
  return out
}

/** One text as bytes, each character one. */
export function latin(text: string): Buffer {
  return Buffer.from(text, 'latin1')
}
