/** Judges a file of an export before anything of it is put anywhere. */
import { readEntry, type ReadEntry } from '../../access/fold/entry.ts'
import { fold } from '../../access/fold/fold.ts'
import { differences, readSnapshot } from '../../access/snapshot.ts'
import { emptyState, type AccessState } from '../../access/state.ts'
import type { JournalEntry, JournalSnapshot } from '../../domain/journal.ts'
import type { JournalFrame } from '../../store/contents.ts'
import { refused, type HeaderLine, type TransferLine } from './lines.ts'

/** Entries that are folded together. */
const FOLDED_AT_ONCE = 256

/** How many lines of each kind there are. */
export type LineCounts = Readonly<Record<TransferLine['type'], number>>

/** A file that can be imported. */
export interface CheckedFile {
  readonly header: HeaderLine
  readonly counts: LineCounts
  /** What the entries amount to. */
  readonly state: AccessState
  /** The journal without its entries. */
  readonly frame: JournalFrame
}

/**
 * Reads the whole of it: order of the lines, entries without a gap, each of a kind that is known,
 * and a state that they fold into.
 * @throws ERR_USAGE with the number of the line that is wrong
 */
export async function checkLines(lines: AsyncIterable<TransferLine>): Promise<CheckedFile> {
  const check = createCheck()
  let number = 0
  for await (const line of lines) check.take(line, (number += 1))
  return check.end(number)
}

function createCheck() {
  const counts = new Map<TransferLine['type'], number>()
  const cursors: (readonly [string, number])[] = []
  let header: HeaderLine | undefined
  let snapshot: JournalSnapshot | undefined
  let claimed: Claimed | undefined
  let state = emptyState('')
  let first: number | undefined
  let last: Omit<JournalEntry, 'text'> | undefined
  let waiting: ReadEntry[] = []
  let isEnded = false

  const foldWaiting = (number: number): void => {
    state = inLine(number, () => fold(state, waiting))
    waiting = []
  }
  const takeEntry = (entry: JournalEntry, number: number): void => {
    const why = outOfOrder(entry, last, state.seq)
    if (why !== undefined) throw refused(number, why)
    first ??= entry.seq
    // All entries are there: what the snapshot says is believed when they say so, too.
    if (entry.seq === 1) state = emptyState(state.epoch)
    last = { seq: entry.seq, at: entry.at }
    const read = inLine(number, () => readEntry(entry))
    if (entry.seq > state.seq) waiting.push(read)
    const isClaimed = first === 1 && entry.seq === snapshot?.seq
    if (waiting.length >= FOLDED_AT_ONCE || isClaimed) foldWaiting(number)
    if (isClaimed) mustAgree(state, claimed)
  }
  const takeSnapshot = (line: JournalSnapshot, number: number): void => {
    if (last !== undefined || snapshot !== undefined) throw refused(number, 'its place is before')
    const { epoch, seq, text } = line
    state = inLine(number, () => readSnapshot(text))
    if (state.seq !== seq || state.epoch !== epoch || epoch !== header?.epoch) {
      throw refused(number, 'the snapshot is of another journal or entry')
    }
    if (seq > header.seq) throw refused(number, 'the snapshot goes further than the file')
    snapshot = { epoch, seq, text }
    claimed = { state, number }
  }
  return {
    take(line: TransferLine, number: number): void {
      if (isEnded) throw refused(number, 'it is behind the end')
      if ((header === undefined) !== (line.type === 'header')) {
        throw refused(number, 'one header, and it comes first')
      }
      if (line.type === 'header') {
        header = line
        state = emptyState(line.epoch)
      } else if (line.type === 'snapshot') takeSnapshot(line, number)
      else if (line.type === 'entry') takeEntry(line, number)
      else if (line.type === 'cursor') cursors.push([line.name, line.seq])
      else if (line.type === 'end') isEnded = line.lines === number - 1
      counts.set(line.type, (counts.get(line.type) ?? 0) + 1)
    },
    end(number: number): CheckedFile {
      if (number === 0) throw refused(number, 'it is empty')
      foldWaiting(number)
      if (header === undefined || !isEnded) throw refused(number, 'the file was cut short')
      const { epoch, seq } = header
      if (state.seq !== seq) throw refused(number, `entries up to ${seq} are missing`)
      const trimmedTo = first === undefined ? seq : first - 1
      const { at } = last ?? state
      const kept = snapshot === undefined ? {} : { snapshot }
      const frame = { epoch, seq, at, trimmedTo, cursors, ...kept }
      return { header, counts: countsOf(counts), state, frame }
    },
  }
}

/** What a snapshot says, and in which line. */
interface Claimed {
  readonly state: AccessState
  readonly number: number
}

/** @throws ERR_USAGE when entries come to something else than the snapshot that stands for them */
function mustAgree(folded: AccessState, claimed: Claimed | undefined): void {
  if (claimed === undefined) return
  const names = differences(folded, claimed.state)
  if (names.length === 0) return
  const why = `the snapshot is not what entries 1 to ${folded.seq} come to: ${names.join(', ')}`
  throw refused(claimed.number, why)
}

/** What is wrong with the place of an entry; `known` is what the snapshot before it goes up to. */
function outOfOrder(
  { seq, at }: JournalEntry,
  last: Omit<JournalEntry, 'text'> | undefined,
  known: number,
): string | undefined {
  if (last === undefined) return seq < 1 || seq > known + 1 ? 'an entry is missing' : undefined
  if (seq !== last.seq + 1) return 'an entry before it is missing'
  return at < last.at ? 'it is earlier than the one before it' : undefined
}

function countsOf(counts: ReadonlyMap<TransferLine['type'], number>): LineCounts {
  const of = (type: TransferLine['type']): number => counts.get(type) ?? 0
  return {
    ...{ header: of('header'), snapshot: of('snapshot'), entry: of('entry') },
    ...{ 'grant-use': of('grant-use'), lockout: of('lockout'), use: of('use') },
    ...{ cursor: of('cursor'), end: of('end') },
  }
}

/** Whatever `work` throws is the fault of the line. @throws ERR_USAGE */
function inLine<T>(number: number, work: () => T): T {
  try {
    return work()
  } catch (error) {
    throw refused(number, error instanceof Error ? error.message : 'it cannot be read')
  }
}
