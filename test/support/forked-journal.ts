/** Journals that lost entries they had acknowledged, as a failover leaves them. */
import type { Clock } from '../../gateway/domain/clock.ts'
import type { JournalEntry, JournalStore } from '../../gateway/domain/journal.ts'
import { createMemoryStore } from '../../gateway/store/memory-store.ts'

/**
 * The first `kept` entries of `journal`, with their times, in a journal of the same epoch that goes
 * on from there. Snapshots are not taken along.
 */
export async function forkedJournal(
  journal: JournalStore,
  kept: number,
  clock: Clock,
): Promise<JournalStore> {
  const { epoch } = await journal.head()
  const entries: JournalEntry[] = []
  while (entries.length < kept) {
    const page = await journal.entriesAfter(entries.length, Math.min(kept - entries.length, 1_000))
    entries.push(...page.entries)
  }
  const fork = createMemoryStore({ clock }).journal
  const own = (await fork.head()).epoch
  for (const [seq, { text }] of entries.entries()) await fork.append([text], { epoch: own, seq })
  return {
    ...fork,
    head: async () => ({ ...(await fork.head()), epoch }),
    async append(texts, after) {
      const appended = await fork.append(texts, { ...after, epoch: own })
      if (appended.appended) return appended
      return { ...appended, head: { ...appended.head, epoch } }
    },
    async entriesAfter(...asked) {
      const page = await fork.entriesAfter(...asked)
      const timed = page.entries.map((one) => entries[one.seq - 1] ?? one)
      return { ...page, epoch, entries: timed }
    },
  }
}
