import { afterAll, describe, expect, it } from '@jest/globals'
import type { LedgerRecord, LedgerValue } from '../../../gateway/domain/ports.ts'
import { harness, removeDirectories, storedRecords } from '../../support/audit-harness.ts'

afterAll(removeDirectories)

const denied = (id: string, more: Record<string, LedgerValue | undefined> = {}): LedgerRecord => ({
  type: 'decision',
  fields: { id, effect: 'deny', reason: 'token_expired', ip: '203.0.113.9', ...more },
})

async function opened(refusalsPerSecond = 3) {
  const log = harness()
  const ledger = await log.open({ refusalsPerSecond })
  return { ...log, ledger }
}

const counts = (dir: string) => storedRecords(dir).filter(({ type }) => type === 'decision.refused')

describe('a flood of refusals', () => {
  it('is recorded whole up to the bound, and counted by reason and caller beyond it', async () => {
    const { dir, clock, timers, ledger } = await opened()
    for (let i = 0; i < 10; i++) await ledger.append(denied(`a${i}`), 'kernel')
    clock.advance(300)
    for (let i = 0; i < 5; i++) {
      await ledger.append(denied(`b${i}`, { sub: 'user:x/jo', iss: 'x' }), 'kernel')
    }
    expect(counts(dir)).toEqual([])
    clock.advance(700)
    timers.fire()
    await ledger.append(denied('next'), 'kernel')
    await ledger.close()
    const whole = storedRecords(dir).filter(({ type }) => type === 'decision')
    expect(whole.map(({ id }) => id)).toEqual(['a0', 'a1', 'a2', 'next'])
    const from = '2026-11-21T12:00:00.000Z'
    const seen = { effect: 'deny', of: 'decision', reason: 'token_expired' }
    expect(counts(dir)).toMatchObject([
      { ...seen, ip: '203.0.113.9', count: 7, first: 'a3', last: 'a9', from, to: from },
      { ...seen, iss: 'x', sub: 'user:x/jo', count: 5, first: 'b0', last: 'b4' },
    ])
  })

  it('never hides what was permitted, what is privileged, or what must be on disk', async () => {
    const { dir, ledger } = await opened(0)
    const ops = (act: string) => ({ ops: [{ act, res: 'model:a' }] })
    const kept = [
      { type: 'decision', fields: { id: 'p', effect: 'permit' } },
      denied('export', ops('export')),
      denied('unknown', ops('something')),
      { type: 'incident', fields: { id: 'i', effect: 'deny' } },
    ]
    for (const record of kept.slice(0, 2)) await ledger.append(record, 'kernel')
    await ledger.append(denied('disk'), 'disk')
    await ledger.append(kept[3] ?? denied(''), 'kernel')
    await ledger.append(denied('infer', ops('infer')), 'kernel')
    await ledger.append({ type: 'protocol.rejected', fields: { id: 'x', reason: 'f' } }, 'kernel')
    await ledger.close()
    expect(storedRecords(dir).flatMap(({ id }) => id ?? [])).toEqual(['p', 'export', 'disk', 'i'])
    expect(counts(dir)).toMatchObject([
      { of: 'decision', count: 1, first: 'infer' },
      { of: 'protocol.rejected', count: 1, reason: 'f' },
    ])
  })

  it('of countless callers is told apart for some, and counted by reason for the rest', async () => {
    const { dir, ledger } = await opened(0)
    for (let i = 0; i < 3000; i++) {
      await ledger.append(denied(`r${i}`, { ip: `ip-${i}`, reason: `r${i % 2}` }), 'kernel')
    }
    await ledger.close()
    const found = counts(dir)
    expect(found).toHaveLength(1024 + 2)
    expect(found.reduce((sum, { count }) => sum + Number(count), 0)).toBe(3000)
    expect(found.filter(({ ip }) => ip === undefined)).toHaveLength(2)
  })

  it('is not taken by a ledger that cannot be written', async () => {
    const { ledger } = await opened(0)
    await ledger.close()
    await expect(ledger.append(denied('late'), 'kernel')).rejects.toMatchObject({
      code: 'ERR_AUDIT_UNAVAILABLE',
    })
  })
})
