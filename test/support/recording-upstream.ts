/**
 * An upstream for security tests: a plain TCP server that keeps every byte it receives, so that a
 * test can assert on what the gateway really sent and not on what some HTTP parser made of it.
 */
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'
import { messageLength } from './http-bytes.ts'

/** One request as it was framed by Content-Length or chunked coding. */
export interface RecordedRequest {
  /** Head and body, byte for byte (`latin1`). */
  readonly raw: string
  /** Up to and including the empty line. */
  readonly head: string
  /** As on the wire: chunk sizes included. */
  readonly body: string
}

/** One TCP connection, in the order they came. */
export interface RecordedConnection {
  readonly socket: Socket
  /** Every byte received, whether or not it makes a whole request. */
  bytes: Buffer
  readonly requests: RecordedRequest[]
}

/**
 * What to do with a request: the exact bytes to answer with, or `undefined` when the handler has
 * written (or withheld, or destroyed) by itself.
 */
export type RawHandler = (request: RecordedRequest, socket: Socket) => string | Buffer | undefined

/** An upstream that is listening on 127.0.0.1. */
export interface RecordingUpstream {
  readonly port: number
  readonly url: string
  readonly connections: readonly RecordedConnection[]
  /** The whole requests of all connections, in the order they were complete. */
  readonly requests: readonly RecordedRequest[]
  /** Everything received on all connections, as `latin1`. */
  received(): string
  /** Resolves when `count` whole requests have arrived. @throws Error after `timeoutMs`. */
  whenRequests(count: number, timeoutMs?: number): Promise<void>
  close(): Promise<void>
}

/** The default answer: the smallest correct response with a body. */
export const OK_RESPONSE =
  'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\nok'

const BYTES_MAX = 64 * 1024 * 1024

/** Starts an upstream; without a handler every whole request is answered with {@link OK_RESPONSE}. */
export async function startRecordingUpstream(
  handler: RawHandler = () => OK_RESPONSE,
): Promise<RecordingUpstream> {
  const connections: RecordedConnection[] = []
  const requests: RecordedRequest[] = []
  const waiting = new Set<() => void>()
  const server = createServer((socket) => {
    const connection: RecordedConnection = { socket, bytes: Buffer.alloc(0), requests: [] }
    connections.push(connection)
    const take = createFramer((request) => {
      connection.requests.push(request)
      requests.push(request)
      const answer = handler(request, socket)
      if (answer !== undefined && socket.writable) socket.write(answer)
      for (const wake of waiting) wake()
    })
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      connection.bytes = Buffer.concat([connection.bytes, chunk])
      if (connection.bytes.length > BYTES_MAX) socket.destroy()
      else take(chunk)
    })
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve)
  })
  const { port } = server.address() as AddressInfo
  return {
    port,
    url: `http://127.0.0.1:${port}`,
    connections,
    requests,
    received: () => connections.map(({ bytes }) => bytes.toString('latin1')).join(''),
    whenRequests: (count, timeoutMs = 15_000) =>
      whenTrue(() => requests.length >= count, waiting, timeoutMs),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        for (const { socket } of connections) socket.destroy()
      }),
  }
}

/** Cuts a stream of bytes into requests. Bytes that never make a whole one stay unframed. */
function createFramer(onRequest: (request: RecordedRequest) => void): (chunk: Buffer) => void {
  let pending = Buffer.alloc(0)
  return (chunk) => {
    pending = Buffer.concat([pending, chunk])
    for (
      let length = messageLength(pending);
      length !== undefined;
      length = messageLength(pending)
    ) {
      const raw = pending.toString('latin1', 0, length)
      pending = pending.subarray(length)
      const bodyAt = raw.indexOf('\r\n\r\n') + 4
      onRequest({ raw, head: raw.slice(0, bodyAt), body: raw.slice(bodyAt) })
    }
  }
}

function whenTrue(
  condition: () => boolean,
  waiting: Set<() => void>,
  timeoutMs: number,
): Promise<void> {
  return new Promise((resolve, reject) => {
    const settle = (end: () => void) => {
      clearTimeout(timer)
      waiting.delete(check)
      end()
    }
    const check = () => {
      if (condition()) settle(resolve)
    }
    const timer = setTimeout(() => {
      settle(() => reject(new Error(`not enough requests arrived in ${timeoutMs} ms`)))
    }, timeoutMs)
    waiting.add(check)
    check()
  })
}
