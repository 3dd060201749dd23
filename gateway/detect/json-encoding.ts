/** JSON in the encodings that readers guess: Python's `json.loads` takes each of them from bytes. */

type Read = (bytes: Buffer) => Buffer

/** By the first four bytes in hexadecimal; ASCII begins a JSON text, or a byte order mark. */
const ENCODINGS: readonly (readonly [RegExp, Read])[] = [
  [/^efbbbf/, (bytes) => bytes.subarray(3)],
  [/^0000/, (bytes) => fromUtf32(bytes, true)],
  [/^(?:fffe|..00)0000/, (bytes) => fromUtf32(bytes, false)],
  [/^(?:feff|00)/, (bytes) => fromUtf16(bytes, true)],
  [/^(?:fffe|..00)/, (bytes) => fromUtf16(bytes, false)],
]

/**
 * `bytes` as UTF-8 without a byte order mark, so that fields are found which the upstream finds; the
 * same buffer when it is that already, as it nearly always is. Guessed as RFC 4627 §3 does.
 */
export function asUtf8(bytes: Buffer): Buffer {
  const head = bytes.toString('hex', 0, 4)
  return ENCODINGS.find(([begins]) => begins.test(head))?.[1](bytes) ?? bytes
}

function fromUtf16(bytes: Buffer, isBig: boolean): Buffer {
  const even = bytes.subarray(0, bytes.length & ~1)
  return fromUnits(isBig ? Buffer.from(even).swap16() : even)
}

/** Characters beyond the first plane become one that is none: nothing that is looked for has them. */
function fromUtf32(bytes: Buffer, isBig: boolean): Buffer {
  const units = Buffer.alloc((bytes.length >> 2) << 1)
  for (let at = 0; at + 3 < bytes.length; at += 4) {
    const code = isBig ? bytes.readUInt32BE(at) : bytes.readUInt32LE(at)
    units.writeUInt16LE(code > 0xffff ? 0xfffd : code, at >> 1)
  }
  return fromUnits(units)
}

function fromUnits(units: Buffer): Buffer {
  return Buffer.from(units.toString('utf16le').replace(/^\ufeff/, ''))
}
