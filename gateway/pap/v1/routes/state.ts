/** The journal and the replicas that work with it. */
import { answered, readRoute } from '../api-route.ts'
import { isInForce } from '../../../access/locks/in-force.ts'
import { isActiveGrant, statusOf } from '../../../access/standing.ts'

/** `/v1/state` and `/v1/replicas`. */
export const STATE_ROUTES = [
  readRoute({
    path: '/v1/state',
    operationId: 'state.show',
    summary: 'How far this replica has come in the journal, and how sure it is of that',
    area: 'replicas',
    action: 'read',
    query: 'none',
    answer: 'state',
    run: ({ state, now, replica }) =>
      answered('state', {
        epoch: state.epoch,
        seq: state.seq,
        at: new Date(state.at).toISOString(),
        fresh: replica.fresh,
        staleness_ms: Math.round(replica.stalenessMs),
        requests: { pending: countOf(state.requests, (one) => statusOf(one, now) === 'pending') },
        grants: { active: countOf(state.grants, (one) => isActiveGrant(one, now)) },
        locks: { active: countOf(state.locks, (one) => isInForce(one, now)) },
      }),
  }),
  readRoute({
    path: '/v1/replicas',
    operationId: 'replicas.list',
    summary: 'Every process that works with the journal, and how far each has come',
    area: 'replicas',
    action: 'read',
    query: 'page',
    answer: 'replicas',
    run: ({ state, replica, page }) => {
      const paged = page(replica.replicas, ({ id }) => id)
      if ('reason' in paged) return { problem: paged }
      const items = paged.entries.map(({ id, name, seq, at }) => ({
        id,
        name,
        seq,
        lag: Math.max(0, state.seq - seq),
        said_at: new Date(at).toISOString(),
      }))
      return answered('replicas', {
        items,
        ...(paged.next === undefined ? {} : { next: paged.next }),
      })
    },
  }),
]

function countOf<T>(map: ReadonlyMap<string, T>, counts: (entry: T) => boolean): number {
  let count = 0
  for (const entry of map.values()) if (counts(entry)) count += 1
  return count
}
