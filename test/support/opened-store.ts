/** Opens the store that a process of a test is told of. */
import { systemClock } from '../../gateway/domain/clock.ts'
import type { SharedStore } from '../../gateway/domain/shared-state.ts'
import { openEmbeddedStore } from '../../gateway/store/embedded-store.ts'
import { createRedisStore, parseRedisUrl } from '../../gateway/store/redis-store.ts'

/** `where` is a folder or a redis:// URL. */
export async function openStoreAt(where: string, prefix: string): Promise<SharedStore> {
  if (where.startsWith('/')) return openEmbeddedStore({ dir: where, clock: systemClock })
  const target = parseRedisUrl(where)
  if ('problem' in target) throw new Error(target.problem)
  const limits = { commandTimeoutMs: 5_000, connectTimeoutMs: 5_000 }
  const store = createRedisStore({ target, prefix, ...limits })
  await store.whenUp()
  return store
}
