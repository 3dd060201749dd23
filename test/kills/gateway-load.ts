/**
 * Load for gateways that are to be killed: an upstream that writes down what reached it before it does
 * anything else, and clients on connections that are kept, predictions and privileged actions mixed.
 */
import { once } from 'node:events'
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { startHttpUpstream, type HttpUpstream } from '../support/http-upstream.ts'

/** A request as the upstream saw it. */
export interface ReachedRequest {
  /** `X-Request-Id`: field `req` of the record. */
  readonly id: string
  readonly method: string
  readonly path: string
  readonly isPrivileged: boolean
}

/** The upstream of one gateway after the other. */
export interface KillUpstream {
  readonly url: string
  /** What reached it since this was asked last; resolves when no connection is left. */
  takeReached(): Promise<readonly ReachedRequest[]>
  /** Called within the handler, before anything is answered. One at a time. */
  onReached: ((request: ReachedRequest) => void) | undefined
  close(): Promise<void>
}

/** What a gateway must be configured with for {@link startLoad}: both are the one upstream. */
export const UPSTREAMS = [
  { name: 'models', pack: 'kserve' },
  { name: 'registry', pack: 'mlflow', match: { path_prefix: '/api' } },
]

/** Rules that permit the load to {@link ROLES}. */
export const POLICY = `p, role:inference, infer, model:*, always, allow
p, role:exporter, export, model:*, always, allow
p, role:deployer, deploy, model:*, always, allow
p, role:admin, admin, server:*, always, allow
`
export const ROLES = ['inference', 'exporter', 'deployer', 'admin']

interface Ask {
  readonly method: string
  /** `*` becomes a name of its own, so that the record is that of this request. */
  readonly path: string
  readonly body?: string
}

const INFER: Ask = { method: 'POST', path: '/v2/models/*/infer', body: '{"inputs":[]}' }
const PRIVILEGED: readonly Ask[] = [
  { method: 'GET', path: '/api/2.0/mlflow-artifacts/artifacts/models/*/weights.bin' },
  { method: 'POST', path: '/v2/repository/models/*/load', body: '{}' },
  { method: 'GET', path: '/api/3.0/mlflow/gateway/secrets/list' },
]
const PRIVILEGED_SHARE = 0.4
const CONNECTIONS = 16
const DRAINED_MS = 10_000

/** See {@link KillUpstream}. */
export async function startKillUpstream(): Promise<KillUpstream> {
  let reached: ReachedRequest[] = []
  const upstream = await startHttpUpstream((request, response) => {
    const one = reachedBy(request)
    reached.push(one)
    running.onReached?.(one)
    request.resume().once('end', () => {
      response.setHeader('content-type', 'application/json').end('{"outputs":[]}')
    })
  })
  const running: KillUpstream = {
    url: upstream.url,
    onReached: undefined,
    // What a gateway sent before it died is still read, up to the end of its connection.
    async takeReached() {
      await allClosed(upstream)
      const taken = reached
      reached = []
      return taken
    },
    close: () => upstream.close(),
  }
  return running
}

function reachedBy({ headers, method, url }: IncomingMessage): ReachedRequest {
  const path = url ?? ''
  return {
    id: String(headers['x-request-id']),
    method: method ?? '',
    path,
    isPrivileged: !path.endsWith('/infer'),
  }
}

async function allClosed({ server }: HttpUpstream): Promise<void> {
  const deadline = performance.now() + DRAINED_MS
  const open = (): Promise<number> =>
    new Promise((resolve, reject) => {
      server.getConnections((error, count) => (error ? reject(error) : resolve(count)))
    })
  while ((await open()) > 0) {
    if (performance.now() > deadline) throw new Error('a dead gateway has open connections')
    await pause(2)
  }
}

/** Clients at work. */
export interface RunningLoad {
  /** Answers by status, of clients that got one. */
  readonly statuses: Readonly<Record<number, number>>
  /** Resolves when all connections are closed. */
  stop(): Promise<void>
}

/** Starts {@link CONNECTIONS} clients; each ends with its first failure. Ids begin with `name`. */
export function startLoad(load: {
  readonly port: number
  readonly token: string
  readonly name: string
  readonly random: () => number
}): RunningLoad {
  const statuses: Record<number, number> = {}
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS })
  let [isOver, sent] = [false, 0]
  const client = async (): Promise<void> => {
    while (!isOver) {
      const id = `${load.name}-${sent++}`
      const asked = await ask({ ...load, agent, id }).catch(() => undefined)
      if (asked === undefined) return
      statuses[asked] = (statuses[asked] ?? 0) + 1
    }
  }
  const clients = Promise.all(Array.from({ length: CONNECTIONS }, client))
  return {
    statuses,
    async stop() {
      isOver = true
      agent.destroy()
      await clients
    },
  }
}

async function ask(load: {
  readonly port: number
  readonly token: string
  readonly random: () => number
  readonly agent: Agent
  readonly id: string
}): Promise<number> {
  const { port, agent, id, random } = load
  const isPrivileged = random() < PRIVILEGED_SHARE
  const privileged = PRIVILEGED[Math.floor(random() * PRIVILEGED.length)] ?? INFER
  const { method, path, body } = isPrivileged ? privileged : INFER
  const request = httpRequest({
    host: '127.0.0.1',
    port,
    agent,
    method,
    path: path.replace('*', id),
    headers: {
      authorization: `Bearer ${load.token}`,
      'x-request-id': id,
      ...(body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': body.length }),
    },
  })
  request.end(body)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  response.resume()
  await once(response, 'end')
  return response.statusCode ?? 0
}
