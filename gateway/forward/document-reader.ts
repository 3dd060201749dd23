/**
 * Reads small documents of an upstream for operators, with the TLS settings of the data path:
 * bounded in bytes and in time, redirects are not followed.
 */
import { GatewayError } from '../domain/errors.ts'
import { codeOf } from './failures.ts'
import { createUpstreams, type UpstreamOptions } from './upstream-pools.ts'

/** An answer, or in a few words why there is none. */
export type DocumentAnswer =
  | { readonly status: number; readonly text: string }
  | { readonly status: undefined; readonly failure: string }

/** Reads documents of one upstream. */
export interface DocumentReader {
  /**
   * The answer to `GET path`. The text is that of an answer with status 200, decoded as UTF-8 and
   * not trusted; of every other the status is all.
   */
  read(path: string): Promise<DocumentAnswer>
  /** Breaks off what still runs and closes the connections. */
  close(): Promise<void>
}

/** What a reader needs. */
export interface DocumentReaderOptions {
  readonly upstream: UpstreamOptions
  /** Name, value, name, value …: the credential of the upstream. */
  readonly headers: readonly string[]
  /** From the request to the last byte of the answer. */
  readonly timeoutMs: number
  /** Longer answers are given up. */
  readonly bytesMax: number
}

/** A {@link DocumentReader}. @throws ERR_CONFIG_INVALID when the origin is none */
export function createDocumentReader(options: DocumentReaderOptions): DocumentReader {
  const { upstream, headers, timeoutMs, bytesMax } = options
  const upstreams = createUpstreams({ upstreams: [{ ...upstream, connections: 1 }] })
  const pool = upstreams.lane(upstream.name, 'ordinary')?.pool
  if (pool === undefined) throw new GatewayError('ERR_INTERNAL', 'no connections')
  return {
    async read(path) {
      const signal = AbortSignal.timeout(timeoutMs)
      try {
        const asked = ['accept', 'application/json', 'accept-encoding', 'identity', ...headers]
        const answer = await pool.request({ path, method: 'GET', headers: asked, signal })
        if (answer.statusCode === 200) return await wholeText(answer.body, bytesMax)
        await answer.body.dump({ limit: 65_536, signal })
        return { status: answer.statusCode, text: '' }
      } catch (error) {
        return { status: undefined, failure: failureOf(error, signal) }
      }
    },
    close: () => upstreams.destroy(),
  }
}

async function wholeText(body: AsyncIterable<Buffer>, bytesMax: number): Promise<DocumentAnswer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of body) {
    bytes += chunk.byteLength
    if (bytes > bytesMax) return { status: undefined, failure: `longer than ${bytesMax} bytes` }
    chunks.push(chunk)
  }
  return { status: 200, text: Buffer.concat(chunks).toString('utf8') }
}

function failureOf(error: unknown, signal: AbortSignal): string {
  if (signal.aborted) return 'no answer in time'
  const code = codeOf(error)
  return typeof code === 'string' && code !== '' ? `no answer: ${code}` : 'no answer'
}
