/** Whether a journal still says what it said, and whether what it says is of one piece. */
import { previousIn } from '../../access/fold/entry.ts'
import type { JournalEntry, JournalPage, JournalStore } from '../../domain/journal.ts'
import { digestOf, isSameMark, markOf, type Seen } from './position.ts'

/** Whether `page` is of the journal that `known` was read from, and goes on from there. */
export function isSameJournal(page: JournalPage, known: Seen): boolean {
  if (page.epoch !== known.epoch || page.seq < known.seq) return false
  const again = page.entries.find(({ seq }) => seq === known.seq)
  return again === undefined || known.last === undefined || isSameMark(markOf(again), known.last)
}

/**
 * What somebody knew who has added to this journal, and what is not in it: the newest place in
 * `entries`, which follow each other, where one was decided behind another entry than the one that
 * it follows. The store lost that one and took the other in its place, between two asks of theirs.
 */
export function lostAmong(
  entries: readonly JournalEntry[],
  epoch: string,
): (Seen & { readonly last: NonNullable<Seen['last']> }) | undefined {
  for (let i = entries.length - 1; i > 0; i -= 1) {
    const [before, entry] = [entries[i - 1], entries[i]]
    if (before === undefined || entry === undefined) continue
    const digest = previousIn(entry.text)
    if (digest === undefined || digest === digestOf(before.text)) continue
    return { epoch, seq: before.seq, last: { at: before.at, digest } }
  }
  return undefined
}

/**
 * Whether what was `seen` is in the journal that goes to `now`. `unknown`: the journal has only a
 * snapshot of that time, or what was seen came from one, or is what an older version remembered.
 */
export async function placeOf(
  seen: Seen,
  now: Pick<Seen, 'epoch' | 'seq'>,
  journal: Pick<JournalStore, 'entriesAfter'>,
): Promise<'same' | 'other' | 'unknown'> {
  if (now.epoch !== seen.epoch || now.seq < seen.seq) return 'other'
  if (seen.seq === 0) return 'same'
  if (seen.last === undefined) return 'unknown'
  const page = await journal.entriesAfter(seen.seq - 1, 1)
  const entry = page.entries.find(({ seq }) => seq === seen.seq)
  if (page.epoch !== seen.epoch) return 'other'
  if (entry === undefined) return 'unknown'
  return isSameMark(markOf(entry), seen.last) ? 'same' : 'other'
}
