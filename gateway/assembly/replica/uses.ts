/** What was made use of since the store was last told. */
import { useKey } from '../../access/reviews/privileges.ts'
import type { JournalStore, PrivilegeUse } from '../../domain/journal.ts'
import { USES_BATCH_MAX } from '../../domain/journal.ts'

/** Privileges remembered at once; of more, those that were used longest ago are forgotten. */
const USES_MAX = 10_000

/** Collects uses in memory, in constant time. */
export interface UseBuffer {
  /** `privilege` is the rule as written or `grant <id>`; `at` is the store's time. */
  used(privilege: string, holder: string, at: number): void
  /** Tells the store. What it does not take is told with the next call. @throws ERR_STORE_UNAVAILABLE */
  flush(): Promise<void>
}

/** Begins with none. */
export function createUseBuffer(journal: Pick<JournalStore, 'noteUses'>): UseBuffer {
  const uses = new Map<string, number>()
  const take = (): readonly PrivilegeUse[] => {
    const taken: PrivilegeUse[] = []
    for (const [privilege, at] of uses) {
      if (taken.length >= USES_BATCH_MAX) break
      taken.push({ privilege, at })
    }
    for (const { privilege } of taken) uses.delete(privilege)
    return taken
  }
  return {
    used(privilege, holder, at) {
      const name = useKey(privilege, holder)
      uses.delete(name)
      uses.set(name, at)
      if (uses.size <= USES_MAX) return
      const [oldest = ''] = uses.keys()
      uses.delete(oldest)
    },
    async flush() {
      while (uses.size > 0) {
        const taken = take()
        try {
          await journal.noteUses(taken)
        } catch (error) {
          for (const { privilege, at } of taken) if (!uses.has(privilege)) uses.set(privilege, at)
          throw error
        }
      }
    },
  }
}
