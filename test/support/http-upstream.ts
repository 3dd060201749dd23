/** A model server made of one request listener, on a free port of 127.0.0.1. */
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A running upstream. */
export interface HttpUpstream {
  readonly port: number
  readonly url: string
  readonly server: Server
  /** The heads of all requests, in the order they came. */
  readonly requests: readonly IncomingMessage[]
  close(): Promise<void>
}

/** Starts an upstream that answers with `listener`; by default every request gets `200 ok`. */
export async function startHttpUpstream(
  listener: RequestListener = (_request, response) => void response.end('ok'),
  port = 0,
): Promise<HttpUpstream> {
  const requests: IncomingMessage[] = []
  const server = createServer((request, response) => {
    requests.push(request)
    response.on('error', () => undefined)
    listener(request, response)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, '127.0.0.1', resolve)
  })
  const address = server.address() as AddressInfo
  return {
    port: address.port,
    url: `http://127.0.0.1:${address.port}`,
    server,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
