import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from '@jest/globals'
import { SinkProblem } from '../../../gateway/audit/sinks/sink-port.ts'
import { removeDirectories, storedRecords } from '../../support/audit-harness.ts'
import {
  cursorOf,
  PLENTY_MS,
  fileLog,
  memoryOutlet,
  startSink,
  stopSinks,
  upTo,
  writeCursor,
} from '../../support/sinks.ts'

afterEach(stopSinks)
afterAll(removeDirectories)

describe('a sink', () => {
  it('sends every record of this run in order, over segments, and remembers where it is', async () => {
    const log = fileLog(7)
    log.addMany(40)
    const { outlet, seqs } = memoryOutlet()
    const { sinks } = startSink(log, outlet)
    await sinks.stop(PLENTY_MS)
    expect(seqs()).toEqual(upTo(40))
    expect(cursorOf(log.dir)).toEqual(log.head())
    expect(sinks.keepFrom()).toBe(Infinity)
  })

  it('goes on after its cursor', async () => {
    const log = fileLog(1_000)
    log.addMany(5)
    await startSink(log, memoryOutlet().outlet).sinks.stop(PLENTY_MS)
    // Large enough that the place is searched for, not read up to.
    log.addMany(900, { pad: 'x'.repeat(1_500) })
    const { outlet, seqs } = memoryOutlet()
    await startSink(log, outlet).sinks.stop(PLENTY_MS)
    expect(seqs()).toEqual(upTo(905, 6))
    writeCursor(log.dir, { seq: 700, hash: '' })
    const again = memoryOutlet()
    await startSink(log, again.outlet).sinks.stop(PLENTY_MS)
    expect(again.seqs()).toEqual(upTo(905, 701))
  })

  it('tries again what failed, and sends it in the same order', async () => {
    const log = fileLog()
    log.addMany(25)
    const { outlet, state, seqs } = memoryOutlet()
    let left = 3
    state.fault = () => (left-- > 0 ? new SinkProblem('http-503') : undefined)
    const { sinks, until, events } = startSink(log, outlet)
    await until(({ type }) => type === 'recovered')
    await sinks.stop(PLENTY_MS)
    expect(seqs()).toEqual(upTo(25))
    const failed = events.filter(({ type }) => type === 'failed')
    expect(failed).toEqual(
      [1, 2, 3].map((attempt) => ({ type: 'failed', sink: 'siem', why: 'http-503', attempt })),
    )
  })

  it('sends again what was delivered shortly before a connection was lost', async () => {
    const log = fileLog()
    log.addMany(8)
    const { outlet, seqs } = memoryOutlet({ settleMs: 60_000, close: () => Promise.resolve(false) })
    const { sinks, until } = startSink(log, outlet)
    await until(({ type }) => type === 'sent')
    outlet.onLost?.()
    expect(sinks.lags().get('siem')).toBe(9)
    await sinks.stop(PLENTY_MS)
    expect(seqs()).toEqual([...upTo(8), ...upTo(8)])
    // Nothing of it has settled.
    expect(cursorOf(log.dir)).toEqual({ seq: -1, hash: '' })
  })

  it('makes batches smaller that are too large, and leaves out what is too large alone', async () => {
    const log = fileLog()
    log.addMany(12)
    const { outlet, state, seqs } = memoryOutlet()
    state.fault = (batch) =>
      batch.length > 3 || batch.some(({ seq }) => seq === 6)
        ? new SinkProblem('http-413', { isTooLarge: true })
        : undefined
    const { sinks, until } = startSink(log, outlet)
    await until((event) => event.type === 'dropped' && event.why === 'too-large')
    state.fault = (batch) =>
      batch.length > 3 ? new SinkProblem('http-413', { isTooLarge: true }) : undefined
    await until(() => seqs().length >= 13)
    await sinks.stop(PLENTY_MS)
    expect(seqs()).toEqual([...upTo(5), ...upTo(13, 7)])
    expect(storedRecords(log.dir).at(-1)).toMatchObject({
      ...{ type: 'sink.dropped', sink: 'siem', from: 6, to: 6, why: 'too-large' },
    })
  })
})

describe('a sink that is too far behind', () => {
  it('drops the oldest, and the ledger says which', async () => {
    const log = fileLog()
    log.addMany(300)
    const { outlet, seqs } = memoryOutlet()
    const { sinks, events, until } = startSink(log, outlet, { lagMax: 100 })
    await until(({ type }) => type === 'dropped')
    await sinks.stop(PLENTY_MS)
    expect(events[0]).toEqual({ type: 'dropped', sink: 'siem', from: 0, to: 210, why: 'full' })
    expect(seqs()).toEqual(upTo(301, 211))
    expect(storedRecords(log.dir)[301]).toMatchObject({ type: 'sink.dropped', from: 0, to: 210 })
  })

  it('blocks when it must miss none, and keeps what it has not sent', async () => {
    const log = fileLog()
    log.addMany(20)
    const { outlet, state, seqs } = memoryOutlet()
    state.fault = () => new SinkProblem('ECONNREFUSED')
    const { sinks, until, lag } = startSink(log, outlet, { whenFull: 'block', lagMax: 21 })
    expect([sinks.blocking, lag(), sinks.keepFrom()]).toEqual([['siem'], 21, 0])
    await until(({ type }) => type === 'failed')
    state.fault = () => undefined
    await until(({ type }) => type === 'recovered')
    await sinks.stop(PLENTY_MS)
    expect(sinks.blocking).toEqual([])
    expect(seqs()).toEqual(upTo(20))
    expect(sinks.keepFrom()).toBe(21)
  })

  it('says what was pruned before it was sent', async () => {
    const log = fileLog(10)
    log.addMany(35)
    writeCursor(log.dir, { seq: 3, hash: '' })
    rmSync(join(log.dir, 'seg', '0000000000000000.jsonl'))
    rmSync(join(log.dir, 'seg', '0000000000000010.jsonl'))
    const { outlet, seqs } = memoryOutlet()
    const { sinks, until } = startSink(log, outlet)
    await until((event) => event.type === 'dropped' && event.why === 'pruned')
    await sinks.stop(PLENTY_MS)
    expect(seqs()).toEqual(upTo(36, 20))
    expect(storedRecords(log.dir).at(-1)).toMatchObject({ from: 4, to: 19, why: 'pruned' })
  })
})

describe('a cursor', () => {
  it('of another history is not trusted: records are sent again rather than not at all', async () => {
    const log = fileLog()
    log.addMany(9)
    for (const wrong of [
      { seq: 4, hash: 'A'.repeat(43) + '=' },
      { seq: 99, hash: '' },
    ]) {
      writeCursor(log.dir, wrong)
      const { outlet, seqs } = memoryOutlet()
      const { sinks, events } = startSink(log, outlet)
      await sinks.stop(PLENTY_MS)
      expect(events[0]).toEqual({ type: 'cursor', sink: 'siem', why: 'mismatch' })
      expect(seqs()).toEqual(upTo(9))
    }
  })

  it('that cannot be read is none: a new sink begins with this run', async () => {
    const log = fileLog()
    log.addMany(9)
    log.add({ type: 'log.opened', fields: { previous: { seq: 9, hash: 'x' } } })
    log.addMany(2)
    writeCursor(log.dir, { seq: 'x' })
    const { outlet, seqs } = memoryOutlet()
    await startSink(log, outlet).sinks.stop(PLENTY_MS)
    expect(seqs()).toEqual(upTo(12, 10))
  })
})
