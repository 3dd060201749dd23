/** Lines of a campaign before anybody has looked at them: their order, and what is striking. */
import type { ReviewLine } from '../review.ts'
import { privilegeOf } from './privileges.ts'

const DAY_MS = 86_400_000

/** A privilege that was not made use of for so long is one to ask about. */
export const UNUSED_MS = 90 * DAY_MS

/** A line that has no number yet. */
export type ListedLine = Omit<ReviewLine, 'id' | 'decision' | 'assignee'>

/**
 * Whether the privilege was neither used nor given in the last 90 days before `now`. One that was
 * never used, and that nobody knows the age of, is unused.
 */
export function isUnused(
  { lastUsedAt, givenAt }: Pick<ReviewLine, 'lastUsedAt' | 'givenAt'>,
  now: number,
): boolean {
  return (lastUsedAt ?? givenAt ?? -Infinity) <= now - UNUSED_MS
}

/**
 * Each privilege of each holder once, in the order in which they deserve a look: what nobody can
 * use, then what was never used, then what was used longest ago. Among equals by source and holder.
 */
export function inOrder(lines: readonly ListedLine[]): readonly ListedLine[] {
  const once = new Map<string, ListedLine>()
  for (const line of lines) {
    const key = `${privilegeOf(line)}\0${line.holder}`
    if (!once.has(key)) once.set(key, line)
  }
  return [...once.values()].sort(
    (a, b) =>
      Number(b.ghost) - Number(a.ghost) ||
      (a.lastUsedAt ?? -Infinity) - (b.lastUsedAt ?? -Infinity) ||
      bySource(a, b) ||
      (a.holder < b.holder ? -1 : 1),
  )
}

/** `policy.csv:9` before `policy.csv:10`. */
function bySource(a: ListedLine, b: ListedLine): number {
  const [fileA = '', lineA = ''] = placeOf(a.source)
  const [fileB = '', lineB = ''] = placeOf(b.source)
  if (fileA !== fileB) return fileA < fileB ? -1 : 1
  return Number(lineA) - Number(lineB)
}

function placeOf(source: string): readonly string[] {
  const at = source.lastIndexOf(':')
  const line = source.slice(at + 1)
  return at > 0 && /^\d{1,9}$/.test(line) ? [source.slice(0, at), line] : [source, '0']
}
