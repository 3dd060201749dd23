/** Finds the messages in the body of a gRPC call as it passes (a flag, four bytes of length, bytes). */
import { createGathered } from '../gathered.ts'

const HEADER = 5

/** See {@link createMessageCounter}. */
export interface MessageCounter {
  /** Calls `onMessage` for every message that ends in `chunk`; `isWhole`: its bytes are all given. */
  push(chunk: Buffer, onMessage: (bytes: Buffer, isWhole: boolean) => void): void
}

/** Holds at most `bytesMax` of one message; one that is longer is given without its bytes. */
export function createMessageCounter(bytesMax: number): MessageCounter {
  const header = Buffer.alloc(HEADER)
  let headerSeen = 0
  let left = 0
  let isLong = false
  let held = createGathered()
  const finish = (onMessage: (bytes: Buffer, isWhole: boolean) => void): void => {
    const bytes = held.bytes()
    held = createGathered()
    headerSeen = 0
    onMessage(isLong ? Buffer.alloc(0) : bytes, !isLong)
  }
  return {
    push(chunk, onMessage) {
      let at = 0
      while (at < chunk.length) {
        if (headerSeen < HEADER) {
          header[headerSeen++] = chunk[at++] ?? 0
          if (headerSeen < HEADER) continue
          left = header.readUInt32BE(1)
          isLong = left > bytesMax
        } else {
          const piece = chunk.subarray(at, at + left)
          if (!isLong) held.add(piece)
          left -= piece.length
          at += piece.length
        }
        if (left === 0) finish(onMessage)
      }
    },
  }
}
