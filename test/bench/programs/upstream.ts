/**
 * The model server that everything is measured in front of: a fixed small JSON answer to every
 * request, on plain sockets, so that it costs little beside the proxies.
 * `node upstream.js` prints `ready <port>`.
 */
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { messageLength } from '../../support/http-bytes.ts'

const BODY = JSON.stringify({
  model_name: 'fraud-scorer',
  model_version: '3',
  outputs: [{ name: 'probability', datatype: 'FP32', shape: [1, 3], data: [0.02, 0.31, 0.67] }],
})
const ANSWER = Buffer.from(
  'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nServer: bench\r\n' +
    `Content-Length: ${Buffer.byteLength(BODY)}\r\n\r\n${BODY}`,
)

const server = createServer({ noDelay: true }, serve)
server.listen(0, '127.0.0.1', 1024, () => {
  process.stdout.write(`ready ${(server.address() as AddressInfo).port}\n`)
})

function serve(socket: Socket): void {
  let pending: Buffer | undefined
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: Buffer) => {
    let bytes = pending === undefined ? chunk : Buffer.concat([pending, chunk])
    for (;;) {
      const length = bytes.length === 0 ? undefined : messageLength(bytes)
      if (length === undefined) break
      socket.write(ANSWER)
      bytes = bytes.subarray(length)
    }
    pending = bytes.length === 0 ? undefined : bytes
  })
}
