import { describe, expect, it, jest } from '@jest/globals'
import {
  performer,
  remoteLog,
  remoteMetrics,
  type LedgerNotice,
} from '../../../gateway/assembly/ledger-thread/telemetry.ts'
import { createMetrics } from '../../../gateway/metrics/metrics.ts'
import { fakeClock } from '../../support/audit-harness.ts'

function world() {
  const clock = fakeClock()
  const metrics = createMetrics({
    buildInfo: { version: '1', nodeVersion: 'v20.19.0' },
    upstreams: [],
    issuers: [],
  })
  const log = { info: jest.fn(), warn: jest.fn(), error: jest.fn() }
  const perform = performer(log, metrics, clock)
  const messages: LedgerNotice[] = []
  const port = {
    postMessage(notice: LedgerNotice) {
      const copy = structuredClone(notice)
      messages.push(copy)
      perform(copy)
    },
  }
  const metric = async (name: string): Promise<number> => {
    const { text } = await metrics.expose()
    const line = text.split('\n').find((one) => one.startsWith(`modelgate_${name} `))
    return Number(line?.slice(line.lastIndexOf(' ') + 1))
  }
  return { clock, log, messages, metric, remote: remoteMetrics(port), said: remoteLog(port) }
}

describe('what the thread of the ledger says', () => {
  it('is in the log, with what an error knows', () => {
    const { log, said } = world()
    const err = Object.assign(new Error('no room'), { code: 'ENOSPC' })
    said.error({ file: '/var/log', err }, 'the ledger cannot be written')
    expect(log.error).toHaveBeenCalledWith(
      expect.objectContaining({
        file: '/var/log',
        err: expect.objectContaining({ message: 'no room', code: 'ENOSPC' }) as unknown,
      }),
      'the ledger cannot be written',
    )
    said.info({ tiles: 3 }, 'replaced')
    said.warn({ tiles: 4 }, 'replaced')
    expect([log.info, log.warn].map(({ mock }) => mock.calls[0]?.[0])).toEqual([
      { tiles: 3 },
      { tiles: 4 },
    ])
  })

  it('is in the metrics; writes are told of together', async () => {
    const { clock, messages, metric, remote } = world()
    for (let i = 0; i < 999; i++) {
      remote.auditWrite(clock.now(), 2)
      remote.auditRecords('heartbeat', 3)
    }
    expect(messages).toEqual([])
    remote.auditWrite(clock.now(), 2)
    remote.auditWrite(clock.now(), 2)
    remote.tell()
    expect(messages.map(({ kind }) => kind)).toEqual(['writes', 'writes'])
    expect(await metric('audit_write_duration_seconds_count')).toBe(1_001)
    expect(await metric('audit_records_total{type="heartbeat"}')).toBe(2_997)
    remote.auditError()
    remote.auditSigned(17)
    expect(await metric('audit_errors_total')).toBe(1)
    expect(await metric('audit_tree_size')).toBe(17)
    remote.admitNames({ upstreams: [], issuers: [], witnesses: ['w1'] })
    remote.auditWitness('w1', 'cosigned')
    expect(await metric('audit_witness_total{witness="w1",result="cosigned"}')).toBe(1)
  })

  it('goes on ageing when it says nothing any more, and what there is none of does not', async () => {
    const { clock, metric, remote } = world()
    remote.auditAges(() => ({ checkpointMs: 2_000, witnessedMs: 0 }))
    remote.tell()
    clock.advance(3_000)
    expect(await metric('audit_checkpoint_age_seconds')).toBe(5)
    expect(await metric('audit_witnessed_age_seconds')).toBe(0)
    remote.tell()
    expect(await metric('audit_checkpoint_age_seconds')).toBe(2)
  })
})
