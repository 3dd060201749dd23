import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { describe, expect, it } from '@jest/globals'
import { createLogger, type LogLevel } from '../../../gateway/log/logger.ts'

function collect(level: LogLevel = 'debug') {
  const lines: string[] = []
  const clock = { now: () => Date.UTC(2026, 0, 2, 3, 4, 5, 6), monotonicMs: () => 0 }
  const logger = createLogger({ level, clock, destination: { write: (l) => void lines.push(l) } })
  return { logger, lines, records: () => lines.map((l) => JSON.parse(l) as unknown) }
}

describe('the log', () => {
  it('writes one JSON object per line with level, time, fields and message', () => {
    const { logger, lines } = collect()
    logger.info({ upstream: 'llm', port: 8080 }, 'listening')
    expect(lines).toEqual([
      '{"level":"info","time":"2026-01-02T03:04:05.006Z","upstream":"llm","port":8080,"msg":"listening"}\n',
    ])
  })

  it('leaves out levels below its own', () => {
    const { logger, records } = collect('warn')
    logger.debug({}, 'a')
    logger.info({}, 'b')
    logger.warn({}, 'c')
    logger.error({}, 'd')
    expect(records()).toMatchObject([{ level: 'warn' }, { level: 'error' }])
  })

  it('gives the fields of a child to each of its lines', () => {
    const { logger, records } = collect()
    const child = logger.child({ room: 'pdp', token: 'x' }).child({ revision: 'sha256:1' })
    child.error({ password: 'x' }, 'failed')
    expect(records()).toMatchObject([
      { room: 'pdp', token: '[redacted]', revision: 'sha256:1', password: '[redacted]' },
    ])
  })

  it('keeps every record on one physical line that a terminal cannot be fooled by', () => {
    const { logger, lines } = collect()
    const nasty = 'a\n{"level":"error"}\r\0\u001b[2J\u0085\u009b\u2028\u2029\u202e\u2066\ud800'
    logger.info({ [nasty]: nasty, deep: { [nasty]: [nasty] } }, nasty)
    expect(lines).toHaveLength(1)
    expect(lines[0]).toMatch(/^[^\n]*\n$/)
    expect(lines[0]?.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u)
    const record = JSON.parse(lines[0] ?? '') as Record<string, unknown>
    expect(record['msg']).toBe(nasty)
    expect(record['level']).toBe('info')
  })

  it('does not let a field replace the level, the time or the message', () => {
    const { logger, lines } = collect()
    logger.info({ level: 'fatal', time: 0, msg: 'forged' }, 'true')
    expect(lines[0]?.match(/"level"/g)).toHaveLength(1)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'info',
      msg: 'true',
      field_level: 'fatal',
      field_time: 0,
      field_msg: 'forged',
    })
  })

  it('scrubs credentials from messages', () => {
    const { logger, lines } = collect()
    logger.warn({}, 'rejected Bearer abcdef %s %j')
    expect(lines[0]).toContain('"msg":"rejected Bearer [redacted] %s %j"')
  })

  it('flushes at once when the destination does not buffer', async () => {
    await expect(collect().logger.flush()).resolves.toBeUndefined()
  })

  it('goes on when the reader of standard output goes away', async () => {
    const script = `
      const { createLogger } = await import('./gateway/log/logger.ts')
      const logger = createLogger({ level: 'info' })
      logger.info({}, 'first')
      await logger.flush()
      process.stdin.once('data', async () => {
        for (let i = 0; i < 2000; i++) logger.info({ i }, 'x'.repeat(200))
        await logger.flush()
        logger.info({}, 'after')
        await logger.flush()
        process.stderr.write('alive')
        process.exit(0)
      })`
    const args = ['--import', 'tsx', '--input-type=module', '-e', script]
    const child = spawn(process.execPath, args, { stdio: 'pipe' })
    const errors: string[] = []
    child.stderr.on('data', (chunk: Buffer) => errors.push(String(chunk)))
    const [first] = (await once(child.stdout, 'data')) as [Buffer]
    child.stdout.destroy()
    child.stdin.write('go')
    const [code] = (await once(child, 'exit')) as [number]
    expect(String(first)).toContain('"msg":"first"')
    expect([code, errors.join('')]).toEqual([0, 'alive'])
  }, 20_000)
})
