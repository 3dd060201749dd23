import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals'
import { createStreamOutlet } from '../../gateway/audit/sinks/simple-outlets.ts'
import { createRedisStream, type RedisStream } from '../../gateway/store/redis-stream.ts'
import { parseRedisUrl } from '../../gateway/store/redis-store.ts'
import { leafHash } from '../../gateway/audit/line/record.ts'
import { removeDirectories } from '../support/audit-harness.ts'
import { startRedis, type TestRedis } from '../support/redis.ts'
import { fileLog, PLENTY_MS, startSink, stopSinks, upTo } from '../support/sinks.ts'

let redis: TestRedis
beforeAll(async () => {
  redis = await startRedis()
})
afterEach(stopSinks)
afterAll(async () => {
  removeDirectories()
  await redis.close()
})

function stream(name: string, entriesMax = 1_000_000): RedisStream {
  const target = parseRedisUrl(redis.url)
  if ('problem' in target) throw new Error(target.problem)
  const bounds = { commandTimeoutMs: 1_000, connectTimeoutMs: 1_000 }
  return createRedisStream({ target, prefix: 'test', ...bounds, stream: name, entriesMax })
}

const outletOf = (to: RedisStream) => {
  const outlet = createStreamOutlet((entries) =>
    to.append(
      entries.map(({ seq, type, leaf, line }) => [
        ['seq', String(seq)],
        ['type', type],
        ['leaf', leaf],
        ['record', line],
      ]),
    ),
  )
  return {
    ...outlet,
    close: (signal: AbortSignal) => {
      to.close()
      return outlet.close(signal)
    },
  }
}

async function entriesOf(name: string): Promise<Record<string, string>[]> {
  const reply = (await redis.command('xrange', `test:stream:${name}`, '-', '+')) as [
    string,
    string[],
  ][]
  return reply.map(([, pairs]) => {
    const fields: Record<string, string> = {}
    for (let i = 0; i < pairs.length; i += 2) fields[pairs[i] ?? ''] = pairs[i + 1] ?? ''
    return fields
  })
}

describe('a Redis stream', () => {
  it('has an entry for each record, in order', async () => {
    const log = fileLog()
    log.addMany(230, { name: 'Jürg\n' })
    const { sinks, until } = startSink(log, outletOf(stream('all')))
    await until(({ type }) => type === 'sent')
    await sinks.stop(PLENTY_MS)
    const entries = await entriesOf('all')
    expect(entries.map(({ seq }) => Number(seq))).toEqual(upTo(230))
    const { record = '', leaf, type } = entries.at(-1) ?? {}
    expect(type).toBe('decision')
    expect(leafHash(Buffer.from(record))).toBe(leaf)
  })

  it('keeps about so many entries as it may', async () => {
    const log = fileLog()
    log.addMany(999)
    const { sinks, until } = startSink(log, outletOf(stream('short', 100)))
    await until(({ type }) => type === 'sent')
    await sinks.stop(PLENTY_MS)
    const entries = await entriesOf('short')
    expect(entries.length).toBeLessThan(400)
    expect(entries.at(-1)?.['seq']).toBe('999')
  })

  it('is waited for while Redis is away', async () => {
    const log = fileLog()
    const to = stream('away')
    const { sinks, events, until } = startSink(log, outletOf(to), { whenFull: 'block' })
    await until(({ type }) => type === 'sent')
    redis.signal('SIGSTOP')
    log.addMany(20)
    await until((event) => event.type === 'failed' && event.why === 'ERR_STORE_UNAVAILABLE')
    redis.signal('SIGCONT')
    await until(({ type }) => type === 'recovered')
    await sinks.stop(PLENTY_MS)
    const seqs = (await entriesOf('away')).map(({ seq }) => Number(seq))
    // What Redis did although it did not answer in time is there twice, in order each time.
    expect([...new Set(seqs)]).toEqual(upTo(20))
    expect(events.at(-1)?.type).toBe('sent')
  })
})
