import { appendFileSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from '@jest/globals'
import { systemFiles } from '../../../gateway/audit/files/file-port.ts'
import { leafHash, serializeRecord } from '../../../gateway/audit/line/record.ts'
import { parseCheckpoint, type ReadCheckpoint } from '../../../gateway/audit/tree/checkpoint.ts'
import type { PartDone } from '../../../gateway/audit/verify/parts.ts'
import { verifyLog } from '../../../gateway/audit/verify/verify-log.ts'
import { verifySegment } from '../../../gateway/audit/verify/walk-segment.ts'
import type { WalkJob } from '../../../gateway/audit/verify/walk-job.ts'
import { buildTreeLog, newSigner, removeTreeLogs, type TreeLog } from '../../support/tree-log.ts'

afterAll(removeTreeLogs)

const ALWAYS = { from: 0, to: Number.MAX_SAFE_INTEGER }
const keyOf = (vkey: string) => [{ vkey, ...ALWAYS }]
const checkpointOf = (note = '') => parseCheckpoint(Buffer.from(note)) as ReadCheckpoint
const pathOf = ({ dir }: TreeLog, first: number) =>
  join(dir, 'seg', `${String(first).padStart(16, '0')}.jsonl`)

/** Jobs as they would be sent to another process. */
const overJson = (job: WalkJob) =>
  verifySegment(systemFiles, JSON.parse(JSON.stringify(job)) as WalkJob)

describe('an honest log', () => {
  it('is intact, over several runs and segments', async () => {
    const log = buildTreeLog({ records: 700, runs: 3 })
    const report = await verifyLog({ dir: log.dir, keys: keyOf(log.vkey) })
    expect(report).toMatchObject({ verdict: 'intact', size: 700, unproven: 0, segments: 7 })
    expect(report.root).toBe(log.rootAt(700).toString('base64'))
    expect(report.facts).toMatchObject({ records: 700, boots: 3, signed: 700, checkpoints: 11 })
  })

  it('is read in parts at a time with the same end, and more than one part counts ahead', async () => {
    const { dir, vkey } = buildTreeLog({ records: 1100, perSegment: 256, perCheckpoint: 32 })
    let parts = 0
    const runPart = (job: WalkJob) => {
      parts += 1
      return overJson(job)
    }
    const alone = await verifyLog({ dir, keys: keyOf(vkey) })
    expect(await verifyLog({ dir, keys: keyOf(vkey), jobs: 3, runPart })).toEqual(alone)
    // None was done twice: what each began with was what the one before ended with.
    expect(parts).toBe(5)
  })

  it('is unproven without a key, and behind the last checkpoint', async () => {
    const { dir, vkey } = buildTreeLog({ records: 150, closed: false })
    expect(await verifyLog({ dir, keys: [] })).toMatchObject({ verdict: 'unproven', unproven: 150 })
    const report = await verifyLog({ dir, keys: keyOf(vkey) })
    expect(report).toMatchObject({ verdict: 'unproven', unproven: 22, size: 150 })
  })

  it('goes on where an earlier verification ended, and does not read what was read', async () => {
    const log = buildTreeLog({ records: 700, perSegment: 100 })
    const done: PartDone[] = []
    await verifyLog({ dir: log.dir, keys: keyOf(log.vkey), onPart: (part) => done.push(part) })
    const resume = JSON.parse(JSON.stringify(done[3])) as PartDone
    rmSync(pathOf(log, 100))
    const report = await verifyLog({ dir: log.dir, keys: keyOf(log.vkey), resume })
    expect(report).toMatchObject({ verdict: 'intact', size: 700 })
    expect(report.facts.records).toBe(700)
  })

  it('is read from a checkpoint on that somebody vouches for', async () => {
    const { dir, vkey, notes } = buildTreeLog({ records: 700 })
    const since = { file: 'kept', checkpoint: checkpointOf(notes[4]) }
    const report = await verifyLog({ dir, keys: keyOf(vkey), since })
    expect(report).toMatchObject({ verdict: 'intact', size: 700, facts: { records: 380 } })
  })
})

describe('keys', () => {
  it('count only at the sizes they are valid for', async () => {
    const { dir, vkey } = buildTreeLog({ records: 300 })
    const report = await verifyLog({ dir, keys: [{ vkey, from: 0, to: 200 }] })
    expect(report).toMatchObject({ verdict: 'tampered', fault: { class: 'signature' } })
  })

  it('of somebody else prove nothing', async () => {
    const { dir } = buildTreeLog({ records: 100 })
    const other = newSigner('test/audit/n1').verifier.vkey
    expect((await verifyLog({ dir, keys: keyOf(other) })).verdict).toBe('tampered')
  })

  it('of witnesses say how far the log is proven', async () => {
    const own = newSigner('test/audit/n1')
    const witness = newSigner('w.example/1', 'cosignature')
    const log = buildTreeLog({ records: 128, signers: [own] })
    const [first = ''] = log.notes
    const text = first.slice(0, first.indexOf('\n\n') + 1)
    writeFileSync(join(log.dir, 'witnessed'), first + witness.sign(text, 1_700_000_000))
    const witnesses = keyOf(witness.verifier.vkey)
    const report = await verifyLog({ dir: log.dir, keys: keyOf(log.vkey), witnesses })
    expect(report).toMatchObject({ verdict: 'unproven', unproven: 64, facts: { witnessed: 64 } })
  })
})

describe('an end that was cut', () => {
  it('is truncated when a checkpoint speaks for it', async () => {
    const log = buildTreeLog({ records: 300 })
    rmSync(pathOf(log, 200))
    const report = await verifyLog({ dir: log.dir, keys: keyOf(log.vkey) })
    expect(report).toMatchObject({ verdict: 'truncated', size: 200, fault: { seq: 200 } })
  })

  it('is unproven when it is torn behind the last checkpoint', async () => {
    const log = buildTreeLog({ records: 128, perSegment: 128 })
    appendFileSync(pathOf(log, 0), '{"v":1,"lo')
    const report = await verifyLog({ dir: log.dir, keys: keyOf(log.vkey) })
    expect(report).toMatchObject({ verdict: 'unproven', torn: 10, unproven: 0 })
  })
})

describe('removed records', () => {
  const removed = { type: 'log.pruned', fields: { first: 0, last: 199, bytes: 1 } }

  it('are missed by nobody once a signed record says so', async () => {
    const log = buildTreeLog({ records: 600, at: { 500: removed } })
    rmSync(pathOf(log, 0))
    rmSync(pathOf(log, 100))
    const report = await verifyLog({ dir: log.dir, keys: keyOf(log.vkey) })
    expect(report).toMatchObject({ verdict: 'intact', size: 600, firstSeq: 200, unproven: 0 })
    expect(report.root).toBe(log.rootAt(600).toString('base64'))
  })

  it('are missed when nothing says so, or only a record that nobody signed', async () => {
    const silent = buildTreeLog({ records: 600 })
    rmSync(pathOf(silent, 0))
    const first = await verifyLog({ dir: silent.dir, keys: keyOf(silent.vkey) })
    expect(first).toMatchObject({ verdict: 'tampered', fault: { class: 'segment', seq: 0 } })
    const forged = buildTreeLog({ records: 600 })
    rmSync(pathOf(forged, 0))
    const stamp = {
      log: forged.log,
      seq: 600,
      ts: '2026-11-21T13:00:00.000Z',
      monotonicMs: 1,
      boot: 'boot-0',
      prev: leafHash(forged.lines.at(-1) ?? ''),
    }
    appendFileSync(pathOf(forged, 500), `${serializeRecord(stamp, removed)}\n`)
    const second = await verifyLog({ dir: forged.dir, keys: keyOf(forged.vkey) })
    expect(second).toMatchObject({ verdict: 'tampered', fault: { class: 'segment', seq: 0 } })
  })
})

it('names the record that was changed where no tile tells, from the record after it', async () => {
  const log = buildTreeLog({ records: 100, signers: [] })
  const path = pathOf(log, 0)
  writeFileSync(path, readFileSync(path, 'utf8').replace('"id":"r40"', '"id":"r4x"'))
  const report = await verifyLog({ dir: log.dir, keys: [] })
  expect(report.fault).toMatchObject({ class: 'record', seq: 40, line: 41 })
})

it('does not believe files that were moved aside without a record', async () => {
  const log = buildTreeLog({ records: 100 })
  cpSync(join(log.dir, 'seg'), join(log.dir, 'damaged-20261121T120000Z'), { recursive: true })
  const report = await verifyLog({ dir: log.dir, keys: keyOf(log.vkey) })
  expect(report).toMatchObject({ verdict: 'tampered', fault: { class: 'gap' } })
  expect(readdirSync(log.dir)).toContain('damaged-20261121T120000Z')
})
