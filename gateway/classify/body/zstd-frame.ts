/** Walks over a zstd frame (RFC 8878 §3.1.1) without decoding it. */

const MAGIC = 0xfd2fb528
const BLOCK_HEADER_BYTES = 3
const RLE = 1
const RESERVED = 3
/** The lengths of the content size by its flag; a single segment has one byte at least. */
const SIZE_BYTES = [0, 2, 4, 8]

/**
 * Bytes of memory the frame asks a decoder for. `undefined` unless `bytes` is exactly one frame, with
 * its size or window said, without a dictionary: skippable and further frames are told apart by
 * some decoders only.
 */
export function zstdWindow(bytes: Buffer): number | undefined {
  if (bytes.length < 6 || bytes.readUInt32LE(0) !== MAGIC) return undefined
  const descriptor = bytes[4] ?? 0
  // A reserved bit, or a dictionary.
  if ((descriptor & 0b1011) !== 0) return undefined
  const isSingle = (descriptor & 0b10_0000) !== 0
  const sizeAt = isSingle ? 5 : 6
  const sizeBytes = sizeLength(descriptor >> 6, isSingle)
  const end = endOfBlocks(bytes, sizeAt + sizeBytes)
  const checksumBytes = (descriptor & 0b100) === 0 ? 0 : 4
  if (end === undefined || end + checksumBytes !== bytes.length) return undefined
  return isSingle ? contentSize(bytes, sizeAt, sizeBytes) : windowSize(bytes[5] ?? 0)
}

function sizeLength(flag: number, isSingle: boolean): number {
  return flag === 0 && isSingle ? 1 : (SIZE_BYTES[flag] ?? 0)
}

function endOfBlocks(bytes: Buffer, from: number): number | undefined {
  let at = from
  while (at + BLOCK_HEADER_BYTES <= bytes.length) {
    const header = bytes.readUIntLE(at, BLOCK_HEADER_BYTES)
    const kind = (header >> 1) & 0b11
    if (kind === RESERVED) return undefined
    at += BLOCK_HEADER_BYTES + (kind === RLE ? 1 : header >> 3)
    if ((header & 1) === 1) return at
  }
  return undefined
}

function contentSize(bytes: Buffer, at: number, length: number): number {
  if (length === 8) return Number(bytes.readBigUInt64LE(at))
  // §3.1.1.1.4: two bytes count from 256.
  return bytes.readUIntLE(at, length) + (length === 2 ? 256 : 0)
}

function windowSize(descriptor: number): number {
  const base = 2 ** (10 + (descriptor >> 3))
  return base + (base / 8) * (descriptor & 0b111)
}
