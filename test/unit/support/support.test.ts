import { afterAll, describe, expect, it } from '@jest/globals'
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { fileURLToPath } from 'node:url'
import { createHistogram } from '../../support/histogram.ts'
import { buildRequest, runLoad } from '../../support/load.ts'
import { afterResponses, parseResponses, rawExchange } from '../../support/raw-client.ts'
import { startRecordingUpstream } from '../../support/recording-upstream.ts'

const upstream = await startRecordingUpstream((request, socket) => {
  if (request.head.startsWith('GET /reset')) socket.resetAndDestroy()
  else if (request.head.startsWith('GET /silent')) return undefined
  else if (request.head.startsWith('GET /close')) socket.end('HTTP/1.0 200 OK\r\n\r\nbody')
  else if (request.head.startsWith('HEAD')) return 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n'
  else return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\nok'
  return undefined
})
afterAll(() => upstream.close())

describe('raw exchange with a recording upstream', () => {
  it('keeps the exact bytes and parses the answer', async () => {
    const bytes =
      'POST /x HTTP/1.1\r\nhOsT:  a\r\nTransfer-Encoding: chunked\r\n\r\n2;e\r\nhi\r\n0\r\nT: 1\r\n\r\n'
    const before = upstream.connections.length
    const { responses, endedBy } = await rawExchange(upstream.port, [
      bytes.slice(0, 20),
      bytes.slice(20),
    ])
    expect(endedBy).toBe('until')
    expect(responses[0]).toMatchObject({ status: 200, body: Buffer.from('ok') })
    expect(responses[0]?.headers.get('set-cookie')).toEqual(['a', 'b'])
    expect(responses[0]?.header('content-length')).toBe('2')
    expect(upstream.connections[before]?.bytes.toString('latin1')).toBe(bytes)
    expect(upstream.connections[before]?.requests[0]?.body).toMatch(/^2;e/)
  })

  it('sees each of several pipelined requests', async () => {
    const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'
    const count = upstream.requests.length
    const { responses } = await rawExchange(upstream.port, request + request, {
      until: afterResponses(2),
    })
    await upstream.whenRequests(count + 2)
    expect(responses).toHaveLength(2)
  })

  it.each([
    ['GET /reset', 'reset', 0],
    ['GET /silent', 'timeout', 0],
    ['GET /close', 'close', 1],
    ['HEAD /', 'until', 1],
  ])('tells how %s ended', async (line, endedBy, count) => {
    const bytes = `${line} HTTP/1.1\r\nHost: a\r\n\r\n`
    const exchange = await rawExchange(upstream.port, bytes, { timeoutMs: 200 })
    expect([exchange.endedBy, exchange.responses.length]).toEqual([endedBy, count])
  })

  it('parses interim, chunked and bodiless responses in a row', () => {
    const raw = Buffer.from(
      'HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n' +
        'HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc',
    )
    const responses = parseResponses(raw)
    expect(responses.map(({ status }) => status)).toEqual([103, 200, 204])
    expect(responses[1]?.body.toString()).toBe('abc')
  })
})

describe('the load generator', () => {
  const requests = [buildRequest(`${upstream.url}/load`, { method: 'POST', body: 'x' })]

  it('sends as many requests as it is told', async () => {
    const report = await runLoad({ port: upstream.port, requests, connections: 4, total: 200 })
    expect(report).toMatchObject({ responses: 200, errors: 0, statuses: { 200: 200 } })
    expect(report.latencyMs.p50).toBeGreaterThan(0)
    expect(report.latencyMs.p99).toBeGreaterThanOrEqual(report.latencyMs.p50)
  })

  it('keeps to a rate', async () => {
    const options = { port: upstream.port, requests, connections: 2, rate: 400, total: 21 }
    const report = await runLoad(options)
    expect(report.responses).toBe(21)
    // A timer may fire up to a millisecond early.
    expect(report.seconds).toBeGreaterThanOrEqual(0.045)
  })

  it('counts what fails and gives up', async () => {
    const reset = [buildRequest(`${upstream.url}/reset`)]
    const report = await runLoad({
      port: upstream.port,
      requests: reset,
      connections: 1,
      total: 100,
    })
    expect(report).toMatchObject({ responses: 0, errors: 5 })
  })

  it('runs as a process of its own', async () => {
    const script = fileURLToPath(new URL('../../support/load.ts', import.meta.url))
    const args = ['--import', 'tsx', script, '--url', `${upstream.url}/p`, '--total', '20']
    const { stdout } = await promisify(execFile)(process.execPath, args)
    expect(JSON.parse(stdout)).toMatchObject({ responses: 20, errors: 0 })
  })

  it('answers percentiles right to one in a hundred', () => {
    const histogram = createHistogram()
    for (let ms = 1; ms <= 1000; ms++) histogram.record(ms)
    expect(histogram.percentile(0.5) / 500).toBeCloseTo(1, 1)
    expect(histogram.percentile(1)).toBe(1000)
  })
})
