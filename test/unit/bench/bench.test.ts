import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { describeMachine } from '../../bench/machine.ts'
import { parseOptions } from '../../bench/options.ts'
import { runPaced } from '../../bench/paced-load.ts'
import { parsePolicyOptions } from '../../bench/policy/bench.ts'
import { ENGINES, prepare, type EngineName } from '../../bench/policy/engines.ts'
import { policyReport, policyText, type EngineRun } from '../../bench/policy/report.ts'
import { asReceived, buildRequests, EXPECTED, REQUEST_KINDS } from '../../bench/policy/requests.ts'
import { benchRules } from '../../bench/policy/rule-set.ts'
import { latencyRows } from '../../bench/report.ts'
import { median, spread } from '../../bench/statistics.ts'

describe('statistics of a few rounds', () => {
  it('take the middle, and half of the range over it', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 2, 3])).toBe(2.5)
    expect(median([])).toBeNaN()
    expect(spread([90, 100, 110])).toBeCloseTo(0.1)
  })
})

describe('options of the bench', () => {
  it('have defaults, a quick form, and bounds', () => {
    const usual = parseOptions([])
    const quick = parseOptions(['--quick', '--rounds', '4', '--format', 'json'])
    expect(usual).toMatchObject({ format: 'text', rounds: 5, write: false })
    expect(quick).toMatchObject({ format: 'json', rounds: 4 })
    expect(quick?.roundSeconds).toBeLessThan(usual?.roundSeconds ?? 0)
    expect(parseOptions(['--help'])).toBeUndefined()
    expect(() => parseOptions(['--rounds', '1000'])).toThrow('--rounds')
    expect(() => parseOptions(['--format', 'xml'])).toThrow('--format')
    expect(() => parseOptions(['--nonsense'])).toThrow('nonsense')
  })
})

describe('the bench of the policy', () => {
  it('has options with defaults and bounds', () => {
    expect(parsePolicyOptions([])).toMatchObject({ rounds: 3, sizes: [10, 1000, 100_000] })
    expect(parsePolicyOptions(['--quick', '--rows', '20', '--engine', 'cedar'])).toMatchObject({
      rounds: 1,
      sizes: [20],
      engines: ['cedar'],
    })
    expect(parsePolicyOptions(['--help'])).toBeUndefined()
    expect(() => parsePolicyOptions(['--rows', '0'])).toThrow('--rows')
    expect(() => parsePolicyOptions(['--engine', 'opa'])).toThrow('--engine')
  })

  it.each(ENGINES)('asks %s questions whose answers are known', async (engine) => {
    const rules = benchRules(200)
    const loaded = await prepare(engine, rules)()
    for (const kind of REQUEST_KINDS) {
      for (const request of buildRequests(rules, kind, 40)) {
        const received = asReceived(request)
        expect(received).toEqual(request)
        const isPermitted = loaded.decide(loaded.ask(received))
        expect([kind, isPermitted]).toEqual([kind, EXPECTED[kind] === 'permit'])
      }
    }
  })

  it('compares medians with those of the compiled engine, and sizes with each other', () => {
    const runOf = (engine: EngineName, rows: number, p50Us: number): EngineRun => ({
      engine,
      rows,
      loadMs: 5,
      loadCpuMs: 6,
      memoryMiB: 1,
      timings: REQUEST_KINDS.map((kind) => ({ kind, decisions: 9, p50Us, p99Us: 9, meanUs: 2 })),
    })
    const runs = [runOf('compiled', 10, 2), runOf('casbin', 10, 30), runOf('compiled', 1000, 3)]
    const leftOut = ['cedar with 1000 rows: not measured']
    const about = { machine: describeMachine(), rounds: 1, busy: [0.5, 1] as const, leftOut }
    const report = policyReport(about, runs)
    expect(report.rows.find(({ engine }) => engine === 'casbin')?.ratio).toBe(15)
    expect(report.flatness[0]).toEqual({ engine: 'compiled', kind: 'hit', ratio: 1.5 })
    const text = policyText(report)
    expect(text).toContain('x compiled')
    expect(text).toContain('Load average 0.5 at the start, 1.0 at the end\ncedar with 1000 rows')
  })
})

describe('added latency', () => {
  it('is beyond that of the same request straight to the upstream', () => {
    const round = (p50Ms: number, p99Ms: number) => ({
      responses: 1,
      failures: 0,
      seconds: 1,
      rps: 1,
      p50Ms,
      p99Ms,
    })
    const rows = latencyRows([
      { name: 'direct', rounds: [round(1, 4)] },
      { name: 'proxy', rounds: [round(1.5, 6), round(2.5, 8)] },
    ])
    expect(rows.map(({ addedP50Ms, addedP99Ms }) => [addedP50Ms, addedP99Ms])).toEqual([
      [0, 0],
      [1, 3],
    ])
  })
})

describe('the fixed rate', () => {
  let server: Server
  let isBroken = false
  beforeAll(async () => {
    server = createServer((request, response) => {
      request.resume()
      if (isBroken) response.writeHead(503).end()
      else response.end('ok')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  })
  afterAll(async () => {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  })
  const load = () => {
    const { port } = server.address() as AddressInfo
    const requests = [Buffer.from('GET / HTTP/1.1\r\nHost: a\r\n\r\n')]
    return runPaced({ port, requests, connections: 2, seconds: 0.1, rate: 200 })
  }

  it('offers as many requests as it says and times each of them', async () => {
    const result = await load()
    expect(result).toMatchObject({ responses: 20, failures: 0 })
    expect(result.p50Ms).toBeGreaterThan(0)
    expect(result.p99Ms).toBeGreaterThanOrEqual(result.p50Ms)
  })

  it('counts every other answer as a failure', async () => {
    isBroken = true
    expect(await load()).toMatchObject({ responses: 0, failures: 20 })
  })
})
