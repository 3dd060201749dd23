/**
 * The yardstick: what Node and undici cost when nothing is checked. A `node:http` server, one Pool,
 * both bodies streamed, hop-by-hop fields removed. `node undici-proxy.js <origin>` prints
 * `ready <port>`.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Pool, type Dispatcher } from 'undici'

const HOP_BY_HOP = new Set(['connection', 'keep-alive', 'host', 'transfer-encoding', 'expect'])

const pool = new Pool(process.argv[2] ?? '', { connections: 128, pipelining: 1 })
const server = createServer({ noDelay: true }, forward)
server.listen(0, '127.0.0.1', 1024, () => {
  process.stdout.write(`ready ${(server.address() as AddressInfo).port}\n`)
})

function forward(request: IncomingMessage, response: ServerResponse): void {
  const method = request.method as Dispatcher.HttpMethod
  const hasBody = method !== 'GET' && method !== 'HEAD'
  pool
    .stream(
      {
        method,
        path: request.url ?? '/',
        headers: withoutHopByHop(request.rawHeaders),
        body: hasBody ? request : null,
      },
      ({ statusCode, headers }) => {
        delete headers['connection']
        delete headers['keep-alive']
        return response.writeHead(statusCode, headers)
      },
    )
    .catch(() => response.destroy())
}

function withoutHopByHop(raw: readonly string[]): string[] {
  const kept: string[] = []
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? ''
    if (!HOP_BY_HOP.has(name.toLowerCase())) kept.push(name, raw[i + 1] ?? '')
  }
  return kept
}
