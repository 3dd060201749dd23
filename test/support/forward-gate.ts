/** The forwarder in a bare server, without the stages before it, for tests of `gateway/forward`. */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import type {
  ForwardOutcome,
  OutboundRequest,
  PrivilegeClass,
  ResponseGuard,
} from '../../gateway/domain/ports.ts'
import { REASONS } from '../../gateway/domain/reasons.ts'
import { isRefusal, type Refusal } from '../../gateway/domain/refusal.ts'
import type { HeaderBag, Method } from '../../gateway/domain/request.ts'
import { outboundHeaders } from '../../gateway/forward/headers.ts'
import { createForwarder } from '../../gateway/forward/http-forwarder.ts'
import { createUpgradeForwarder } from '../../gateway/forward/upgrade.ts'
import { createUpstreams, type UpstreamOptions } from '../../gateway/forward/upstream-pools.ts'

/** A guard that lets everything pass. */
export const OPEN_GUARD: ResponseGuard = {
  head: (head) => head,
  chunk: () => undefined,
  end: () => undefined,
}

/** What to forward to, and how. */
export interface ForwardGateOptions extends Partial<UpstreamOptions> {
  readonly guard?: () => ResponseGuard
  readonly privilege?: PrivilegeClass
  readonly drainTimeoutMs?: number
  readonly wsIdleTimeoutMs?: number
}

/** A forwarder that is listening on 127.0.0.1. */
export interface ForwardGate {
  readonly port: number
  /** Results in the order in which exchanges ended. */
  readonly results: readonly (ForwardOutcome | Refusal)[]
  /** Cuts of the exchanges begun, in order. */
  readonly cuts: readonly ((refusal: Refusal) => void)[]
  /** Bytes waiting in the process for clients to read, at most, as last asked. */
  pendingBytes(): number
  /** Resolves with the result of index `at`, counted from 0. */
  result(at: number): Promise<ForwardOutcome | Refusal>
  /** As a reload does to the generation before: running exchanges end, none begin. */
  retire(): Promise<void>
  close(): Promise<void>
}

/** Starts a gate in front of the upstream at `port`. */
export async function startForwardGate(
  port: number,
  options: ForwardGateOptions = {},
): Promise<ForwardGate> {
  const upstream = upstreamOptions(port, options)
  const upstreams = createUpstreams({ upstreams: [upstream] })
  const { drainTimeoutMs = 5_000, wsIdleTimeoutMs = 0 } = options
  const forwarder = createForwarder({ upstreams, drainTimeoutMs })
  const upgrades = createUpgradeForwarder({ upstreams: [{ ...upstream, wsIdleTimeoutMs }] })
  const log = resultLog()
  const cuts: ((refusal: Refusal) => void)[] = []
  const sockets = new Set<Duplex>()
  const server = createServer((request, response) => {
    const guard = options.guard?.() ?? OPEN_GUARD
    const client = { response, guard, onCuttable: (cut: (r: Refusal) => void) => cuts.push(cut) }
    void forwarder.forward(outbound(request, options), client).then((result) => {
      if (isRefusal(result)) {
        response.writeHead(REASONS[result.reason].status, { connection: 'close' })
        response.end(result.reason)
      }
      log.add(result)
    })
  })
  server.on('connection', (socket: Duplex) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const onCuttable = (cut: (r: Refusal) => void) => cuts.push(cut)
    void upgrades
      .upgrade(outbound(request, options), { request, socket, head, onCuttable })
      .then((result) => {
        if (isRefusal(result))
          socket.end(`HTTP/1.1 ${REASONS[result.reason].status} Refused\r\n\r\n`)
        log.add(result)
      })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    results: log.results,
    cuts,
    pendingBytes: () => [...sockets].reduce((sum, socket) => sum + socket.writableLength, 0),
    result: log.at,
    retire: () => upstreams.close(),
    async close() {
      await upstreams.destroy()
      for (const socket of sockets) socket.destroy()
      await closeServer(server)
    },
  }
}

function upstreamOptions(port: number, options: ForwardGateOptions): UpstreamOptions {
  return {
    name: 'up',
    origin: `http://127.0.0.1:${port}`,
    connections: 4,
    privilegedConnections: 2,
    connectTimeoutMs: 2_000,
    headersTimeoutMs: 5_000,
    idleTimeoutMs: 5_000,
    queueMax: 16,
    queueTimeoutMs: 2_000,
    ...options,
  }
}

/** The request of a raw node:http message, cleaned as the gateway cleans it. */
function outbound(request: IncomingMessage, options: ForwardGateOptions): OutboundRequest {
  const pairs = request.rawHeaders.map((text, i) => (i % 2 === 0 ? text.toLowerCase() : text))
  const bag: HeaderBag = {
    pairs,
    get(name) {
      const values = pairs.filter((_, i) => i % 2 === 1 && pairs[i - 1] === name)
      return values.length === 0 ? undefined : values.join(', ')
    },
  }
  const length = bag.get('content-length')
  const hasBody = length !== undefined || bag.get('transfer-encoding') !== undefined
  return {
    upstream: 'up',
    privilege: options.privilege ?? 'ordinary',
    method: request.method as Method,
    path: request.url ?? '/',
    headers: outboundHeaders(bag, { inspect: false, clientIp: '127.0.0.1', requestId: 'r-1' }),
    body: hasBody ? request : null,
    contentLength: length === undefined ? undefined : Number(length),
  }
}

function resultLog() {
  const results: (ForwardOutcome | Refusal)[] = []
  const waiting = new Set<() => void>()
  return {
    results,
    add(result: ForwardOutcome | Refusal) {
      results.push(result)
      for (const wake of waiting) wake()
    },
    at: (index: number) =>
      new Promise<ForwardOutcome | Refusal>((resolve, reject) => {
        const timer = setTimeout(() => reject(new Error('the exchange did not end')), 4_000)
        const check = () => {
          const result = results[index]
          if (result === undefined) return
          clearTimeout(timer)
          waiting.delete(check)
          resolve(result)
        }
        waiting.add(check)
        check()
      }),
  }
}

function closeServer(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
