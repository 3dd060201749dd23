import { describe, expect, it } from '@jest/globals'
import { parseLedgerOptions } from '../../bench/ledger/bench.ts'
import { isAsWanted, ledgerText, type LedgerReport } from '../../bench/ledger/report.ts'
import { recordsOf } from '../../bench/ledger/requests.ts'

const run = { mode: 'full', requests: 1, seconds: 1, recordsPerSecond: 60_000, loopUs: 7 }
const full = [{ ...run, wallUs: 7.5, cpuUs: 9, growthMiB: 0 }]
const verify = [{ records: 1, megabytes: 100, seconds: 6, megabytesPerMinute: 1_000, peakMiB: 90 }]
const report: LedgerReport = {
  machine: {
    cpu: 'a processor',
    cores: 2,
    memoryGiB: 1,
    node: 'v20.19.0',
    date: '2026-11-22',
    taskset: undefined,
    nginx: undefined,
    wrk: undefined,
  },
  rounds: 1,
  busy: 0,
  full,
  paced: full,
  verify,
}

describe('the ledger bench', () => {
  it('takes parts and bounds', () => {
    expect(parseLedgerOptions(['verify', '--quick'])).toMatchObject({
      parts: ['verify'],
      rounds: 1,
      seconds: 2,
    })
    expect(parseLedgerOptions(['--help'])).toBeUndefined()
    expect(() => parseLedgerOptions(['burn'])).toThrow(/append, verify/)
    expect(() => parseLedgerOptions(['--rounds', '0'])).toThrow(/from 1 to/)
  })

  it('says of every figure whether it is as wanted', () => {
    expect(isAsWanted(report)).toBe(true)
    expect(ledgerText(report)).not.toContain('NOT AS WANTED')
    const slow = { ...report, full: full.map((one) => ({ ...one, loopUs: 8.5 })) }
    expect(isAsWanted(slow)).toBe(false)
    expect(ledgerText(slow).match(/NOT AS WANTED/g)).toHaveLength(1)
  })

  it('measures records as a gateway writes them: a decision and its outcome', () => {
    const [decision, outcome] = recordsOf(7)
    expect([decision.type, outcome.type]).toEqual(['decision', 'outcome'])
    expect(decision.fields['id']).toBe(outcome.fields['id'])
  })
})
