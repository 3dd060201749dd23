/** Which revision brought a row of `policy.csv`, and who put it in force. */
import { createFindings } from '../../pdp/policy/finding.ts'
import { readRows } from '../../pdp/policy/csv-lines.ts'
import type { HistoryEntry, HistoryIndex } from '../revisions/history-index.ts'
import type { RevisionStore } from '../revisions/revision-store.ts'

/** How a row came to be there. */
export interface RowOrigin {
  readonly by: string
  /** Milliseconds since the epoch. */
  readonly at: number
}

/** The history that is asked. */
export interface OriginSource {
  readonly index: Pick<HistoryIndex, 'read'>
  readonly store: Pick<RevisionStore, 'read'>
}

/** Revisions looked into, newest first. */
const REVISIONS_MAX = 200

/** A row as decisions quote it: its cells without padding, joined by a comma and a space. */
export function rowTexts(text: string): ReadonlySet<string> {
  const rows = readRows(text, createFindings('policy.csv'))
  const texts = new Set<string>()
  for (const { fields } of rows) texts.add(fields.map((field) => field.text).join(', '))
  return texts
}

/**
 * For each of `rows` the revision since which it has been there without a break. A row is left out
 * when that is not known: the history does not reach back so far, or a set in between was not kept.
 */
export async function rowOrigins(
  rows: Iterable<string>,
  { index, store }: OriginSource,
): Promise<ReadonlyMap<string, RowOrigin>> {
  const entries = [...(await index.read())].reverse().slice(0, REVISIONS_MAX)
  const pending = new Set(rows)
  const since = new Map<string, HistoryEntry>()
  for (const entry of entries) {
    if (pending.size === 0) break
    const set = await store.read(entry.revision)
    if (!set.ok) break
    const there = rowTexts(set.value.files.policy.text)
    for (const row of pending) {
      if (there.has(row)) since.set(row, entry)
      else pending.delete(row)
    }
    // Before the first revision there was nothing: what is in it came with it.
    if (entry.previous === null) pending.clear()
  }
  // What was there as far as can be seen may have been there before.
  for (const row of pending) since.delete(row)
  return new Map([...since].map(([row, { by, at }]) => [row, { by, at: Date.parse(at) }] as const))
}
