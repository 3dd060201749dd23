/** What a verification reads of the records that speak of the log itself. */
import type { AcceptedGap, Facts } from './facts.ts'

type Body = Readonly<Record<string, unknown>>

/** Types of records that are looked into. */
const NOTABLE: ReadonlySet<string> = new Set([
  'log.opened',
  'log.closed',
  'log.recovered',
  'log.degraded',
  'log.pruned',
  'log.gap.accepted',
  'heartbeat',
])

/** Whether records of this type are looked into. */
export function isNotable(type: string): boolean {
  return NOTABLE.has(type)
}

/** What `facts` become with the record `seq`. */
export function withRecord(facts: Facts, seq: number, type: string, body: Body): Facts {
  switch (type) {
    case 'log.recovered':
      return { ...facts, recovered: facts.recovered + 1 }
    case 'log.degraded': {
      const refused = facts.refused + (natural(body['refused']) ?? 0)
      return { ...facts, degraded: facts.degraded + 1, refused }
    }
    case 'log.pruned': {
      const prunedTo = Math.max(facts.prunedTo, natural(body['last']) ?? -1)
      return { ...facts, prunedTo, prunedBy: seq }
    }
    case 'log.gap.accepted':
      return { ...facts, gaps: [...facts.gaps, gapOf(seq, body)] }
    default:
      return facts
  }
}

function gapOf(seq: number, body: Body): AcceptedGap {
  const { by, reason, kept, lost, moved } = body
  return {
    seq,
    by: text(by),
    reason: text(reason),
    kept: natural(objectOf(kept)['size']) ?? 0,
    lost: natural(objectOf(lost)['size']) ?? 0,
    moved: Array.isArray(moved) ? moved.map(text) : [],
  }
}

/** The tree that `log.opened` says it found; `undefined` when it says nothing of one. */
export function statedTree(
  body: Body,
): { readonly size: number; readonly root: string } | undefined {
  const places = [objectOf(body['previous']), objectOf(body['tree']), body]
  for (const { size, root } of places) {
    const count = natural(size)
    if (count !== undefined && typeof root === 'string') return { size: count, root }
  }
  return undefined
}

/** The checkpoint that a record says was the last one signed before it. */
export function statedNote(
  body: Body,
): { readonly size: number; readonly end: number } | undefined {
  const { size, end } = objectOf(body['signed'])
  const [count, at] = [natural(size), natural(end)]
  return count === undefined || at === undefined ? undefined : { size: count, end: at }
}

function objectOf(value: unknown): Body {
  return typeof value === 'object' && value !== null ? (value as Body) : {}
}

function natural(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : undefined
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
