/** The HTTP side of a signer and of a witness: small bodies, few connections, short waits. */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { Server } from 'node:net'
import { GatewayError } from '../../domain/errors.ts'
import { refusing, REQUEST_BYTES_MAX, type Answer } from './growth.ts'

/** What is served. */
export interface GrowthService {
  /** The one path that takes bodies by POST. */
  readonly path: string
  /** May throw: then 500, and nothing of what was thrown leaves. */
  answer(body: Buffer): Answer
  /** The newest note of a log by the SHA-256 of its origin, for `GET /<hash>/checkpoint`. */
  noteOf?(originHash: string): string | undefined
  /** Told of every answer. Must not throw. */
  readonly onAnswer?: (answer: Answer, error: Error | undefined) => void
}

/** PEM texts. */
export interface ServerTls {
  readonly cert: string
  readonly key: string
}

const WAIT_MS = 10_000
const CONNECTIONS_MAX = 64
const HEADER_BYTES_MAX = 8 * 1024
const KEEP_ALIVE_MS = 60_000

/** A server that is not listening yet. @throws Error when certificate and key do not fit */
export function createGrowthServer(service: GrowthService, tls?: ServerTls): Server {
  const options = {
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: WAIT_MS,
    requestTimeout: WAIT_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: 1_000,
    insecureHTTPParser: false,
  }
  const onRequest = (request: IncomingMessage, response: ServerResponse): void => {
    void serve(service, request, response)
  }
  const server =
    tls === undefined
      ? createServer(options, onRequest)
      : createTlsServer({ ...options, ...tls, minVersion: 'TLSv1.2' }, onRequest)
  server.maxConnections = CONNECTIONS_MAX
  server.timeout = KEEP_ALIVE_MS
  return server
}

async function serve(
  service: GrowthService,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method = '' } = request
  let answer: Answer
  let failure: Error | undefined
  try {
    answer = await answerOf(service, request)
  } catch (error) {
    failure = error instanceof Error ? error : new Error(String(error))
    answer = refusing(500, 'this cannot sign now')
  }
  service.onAnswer?.(answer, failure)
  const bytes = Buffer.from(answer.body)
  response.writeHead(answer.status, {
    'content-type': answer.type ?? 'text/plain; charset=utf-8',
    'content-length': bytes.length,
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    ...(answer.status === 405 ? { allow: 'POST' } : {}),
    // The rest of a body that was not read must not be taken for a request.
    ...(request.complete ? {} : { connection: 'close' }),
  })
  response.end(method === 'HEAD' ? undefined : bytes)
}

async function answerOf(service: GrowthService, request: IncomingMessage): Promise<Answer> {
  const { method = '', url = '' } = request
  if (url === service.path) {
    if (method !== 'POST') return refusing(405, 'POST a checkpoint here')
    const body = await bodyOf(request)
    if (body === undefined) return refusing(413, `at most ${REQUEST_BYTES_MAX} bytes`)
    return service.answer(body)
  }
  const [, originHash] = /^\/([0-9a-f]{64})\/checkpoint$/.exec(url) ?? []
  const isRead = method === 'GET' || method === 'HEAD'
  const note = originHash !== undefined && isRead ? service.noteOf?.(originHash) : undefined
  return note === undefined ? refusing(404, 'nothing is here') : { status: 200, body: note }
}

/** The whole body; `undefined` when it is longer than it may be. Rejects when it breaks off. */
async function bodyOf(request: IncomingMessage): Promise<Buffer | undefined> {
  const parts: Buffer[] = []
  let length = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length
    if (length > REQUEST_BYTES_MAX) return undefined
    parts.push(part)
  }
  if (!request.complete) throw new GatewayError('ERR_INTERNAL', 'the request broke off')
  return Buffer.concat(parts)
}
