import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from '@jest/globals'
import fc from 'fast-check'
import type { Command } from '../../gateway/access/command.ts'
import type { JournalEntry, JournalStore } from '../../gateway/domain/journal.ts'
import { createMemoryStore } from '../../gateway/store/memory-store.ts'
import { forkedJournal } from '../support/forked-journal.ts'
import { handClock, lockOf, startReplica } from '../support/replicas.ts'

/** Sets a lock that may be there already: texts that are alike come often. */
const lockAgain =
  (name: string): Command<number> =>
  () => ({ events: [{ type: 'lock.set', lock: lockOf(name) }], result: 0 })

const names = fc.array(fc.constantFrom('ann', 'bob'), { minLength: 1, maxLength: 6 })

async function allOf(journal: JournalStore): Promise<readonly JournalEntry[]> {
  return (await journal.entriesAfter(0, 100)).entries
}

// threats §2.L 367, 368: however much was lost, and whatever was written in its place.
it('a replica relies on a journal exactly when everything that it knew is in it', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'modelgate-history-'))
  const world = fc.record({ known: names, kept: fc.nat(6), then: names, stepMs: fc.nat(1) })
  await fc.assert(
    fc.asyncProperty(world, async ({ known, kept, then, stepMs }) => {
      const clock = handClock()
      let inner = createMemoryStore({ clock }).journal
      const journal: JournalStore = {
        ...inner,
        head: () => inner.head(),
        append: (...asked) => inner.append(...asked),
        entriesAfter: (...asked) => inner.entriesAfter(...asked),
        onHint: () => () => undefined,
      }
      const watching = await startReplica({ journal, clock, dir, seen: undefined })
      for (const name of known) await watching.replica.run(lockAgain(name))
      await watching.tick()
      const before = await allOf(inner)
      inner = await forkedJournal(inner, Math.min(kept, known.length), clock)
      clock.advance(stepMs)
      const late = await startReplica({ journal, clock, dir, seen: undefined, id: 'late' })
      for (const name of then) await late.replica.run(lockAgain(name))
      const isThere = (await allOf(inner)).slice(0, before.length)
      await watching.tick()
      const isSame = JSON.stringify(isThere) === JSON.stringify(before)
      expect(watching.replica.fresh).toBe(isSame)
      await Promise.all([watching.replica.stop(), late.replica.stop()])
    }),
    { numRuns: 150 },
  )
  await rm(dir, { recursive: true, force: true })
}, 60_000)
