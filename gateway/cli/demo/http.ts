/** The client of the demo: real requests over real sockets, and the curl line of each. */
import { request, STATUS_CODES, type IncomingHttpHeaders } from 'node:http'
import { CALLERS, type CallerName } from './callers.ts'

/** One request, as data. */
export interface Ask {
  readonly method: 'GET' | 'HEAD' | 'POST'
  /** Request target, sent as it stands. */
  readonly path: string
  readonly caller?: CallerName
  /** What the proxy in front says of the caller's address. */
  readonly network?: string
  /** What the proxy in front says of the caller's device. */
  readonly device?: string
  readonly range?: string
  /** A JSON body. */
  readonly json?: string
  /** The answer is a file, which curl saves under this name. */
  readonly saveAs?: string
}

/** What came back. */
export interface HttpAnswer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** A header, and how the shell writes its value: `$NAME` is left to the shell. */
type Header = readonly [name: string, value: string, quote: '"' | "'"]

const TIMEOUT_MS = 10_000
const BODY_BYTES_MAX = 16 * 1024 * 1024
const COLUMNS = 94

function headersOf(ask: Ask): Header[] {
  const headers: Header[] = []
  if (ask.caller !== undefined) {
    headers.push(['Authorization', `Bearer $${CALLERS[ask.caller].variable}`, '"'])
  }
  if (ask.range !== undefined) headers.push(['Range', ask.range, "'"])
  if (ask.network !== undefined) headers.push(['X-Forwarded-For', ask.network, "'"])
  if (ask.device !== undefined) headers.push(['X-Device-Posture', ask.device, "'"])
  if (ask.json !== undefined) headers.push(['Content-Type', 'application/json', "'"])
  return headers
}

/**
 * The command that sends `ask`, in lines of at most 94 columns (a longer argument has a line of
 * its own). `$GATE` and the tokens come from the environment file of the demo.
 */
export function curlLines(ask: Ask): string[] {
  const options = ask.method === 'HEAD' ? '-I' : '-i'
  const words = [
    `curl ${ask.saveAs === undefined ? options : `-so ${ask.saveAs} -D -`}`,
    `"$GATE${ask.path}"`,
  ]
  // curl would resolve dot segments by itself; here they are the point.
  if (ask.path.includes('/.')) words.push('--path-as-is')
  for (const [name, value, quote] of headersOf(ask))
    words.push(`-H ${quote}${name}: ${value}${quote}`)
  if (ask.json !== undefined) words.push(`-d '${ask.json}'`)
  const lines: string[] = []
  for (const word of words) {
    const last = lines.at(-1)
    if (last !== undefined && last.length + word.length + 3 <= COLUMNS) {
      lines[lines.length - 1] = `${last} ${word}`
    } else lines.push(lines.length === 0 ? word : `  ${word}`)
  }
  // A body may go over several lines: within quotes the shell takes them as they are.
  return lines
    .map((line, i) => (i === lines.length - 1 ? line : `${line} \\`))
    .flatMap((line) => line.split('\n'))
}

/** Sends `ask` to `origin` on a connection of its own, bounded in time and bytes. */
export async function send(
  origin: string,
  ask: Ask,
  more: { readonly token?: string | undefined; readonly requestId?: string },
): Promise<HttpAnswer> {
  const headers = Object.fromEntries(headersOf(ask).map(([name, value]) => [name, value]))
  if (more.token !== undefined) headers['Authorization'] = `Bearer ${more.token}`
  if (more.requestId !== undefined) headers['X-Request-Id'] = more.requestId
  const { hostname, port } = new URL(origin)
  const { method, path, json } = ask
  return new Promise((resolve, reject) => {
    const outgoing = request(
      {
        hostname,
        port,
        method,
        path,
        headers,
        agent: false,
        signal: AbortSignal.timeout(TIMEOUT_MS),
      },
      (response) => {
        const chunks: Buffer[] = []
        let bytes = 0
        response.on('error', reject)
        response.on('data', (chunk: Buffer) => {
          chunks.push(chunk)
          bytes += chunk.length
          if (bytes > BODY_BYTES_MAX) response.destroy(new Error('the answer is too large'))
        })
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: Buffer.concat(chunks),
          }),
        )
      },
    )
    outgoing.on('error', reject)
    outgoing.end(json)
  })
}

/** `403 Forbidden`. */
export function statusText(status: number): string {
  return `${status} ${STATUS_CODES[status] ?? ''}`.trimEnd()
}
