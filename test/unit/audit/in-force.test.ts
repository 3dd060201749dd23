import { afterAll, describe, expect, it } from '@jest/globals'
import { systemFiles } from '../../../gateway/audit/files/file-port.ts'
import type { PartDone } from '../../../gateway/audit/verify/parts.ts'
import { verifyLog, type LogReport } from '../../../gateway/audit/verify/verify-log.ts'
import { verifySegment } from '../../../gateway/audit/verify/walk-segment.ts'
import type { WalkJob } from '../../../gateway/audit/verify/walk-job.ts'
import type { LedgerRecord } from '../../../gateway/domain/ports.ts'
import { buildTreeLog, removeTreeLogs, type TreeLog } from '../../support/tree-log.ts'

afterAll(removeTreeLogs)

/** When record `seq` is made, and somewhat before. */
const timeOf = (seq: number, beforeMs = 0) =>
  new Date(Date.parse('2026-11-21T12:00:00.000Z') + seq * 1000 - beforeMs).toISOString()

const changed = (pol: string, cfg = 'c1'): LedgerRecord => ({
  type: 'policy.changed',
  fields: { pol, cfg },
})
const decided = (pol: string, cfg = 'c1', now?: string): LedgerRecord => ({
  type: 'decision',
  fields: { id: 'r', effect: 'permit', pol, cfg, ...(now === undefined ? {} : { env: { now } }) },
})

type Records = Readonly<Record<number, LedgerRecord>>

/** All of `records` in a log of 12, verified whole, in parts, and resumed after each segment. */
async function verified(at: Records, options: { runs?: number; closed?: boolean } = {}) {
  const log = buildTreeLog({ records: 24, perSegment: 4, everyMs: 1000, at, ...options })
  const keys = [{ vkey: log.vkey, from: 0, to: Number.MAX_SAFE_INTEGER }]
  const done: PartDone[] = []
  const whole = await verifyLog({ dir: log.dir, keys, onPart: (part) => done.push(part) })
  const runPart = (job: WalkJob) =>
    verifySegment(systemFiles, JSON.parse(JSON.stringify(job)) as WalkJob)
  const parts = await verifyLog({ dir: log.dir, keys, jobs: 3, runPart })
  expect(parts.findings).toEqual(whole.findings)
  for (const part of done) {
    const resume = JSON.parse(JSON.stringify(part)) as PartDone
    expect((await verifyLog({ dir: log.dir, keys, resume })).findings).toEqual(whole.findings)
  }
  return { log, keys, report: whole }
}

const seqs = ({ findings }: LogReport) => findings.map((one) => [one.class, one.seq])

describe('what decisions were made by', () => {
  it.each<[string, Records]>([
    ['what was announced before', { 1: changed('p1'), 2: decided('p1'), 9: decided('p1') }],
    ['what is announced next, as a run begins', { 1: decided('p1'), 6: changed('p1') }],
    ['what came later', { 1: changed('p1'), 5: changed('p2', 'c2'), 9: decided('p2', 'c2') }],
    [
      'what was replaced while the request was under way',
      { 1: changed('p1'), 5: changed('p2'), 9: decided('p1', 'c1', timeOf(5, 200)) },
    ],
    [
      'a configuration of when it arrived',
      { 1: changed('p1'), 5: changed('p1', 'c2'), 9: decided('p1', 'c1') },
    ],
    ['what came back', { 1: changed('p1'), 5: changed('p2'), 9: changed('p1'), 13: decided('p1') }],
    ['nothing that is named', { 1: changed('p1'), 5: { type: 'decision', fields: { id: 'r' } } }],
  ])('may be %s', async (_, at) => {
    const { report } = await verified(at)
    expect(report.verdict).toBe('intact')
    expect(seqs(report)).toEqual([])
  })

  it.each<[string, Records, number]>([
    ['what nobody announced', { 1: changed('p1'), 5: decided('p2') }, 5],
    ['a configuration nobody announced', { 1: changed('p1'), 5: decided('p1', 'c9') }, 5],
    [
      'what was replaced before the circumstances were known',
      { 1: changed('p1'), 5: changed('p2'), 9: decided('p1', 'c1', timeOf(8)) },
      9,
    ],
    ['something else than what comes next', { 1: decided('p9'), 6: changed('p1') }, 1],
    ['anything in a run that says nothing', { 4: decided('p1') }, 4],
  ])('must not be %s', async (_, at, seq) => {
    const { report, log, keys } = await verified(at)
    // It is as it was signed; that it should not say so is for people to judge, or for `isStrict`.
    expect(report.verdict).toBe('intact')
    expect(new Set(report.findings.map((one) => one.seq))).toEqual(new Set([seq]))
    expect(report.findings[0]).toMatchObject({ class: 'policy', line: (seq % 4) + 1 })
    const strict = await verifyLog({ dir: log.dir, keys, isStrict: true })
    expect(strict).toMatchObject({ verdict: 'tampered', fault: { class: 'policy', seq } })
  })

  it('must be announced in every run anew', async () => {
    const { report } = await verified(
      { 1: changed('p1'), 2: decided('p1'), 15: decided('p1') },
      { runs: 2 },
    )
    expect(seqs(report)).toEqual([
      ['policy', 15],
      ['policy', 15],
    ])
  })

  it('may still be announced where a run has only begun', async () => {
    const { report } = await verified({ 20: decided('p1') }, { closed: false })
    expect(seqs(report)).toEqual([])
  })

  it('is not asked for before the place that reading begins at', async () => {
    const log: TreeLog = buildTreeLog({
      ...{ records: 200, everyMs: 1000 },
      at: { 1: changed('p1'), 150: decided('p0'), 180: changed('p2'), 190: decided('p9') },
    })
    const keys = [{ vkey: log.vkey, from: 0, to: Number.MAX_SAFE_INTEGER }]
    const { parseCheckpoint } = await import('../../../gateway/audit/tree/checkpoint.ts')
    const checkpoint = parseCheckpoint(Buffer.from(log.notes[0] ?? ''))
    if (typeof checkpoint === 'string') throw new TypeError(checkpoint)
    const report = await verifyLog({ dir: log.dir, keys, since: { file: 'kept', checkpoint } })
    expect(new Set(report.findings.map((one) => one.seq))).toEqual(new Set())
  })
})
