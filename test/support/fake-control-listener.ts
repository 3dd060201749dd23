/** A control listener that answers what the test says, and remembers what it was asked. */
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A call that came in. */
export interface SeenCall {
  /** `POST /v1/locks`, with the query. */
  readonly call: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: unknown
}

/** What is answered to a call. */
export interface SaidAnswer {
  readonly status?: number
  readonly document?: object
  readonly text?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** The listener. */
export interface FakeControlApi {
  readonly url: string
  readonly seen: readonly SeenCall[]
  close(): Promise<void>
}

/** Starts one; `answers` gives the answer of a call by its method and path, query included. */
export async function startFakeControlApi(
  answer: (call: string, body: unknown) => SaidAnswer,
): Promise<FakeControlApi> {
  const seen: SeenCall[] = []
  const server = createServer((request, response) => {
    void bodyOf(request).then((text) => {
      const call = `${request.method ?? ''} ${request.url ?? ''}`
      const body: unknown = text === '' ? undefined : JSON.parse(text)
      seen.push({ call, headers: request.headers, body })
      const said = answer(call, body)
      response.writeHead(said.status ?? 200, {
        'content-type': 'application/json',
        ...said.headers,
      })
      response.end(said.text ?? JSON.stringify(said.document ?? {}))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
  return Buffer.concat(chunks).toString('utf8')
}
