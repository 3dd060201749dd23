/** Bytes that artifacts are made of. */

/** Puts parts together; a string is latin-1, a list is bytes. */
export function bytes(...parts: readonly (string | readonly number[] | Buffer)[]): Buffer {
  return Buffer.concat(
    parts.map((part) =>
      typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part),
    ),
  )
}

export function u16(value: number): Buffer {
  const out = Buffer.alloc(2)
  out.writeUInt16LE(value)
  return out
}

export function u32(value: number): Buffer {
  const out = Buffer.alloc(4)
  out.writeUInt32LE(value)
  return out
}

export function u64(value: number): Buffer {
  const out = Buffer.alloc(8)
  out.writeBigUInt64LE(BigInt(value))
  return out
}

/** Bytes that look random, the same each time. */
export function noise(length: number, seed = 1): Buffer {
  const out = Buffer.alloc(length)
  let state = seed >>> 0
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    out[i] = (state >>> 16) ^ (state >>> 24)
  }
  return out
}

/** Weights as a layer has them: small floats of both signs. */
export function floats(count: number, seed = 1): Buffer {
  const random = noise(4 * count, seed)
  const out = Buffer.alloc(4 * count)
  for (let i = 0; i < count; i++) {
    out.writeFloatLE((random.readUInt32LE(4 * i) / 2 ** 32 - 0.5) / 8, 4 * i)
  }
  return out
}
