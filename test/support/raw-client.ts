/** A client that sends exactly the bytes it is given: for requests no HTTP library would write. */
import { connect } from 'node:net'
import { dechunk, messageLength } from './http-bytes.ts'

/** One response, parsed. */
export interface RawResponse {
  readonly status: number
  /** Lower-case name to values, in the order received. */
  readonly headers: ReadonlyMap<string, readonly string[]>
  /** Status line and header lines, without the empty line. */
  readonly head: string
  /** Chunked coding removed. */
  readonly body: Buffer
  /** The first value of a header, by lower-case name. */
  header(name: string): string | undefined
}

/** What came back. */
export interface RawExchange {
  /** Every byte received. */
  readonly raw: Buffer
  /** The whole responses in `raw`, interim ones (1xx) included. */
  readonly responses: readonly RawResponse[]
  /** Why it ended: the server closed or reset, `until` was true, or the time was up. */
  readonly endedBy: 'close' | 'reset' | 'until' | 'timeout'
  readonly elapsedMs: number
}

/** How to send and how long to listen. */
export interface RawExchangeOptions {
  readonly timeoutMs?: number
  /**
   * Called after each chunk with all bytes so far; ends the exchange when true. By default it ends
   * with the first whole final response: use `afterResponses(2)`, or `() => false` to listen until
   * the server closes, where a second response would be the attack.
   */
  readonly until?: (raw: Buffer) => boolean
  /** Close our sending side after the bytes. */
  readonly halfClose?: boolean
  readonly host?: string
}

/**
 * Opens a connection, sends `bytes` (a string is `latin1`; an array is sent part by part, each in
 * a segment of its own as far as the system allows), and collects what comes back. Never rejects
 * once connected: a reset or a timeout is a result. @throws Error when the port refuses.
 */
export async function rawExchange(
  port: number,
  bytes: string | Buffer | readonly (string | Buffer)[],
  options: RawExchangeOptions = {},
): Promise<RawExchange> {
  const { timeoutMs = 10_000, host = '127.0.0.1', halfClose = false } = options
  const parts = (Array.isArray(bytes) ? bytes : [bytes]) as readonly (string | Buffer)[]
  const headOnly = toBuffer(parts[0] ?? '').toString('latin1', 0, 5) === 'HEAD '
  const until = options.until ?? afterResponses(1, { headOnly })
  const startedAt = performance.now()
  const { raw, endedBy } = await new Promise<Pick<RawExchange, 'raw' | 'endedBy'>>(
    (resolve, reject) => {
      let received = Buffer.alloc(0)
      let connected = false
      const socket = connect({ port, host, noDelay: true })
      const end = (reason: RawExchange['endedBy']) => {
        clearTimeout(timer)
        socket.destroy()
        resolve({ raw: received, endedBy: reason })
      }
      const timer = setTimeout(() => end('timeout'), timeoutMs)
      socket.once('connect', () => {
        connected = true
        sendParts(parts)
      })
      socket.once('error', (error) => {
        if (connected) end('reset')
        else {
          clearTimeout(timer)
          reject(error)
        }
      })
      socket.once('end', () => end('close'))
      socket.once('close', () => end('close'))
      socket.on('data', (chunk: Buffer) => {
        received = Buffer.concat([received, chunk])
        if (until(received)) end('until')
      })
      const sendParts = ([part, ...rest]: readonly (string | Buffer)[]): void => {
        if (part === undefined) {
          if (halfClose) socket.end()
        } else socket.write(toBuffer(part), () => setImmediate(sendParts, rest))
      }
    },
  )
  const untilClose = endedBy === 'close'
  const responses = parseResponses(raw, { headOnly, untilClose })
  return { raw, responses, endedBy, elapsedMs: performance.now() - startedAt }
}

/** For `until`: true once `count` whole final responses (not 1xx) have come. */
export function afterResponses(count: number, { headOnly = false } = {}): (raw: Buffer) => boolean {
  return (raw) =>
    parseResponses(raw, { headOnly }).filter(({ status }) => status >= 200).length >= count
}

/**
 * The whole responses in `raw`. `headOnly`: the first final one answers HEAD and has no body.
 * `untilClose`: the connection has closed, which is what ends a body without a length.
 */
export function parseResponses(
  raw: Buffer,
  { headOnly = false, untilClose = false } = {},
): RawResponse[] {
  const responses: RawResponse[] = []
  let rest = raw
  let answersHead = headOnly
  for (;;) {
    const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(rest.toString('latin1', 0, 12))?.[1])
    const interim = status < 200
    const bodiless = interim || status === 204 || status === 304 || answersHead
    const length = messageLength(rest, { response: true, bodiless, untilClose })
    if (Number.isNaN(status) || length === undefined) return responses
    responses.push(parseResponse(status, rest.subarray(0, length)))
    rest = rest.subarray(length)
    if (!interim) answersHead = false
  }
}

function parseResponse(status: number, message: Buffer): RawResponse {
  const headEnd = message.indexOf('\r\n\r\n')
  const head = message.toString('latin1', 0, headEnd)
  const headers = new Map<string, string[]>()
  for (const line of head.split('\r\n').slice(1)) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    headers.set(name, [...(headers.get(name) ?? []), line.slice(colon + 1).trim()])
  }
  const chunked = headers.get('transfer-encoding')?.at(-1)?.toLowerCase() === 'chunked'
  const body = message.subarray(headEnd + 4)
  return {
    status,
    headers,
    head,
    body: chunked ? dechunk(body) : body,
    header: (name) => headers.get(name)?.[0],
  }
}

function toBuffer(part: string | Buffer): Buffer {
  return typeof part === 'string' ? Buffer.from(part, 'latin1') : part
}
