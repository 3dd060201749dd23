import { setImmediate as nextTurn } from 'node:timers/promises'
import { afterAll, describe, expect, it } from '@jest/globals'
import { createKeySigner } from '../../gateway/audit/signing/signer-port.ts'
import { systemClock, type Clock } from '../../gateway/domain/clock.ts'
import { readLog } from '../kills/read-log.ts'
import { harness, note, removeDirectories } from '../support/audit-harness.ts'
import { createPowerCut, type Fate } from '../support/power-cut.ts'
import { newSigner } from '../support/tree-log.ts'

afterAll(removeDirectories)

const key = newSigner('test/audit/n1')
const signer = createKeySigner([key])
const later = (ms: number): Clock => ({ ...systemClock, now: () => systemClock.now() + ms })
const FATES: readonly Fate[] = ['gone', 'some', 'zeros']

describe('a power cut', () => {
  it.each(FATES)(
    'takes nothing that was promised to be on disk; the rest is %s',
    async (fate) => {
      const { dir, open } = harness()
      const promised: string[] = []
      for (let life = 0; life < 8; life++) {
        const power = createPowerCut()
        // Nothing starts again at once; by then the lease of an unreadable lock has run out.
        const clock = later(life * 60_000)
        const options = { clock, segmentBytesMax: 40_000, signer }
        const ledger = await open({ ...options, files: power.files })
        const answered: Promise<unknown>[] = []
        for (let i = 0; i < 60 + life * 17; i++) {
          const id = `${life}-${i}`
          const isPrivileged = i % 5 === 0
          const pad = { ...note(id), fields: { ...note(id).fields, pad: 'x'.repeat(i * 13) } }
          const answer = ledger.append(pad, isPrivileged ? 'disk' : 'kernel')
          answered.push(
            answer.then(
              () => isPrivileged && promised.push(id),
              () => undefined,
            ),
          )
          if (i % 9 === 0) await nextTurn()
          if (i === 40) await Promise.all(answered)
        }
        power.cut(fate, life / 8)
        await Promise.all(answered)
        await ledger.close().catch(() => undefined)
        const found = readLog(dir, key.verifier)
        const lost = promised.filter((id) => (found.seqOf.get(id) ?? Infinity) >= found.signedSize)
        expect({ lost, faults: found.faults }).toEqual({ lost: [], faults: [] })
      }
      expect(promised.length).toBeGreaterThan(50)
      const ledger = await open({ clock: later(8 * 60_000), signer })
      await ledger.close()
      expect(readLog(dir, key.verifier)).toMatchObject({ tornBytes: 0, faults: [] })
    },
    60_000,
  )
})
