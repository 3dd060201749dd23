/** CloudEvents 1.0 in the JSON batch format, by POST (CloudEvents HTTP binding §3.3). */
import { Agent as PlainAgent, request as plainRequest, type IncomingMessage } from 'node:http'
import { Agent as TlsAgent, request as tlsRequest } from 'node:https'
import { CLOUD_EVENTS_BATCH_TYPE, cloudEventOf } from '../formats/cloudevents.ts'
import { escapeJson } from '../line/text.ts'
import { problemOf, SinkProblem, type Outgoing, type Outlet } from './sink-port.ts'

/** Where to, and as whom. */
export interface HttpOutletOptions {
  /** `https:`, or `http:` to this machine. Redirects are not followed. */
  readonly url: string
  /** PEM; the system's certificates when absent. */
  readonly ca?: string
  /** The bearer token at this moment. */
  readonly token?: () => string | undefined
  readonly recordsMax: number
  /** Of one request from its beginning to the end of its answer. */
  readonly timeoutMs: number
}

/** Nobody needs to read more of an answer than its status. */
const ANSWER_BYTES_MAX = 64 * 1024

/**
 * Delivered is what was answered with 2xx, to the end of the answer. 413 asks for smaller batches;
 * everything else is a failure.
 */
export function createHttpOutlet(options: HttpOutletOptions): Outlet {
  const url = new URL(options.url)
  const kept = { keepAlive: true, maxSockets: 1 }
  const ca = options.ca === undefined ? {} : { ca: options.ca }
  const agent =
    url.protocol === 'https:'
      ? new TlsAgent({ ...kept, ...ca, minVersion: 'TLSv1.2' })
      : new PlainAgent(kept)
  const post = (body: Buffer, signal: AbortSignal) => send({ options, url, agent, body, signal })
  return {
    recordsMax: options.recordsMax,
    settleMs: 0,
    async deliver(batch, signal) {
      const body = Buffer.from(`[${batch.map(eventText).join(',')}]`)
      const first = await post(body, signal)
      // The other side closed a connection that was kept; it never saw the request.
      const answer = first === 'stale' ? await post(body, signal) : first
      judge(answer === 'stale' ? new SinkProblem('ECONNRESET') : answer)
    },
    close() {
      agent.destroy()
      return Promise.resolve(true)
    },
  }
}

/** The event with the very bytes of the line as its data. */
function eventText({ record, line, hash }: Outgoing): string {
  const envelope = JSON.stringify({ ...cloudEventOf(record, hash), data: undefined })
  return `${escapeJson(envelope).slice(0, -1)},"data":${line}}`
}

interface Sending {
  readonly options: HttpOutletOptions
  readonly url: URL
  readonly agent: PlainAgent
  readonly body: Buffer
  readonly signal: AbortSignal
}

interface Answer {
  readonly status: number
  readonly retryAfterMs: number | undefined
}

function send({ options, url, agent, body, signal }: Sending): Promise<Answer | 'stale'> {
  const token = options.token?.()
  const headers = {
    'content-type': `${CLOUD_EVENTS_BATCH_TYPE}; charset=utf-8`,
    'content-length': body.length,
    'user-agent': 'modelgate',
    ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
  }
  return new Promise((resolve, reject) => {
    const request = url.protocol === 'https:' ? tlsRequest : plainRequest
    const asked = request(url, { method: 'POST', agent, headers, signal }, (answer) => {
      readAnswer(answer).then(resolve, reject)
    })
    const late = setTimeout(() => asked.destroy(new SinkProblem('timeout')), options.timeoutMs)
    asked.on('close', () => clearTimeout(late))
    asked.on('error', (error: NodeJS.ErrnoException) => {
      if (asked.reusedSocket && error.code === 'ECONNRESET') resolve('stale')
      else reject(problemOf(error))
    })
    asked.end(body)
  })
}

/** Resolves at the end of the answer; one that breaks off may stand for a request that did. */
function readAnswer(answer: IncomingMessage): Promise<Answer> {
  const { statusCode: status = 0, headers } = answer
  const seconds = /^\d{1,6}$/.exec(headers['retry-after'] ?? '')?.[0]
  const retryAfterMs = seconds === undefined ? undefined : Number(seconds) * 1000
  let bytes = 0
  return new Promise((resolve, reject) => {
    answer.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes <= ANSWER_BYTES_MAX) return
      resolve({ status, retryAfterMs })
      answer.destroy()
    })
    answer.on('end', () => resolve({ status, retryAfterMs }))
    answer.on('close', () => reject(new SinkProblem('answer-cut')))
    answer.on('error', () => undefined)
  })
}

function judge(answer: Answer | SinkProblem): void {
  if (answer instanceof SinkProblem) throw answer
  const { status, retryAfterMs } = answer
  if (status >= 200 && status < 300) return
  const asked = retryAfterMs === undefined ? {} : { retryAfterMs }
  throw new SinkProblem(`http-${status}`, { ...asked, isTooLarge: status === 413 })
}
