/** Whatever fails, and however often the process dies: every record, in order, at least once. */
import { afterAll, describe, expect, it } from '@jest/globals'
import fc from 'fast-check'
import { SinkProblem, type Outgoing, type Outlet } from '../../gateway/audit/sinks/sink-port.ts'
import { removeDirectories } from '../support/audit-harness.ts'
import { fileLog, PLENTY_MS, startSink, upTo } from '../support/sinks.ts'

afterAll(removeDirectories)

/** What becomes of a batch: it arrives, half of it does and nobody says so, nothing does, the line breaks. */
const FATES = ['arrives', 'half', 'none', 'lost'] as const

const lives = fc.array(
  fc.record({
    records: fc.integer({ min: 0, max: 30 }),
    fates: fc.array(fc.constantFrom(...FATES), { maxLength: 8 }),
    isKilled: fc.boolean(),
  }),
  { minLength: 1, maxLength: 5 },
)

/** An outlet with the fates of one life; then everything arrives. */
function fatefulOutlet(got: Outgoing[], fates: readonly (typeof FATES)[number][]): Outlet {
  const left = [...fates]
  const outlet: Outlet = {
    recordsMax: 7,
    settleMs: left.includes('lost') ? 60_000 : 0,
    deliver: (batch) => {
      const fate = left.shift() ?? 'arrives'
      if (fate === 'half') got.push(...batch.slice(0, batch.length / 2))
      if (fate === 'half' || fate === 'none') return Promise.reject(new SinkProblem(fate))
      // What is lost was taken by the kernel and read by nobody.
      if (fate === 'lost') setImmediate(() => outlet.onLost?.())
      else got.push(...batch)
      return Promise.resolve()
    },
    close: () => Promise.resolve(left.every((fate) => fate !== 'lost')),
  }
  return outlet
}

describe('a sink over many lives', () => {
  it('delivers every record at least once, each for the first time in order', async () => {
    await fc.assert(
      fc.asyncProperty(lives, async (all) => {
        const log = fileLog(11)
        const got: Outgoing[] = []
        for (const { records, fates, isKilled } of all) {
          log.addMany(records)
          const { sinks } = startSink(log, fatefulOutlet(got, fates), { whenFull: 'block' })
          await sinks.stop(isKilled ? 0 : PLENTY_MS)
        }
        await startSink(log, fatefulOutlet(got, [])).sinks.stop(PLENTY_MS)
        const firsts = [...new Set(got.map(({ seq }) => seq))]
        expect(firsts).toEqual(upTo(log.head().seq))
      }),
      { numRuns: 60 },
    )
  }, 60_000)
})
