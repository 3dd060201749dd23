import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import { systemFiles } from '../../../gateway/audit/files/file-port.ts'
import { createKeySigner } from '../../../gateway/audit/signing/signer-port.ts'
import { gapRecord, prepareGap } from '../../../gateway/audit/verify/accept-gap.ts'
import { verifyLog } from '../../../gateway/audit/verify/verify-log.ts'
import {
  harness,
  NOON,
  note,
  removeDirectories,
  segmentNames,
} from '../../support/audit-harness.ts'
import { newSigner } from '../../support/tree-log.ts'

afterAll(removeDirectories)

const own = newSigner('test/audit/n1')
const keys = [{ vkey: own.verifier.vkey, from: 0, to: Number.MAX_SAFE_INTEGER }]
const signer = createKeySigner([own])

/** A log of the writer, closed. */
async function written() {
  const log = harness()
  const ledger = await log.open({ segmentBytesMax: 20_000, signer })
  for (let i = 0; i < 300; i++) {
    await ledger.append(note(`r${i}`), i % 50 === 0 ? 'disk' : 'kernel')
  }
  await ledger.close()
  return log
}

const verify = (dir: string) => verifyLog({ dir, keys })
const segment = (dir: string, index: number) => join(dir, 'seg', segmentNames(dir).at(index) ?? '')

describe('what the writer leaves', () => {
  it('is intact', async () => {
    const { dir } = await written()
    expect(await verify(dir)).toMatchObject({ verdict: 'intact', fault: undefined, size: 302 })
  })
})

describe('accepting a gap', () => {
  const damages: readonly (readonly [string, (dir: string) => void, string])[] = [
    ['the end is gone', (dir) => rmSync(segment(dir, -1)), 'truncated'],
    [
      'a record was changed',
      (dir) => {
        const path = segment(dir, 2)
        writeFileSync(
          path,
          readFileSync(path, 'utf8').replace('"effect":"permit"', '"effect":"Permit"'),
        )
      },
      'record',
    ],
    ['a segment in the middle is gone', (dir) => rmSync(segment(dir, 1)), 'segment'],
    ['a tile is gone', (dir) => rmSync(join(dir, 'tile/0/000')), 'tile'],
    ['the checkpoints are gone', (dir) => rmSync(join(dir, 'checkpoints.log')), 'checkpoint'],
  ]

  it.each(damages)('goes on when %s, on the record', async (_, damage, fault) => {
    const log = await written()
    const { dir } = log
    damage(dir)
    expect((await verify(dir)).fault?.class).toBe(fault)
    const asked = { files: systemFiles, dir, keys, by: 'jo', reason: 'a test', now: NOON }
    const gaps = await prepareGap(asked)
    expect(gaps).toMatchObject([{ by: 'jo', fault }])
    // Until the record is written it is asked for again, and verification says that it is missing.
    expect((await prepareGap(asked)).length).toBe(gaps[0]?.moved.length)
    const ledger = await log.open({ signer })
    for (const gap of gaps) await ledger.append(gapRecord(gap), 'disk')
    await ledger.close()
    const report = await verify(dir)
    expect(report).toMatchObject({ verdict: 'gaps', fault: undefined })
    expect(report.facts.gaps).toMatchObject([{ by: 'jo', reason: 'a test' }])
    const aside = readdirSync(dir).filter((name) => name.startsWith('damaged-'))
    expect(report.facts.gaps[0]?.moved).toEqual(aside)
  })

  it('finds nothing to accept in a log that is intact', async () => {
    const { dir } = await written()
    const asked = { files: systemFiles, dir, keys, by: 'jo', reason: 'a test', now: NOON }
    expect(await prepareGap(asked)).toEqual([])
  })
})
