/**
 * Gives records that only name their decision what the decision said: the outcome of a request is
 * then of somebody, on something. Bounded: of very many requests under way at once, the eldest are
 * forgotten, and their outcomes stay as they are.
 */
import type { StoredRecord } from '../read/query.ts'
import { textIn } from './fields.ts'

/** Completes records, which are given in the order of the log. */
export interface DecisionJoin {
  of(record: StoredRecord): StoredRecord
}

const HELD_MAX = 50_000
const JOINED = [
  ...['sub', 'iss', 'client', 'ip', 'ops', 'meth', 'path', 'upstream', 'route', 'req', 'trace'],
  'enc',
]

/** Builds a join that holds at most `heldMax` decisions. */
export function createDecisionJoin(heldMax = HELD_MAX): DecisionJoin {
  const decisions = new Map<string, StoredRecord>()
  return {
    of(record) {
      const id = textIn(record, 'id')
      if (id === undefined) return record
      const type = textIn(record, 'type')
      if (type === 'decision') {
        hold(decisions, id, record, heldMax)
        return record
      }
      if (type !== 'outcome' && type !== 'decision.more') return record
      const decision = decisions.get(id)
      if (type === 'outcome') decisions.delete(id)
      return decision === undefined ? record : { ...decision, ...record }
    },
  }
}

function hold(
  decisions: Map<string, StoredRecord>,
  id: string,
  record: StoredRecord,
  heldMax: number,
): void {
  const effect = textIn(record, 'effect')
  // A refused request has no outcome to wait for.
  if (effect !== 'permit') return
  const kept = JOINED.flatMap((name): [string, unknown][] =>
    Object.hasOwn(record, name) ? [[name, record[name]]] : [],
  )
  decisions.set(id, Object.fromEntries(kept))
  const [eldest] = decisions.keys()
  if (decisions.size > heldMax && eldest !== undefined) decisions.delete(eldest)
}
