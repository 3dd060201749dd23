/** So many pieces are nobody's business to count; past it their average size must be sensible. */
const PIECES_FREE = 4_096
const PIECE_BYTES_MIN = 16

/** Pieces of a body, in order, as one buffer. */
export interface Gathered {
  add(piece: Buffer): void
  size(): number
  /** Many tiny pieces cost a thousand times what their bytes do (CVE-2025-23310). */
  isDribbled(): boolean
  bytes(): Buffer
}

/** Collects pieces in one buffer that doubles; a body in one piece is not copied. */
export function createGathered(): Gathered {
  let buffer: Buffer = Buffer.alloc(0)
  let size = 0
  let pieces = 0
  return {
    add(piece) {
      pieces++
      if (size === 0) buffer = piece
      else {
        if (pieces === 2 || size + piece.length > buffer.length) {
          const larger = Buffer.alloc(Math.max(16_384, 2 * (size + piece.length)))
          buffer.copy(larger, 0, 0, size)
          buffer = larger
        }
        piece.copy(buffer, size)
      }
      size += piece.length
    },
    size: () => size,
    isDribbled: () => pieces > PIECES_FREE && size < pieces * PIECE_BYTES_MIN,
    bytes: () => buffer.subarray(0, size),
  }
}
