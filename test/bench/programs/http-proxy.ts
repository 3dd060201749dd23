/**
 * The proxy most Node projects start with, with a keep-alive agent and no checks.
 * `node http-proxy.js <origin>` prints `ready <port>`.
 */
import { Agent, createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import httpProxy from 'http-proxy'

const agent = new Agent({ keepAlive: true, maxSockets: 128, maxFreeSockets: 128 })
const proxy = httpProxy.createProxyServer({ target: process.argv[2] ?? '', agent })
proxy.on('error', (_error, _request, response) => void response.destroy())
const server = createServer({ noDelay: true }, (request, response) => proxy.web(request, response))
server.listen(0, '127.0.0.1', 1024, () => {
  process.stdout.write(`ready ${(server.address() as AddressInfo).port}\n`)
})
