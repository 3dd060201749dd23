/**
 * A small, bounded load generator for HTTP/1.1 over keep-alive connections, on plain sockets so
 * that it costs little beside what it measures; for responses of up to about 1 MiB. Use
 * `runLoad()`, or as a process of its own:
 * `node --import tsx test/support/load.ts --url http://127.0.0.1:8080/v2 --seconds 5`.
 */
import { readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { createHistogram } from './histogram.ts'
import { messageLength } from './http-bytes.ts'

/** What to send, and how much of it. Loopback only. */
export interface LoadOptions {
  readonly port: number
  /** Whole requests, sent in turn. Their responses must have a body framing (not HEAD). */
  readonly requests: readonly Buffer[]
  readonly connections: number
  /** Stops after so many responses … */
  readonly total?: number
  /** … or after so many seconds, whichever is first. 10 when neither is given. */
  readonly seconds?: number
  /**
   * Requests per second to offer. Latency then counts from when a request was due, so that a
   * stalled server is not flattered. Without it every connection sends as fast as it is answered.
   */
  readonly rate?: number
}

/** What came of it. Latencies are in milliseconds. */
export interface LoadReport {
  readonly responses: number
  /** Connections that broke with a request under way. */
  readonly errors: number
  /** Responses by status. */
  readonly statuses: Readonly<Record<string, number>>
  readonly seconds: number
  readonly rps: number
  readonly latencyMs: Readonly<Record<'p50' | 'p90' | 'p99' | 'p999' | 'max', number>>
}

/** Runs the load to its bound and reports. Resolves in any case: failures are counted. */
export async function runLoad(options: LoadOptions): Promise<LoadReport> {
  const latency = createHistogram()
  const statuses: Record<string, number> = {}
  const seconds = options.seconds ?? (options.total === undefined ? 10 : 600)
  const total = options.total ?? Infinity
  const startedAt = performance.now()
  const deadline = startedAt + seconds * 1000
  let [sent, responses, errors] = [0, 0, 0]

  /** When the next request is due, or `undefined` when there is none any more. */
  const next = (): number | undefined => {
    const now = performance.now()
    const due = options.rate === undefined ? now : startedAt + (sent * 1000) / options.rate
    if (sent >= total || Math.max(now, due) >= deadline) return undefined
    sent += 1
    return due
  }
  const workers = Array.from({ length: options.connections }, () =>
    runConnection(options, deadline, {
      next,
      answered: (status, due) => {
        responses += 1
        statuses[status] = (statuses[status] ?? 0) + 1
        latency.record(performance.now() - due)
      },
      failed: () => (errors += 1),
    }),
  )
  await Promise.all(workers)
  const elapsed = (performance.now() - startedAt) / 1000
  const [p50, p90, p99, p999] = [0.5, 0.9, 0.99, 0.999].map((f) => latency.percentile(f)) as [
    number,
    number,
    number,
    number,
  ]
  const latencyMs = { p50, p90, p99, p999, max: latency.max }
  return { responses, errors, statuses, seconds: elapsed, rps: responses / elapsed, latencyMs }
}

interface Turn {
  readonly next: () => number | undefined
  readonly answered: (status: string, due: number) => void
  readonly failed: () => void
}

/** Sends one request after another, on a new socket when the server has closed the last one. */
async function runConnection(options: LoadOptions, deadline: number, turn: Turn): Promise<void> {
  let failuresInARow = 0
  let index = Math.floor(Math.random() * options.requests.length)
  const request = (): Buffer =>
    options.requests[index++ % options.requests.length] ?? Buffer.alloc(0)
  while (failuresInARow < FAILURES_IN_A_ROW_MAX) {
    const end = await useSocket(options.port, deadline, {
      ...turn,
      request,
      answered: (status, due) => {
        failuresInARow = 0
        turn.answered(status, due)
      },
    })
    if (end === 'finished') return
    if (end === 'failed') {
      failuresInARow += 1
      turn.failed()
    }
  }
}

const FAILURES_IN_A_ROW_MAX = 5
/** How long past the deadline an answer is waited for. */
const GRACE_MS = 2000

function useSocket(
  port: number,
  deadline: number,
  turn: Turn & { readonly request: () => Buffer },
): Promise<'finished' | 'closed' | 'failed'> {
  return new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    let pending: Buffer | undefined
    let due: number | undefined
    let pause: NodeJS.Timeout | undefined
    const end = (how: 'finished' | 'closed' | 'failed') => {
      clearTimeout(giveUp)
      clearTimeout(pause)
      socket.destroy()
      resolve(how)
    }
    const giveUp = setTimeout(
      () => end(due === undefined ? 'finished' : 'failed'),
      deadline - performance.now() + GRACE_MS,
    )
    const send = () => {
      due = turn.next()
      if (due === undefined) {
        end('finished')
        return
      }
      const waitMs = due - performance.now()
      if (waitMs > 1) pause = setTimeout(() => socket.write(turn.request()), waitMs)
      else socket.write(turn.request())
    }
    socket.once('connect', send)
    socket.once('error', () => end('failed'))
    socket.once('close', () => end(due === undefined ? 'closed' : 'failed'))
    socket.on('data', (chunk: Buffer) => {
      pending = pending === undefined ? chunk : Buffer.concat([pending, chunk])
      const length = messageLength(pending, { response: true })
      if (length === undefined) return
      const closing = /^connection:[ \t]*close/im.test(pending.toString('latin1', 0, 1024))
      if (due !== undefined) turn.answered(pending.toString('latin1', 9, 12), due)
      pending = length < pending.length ? pending.subarray(length) : undefined
      due = undefined
      if (closing) end('closed')
      else send()
    })
  })
}

/** The bytes of one request with a `Host` and, with a body, a `Content-Length`. */
export function buildRequest(
  url: string,
  {
    method = 'GET',
    headers = [],
    body = '',
  }: { method?: string; headers?: readonly string[]; body?: string } = {},
): Buffer {
  const { pathname, search, host } = new URL(url)
  const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`]
  const lines = [`${method} ${pathname}${search} HTTP/1.1`, `Host: ${host}`, ...headers, ...length]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`)
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      url: { type: 'string' },
      method: { type: 'string' },
      header: { type: 'string', multiple: true, default: [] },
      body: { type: 'string' },
      'tokens-file': { type: 'string' },
      connections: { type: 'string', default: '16' },
      total: { type: 'string' },
      seconds: { type: 'string' },
      rate: { type: 'string' },
    },
  })
  const { url = '', method, header, body, total, seconds, rate } = values
  // One token per line: the requests take turns with them.
  const tokens = values['tokens-file']
    ? readFileSync(values['tokens-file'], 'utf8').trim().split('\n')
    : []
  const bearers = tokens.map((token) => [`Authorization: Bearer ${token}`])
  const requests = (bearers.length > 0 ? bearers : [[]]).map((bearer) =>
    buildRequest(url, {
      headers: [...header, ...bearer],
      ...(method === undefined ? {} : { method }),
      ...(body === undefined ? {} : { body }),
    }),
  )
  const report = await runLoad({
    port: Number(new URL(url).port),
    requests,
    connections: Number(values.connections),
    ...(total === undefined ? {} : { total: Number(total) }),
    ...(seconds === undefined ? {} : { seconds: Number(seconds) }),
    ...(rate === undefined ? {} : { rate: Number(rate) }),
  })
  process.stdout.write(`${JSON.stringify(report)}\n`)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await main()
