/** Takes what a store keeps for good out of it, line by line. */
import { GatewayError } from '../../domain/errors.ts'
import { JOURNAL_PAGE_MAX, type JournalPage, type JournalStore } from '../../domain/journal.ts'
import type { ConfiguredStore } from '../open-store.ts'
import { FILE_VERSION, type TransferLine } from './lines.ts'

/**
 * All lines but the last, in the order of the file. What is appended meanwhile is not among them;
 * grants that are used meanwhile can be.
 * @throws ERR_STORE_UNAVAILABLE ERR_INTERNAL when entries were dropped while they were read
 */
export async function* exportedLines(
  { journal, contents, lockouts }: Pick<ConfiguredStore, 'journal' | 'contents' | 'lockouts'>,
  now: number,
): AsyncGenerator<TransferLine> {
  const first = await journal.entriesAfter(0, JOURNAL_PAGE_MAX)
  const { epoch, seq } = first
  const exported_at = new Date(now).toISOString()
  yield { type: 'header', v: FILE_VERSION, epoch, seq, exported_at }
  const snapshot = await journal.snapshot()
  // One that came later stands for entries that are not in the file.
  if (snapshot !== undefined && snapshot.seq > seq) throw changed()
  if (snapshot !== undefined) yield { type: 'snapshot', ...snapshot }
  yield* entryLines(journal, first)
  for await (const kept of contents.grantUses()) yield { type: 'grant-use', ...kept }
  for (const lockout of await lockouts()) yield { type: 'lockout', ...lockout }
  for (const use of await journal.uses()) yield { type: 'use', ...use }
  for (const [name, at] of await contents.cursors()) {
    yield { type: 'cursor', name, seq: Math.min(at, seq) }
  }
}

async function* entryLines(
  journal: JournalStore,
  first: JournalPage,
): AsyncGenerator<TransferLine> {
  let { entries } = first
  let last = first.trimmedTo
  for (;;) {
    for (const entry of entries) {
      if (entry.seq > first.seq) return
      if (entry.seq !== last + 1) throw changed()
      last = entry.seq
      yield { type: 'entry', ...entry }
    }
    if (last === first.seq) return
    const page = await journal.entriesAfter(last, JOURNAL_PAGE_MAX)
    if (page.epoch !== first.epoch || page.entries.length === 0) throw changed()
    entries = page.entries
  }
}

function changed(): GatewayError {
  const message = 'the journal was cut or replaced while it was read; export it again'
  return new GatewayError('ERR_INTERNAL', message)
}
