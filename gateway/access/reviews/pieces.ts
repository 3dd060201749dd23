import { JOURNAL_ENTRY_MAX } from '../../domain/journal.ts'
import type { ReviewLine } from '../review.ts'

/** Room that an entry leaves for the campaign itself, and for the call that made it. */
const ENVELOPE = 8_192

/** `lines` in pieces, each small enough for one entry of the journal. At least one piece. */
export function entryPieces(lines: readonly ReviewLine[]): readonly (readonly ReviewLine[])[] {
  const pieces: ReviewLine[][] = [[]]
  let size = 0
  for (const line of lines) {
    const length = JSON.stringify(line).length + 1
    if (size > 0 && size + length > JOURNAL_ENTRY_MAX - ENVELOPE) {
      pieces.push([])
      size = 0
    }
    pieces.at(-1)?.push(line)
    size += length
  }
  return pieces
}
