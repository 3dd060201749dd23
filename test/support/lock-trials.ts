/**
 * How long a lock takes: several gateways in processes of their own over one Redis, with streams open
 * and requests under way. Each trial locks one caller by one gateway, and watches all of them.
 */
import { Agent, createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'
import { createDevIssuer, type DevIssuer } from '../../gateway/authn/dev-issuer.ts'
import { systemClock } from '../../gateway/domain/clock.ts'
import { startBuiltGateway, type BuiltGateway } from './built-gateway.ts'
import { runLoad } from './load.ts'
import { startRedis, type TestRedis } from './redis.ts'

/** What is tried. */
export interface LockTrialOptions {
  readonly gateways: number
  readonly trials: number
  /** Requests per second of other callers, to each gateway. */
  readonly rate: number
  /** Told after each trial. */
  readonly onTrial?: (done: number) => void
}

/** Milliseconds of one trial, for each gateway from the moment the lock was asked for. */
export interface LockTrial {
  /** To the last byte of an open stream. */
  readonly lastByteMs: readonly number[]
  /** To the first refusal of a new request. */
  readonly refusalMs: readonly number[]
  /** To the answer of the call that set the lock. */
  readonly answeredMs: number
}

const CONTROL_AUDIENCE = 'modelgate-control'

const POLICY = `p, role:inference, infer, model:*, always, allow
p, role:admin, admin, server:gate:*, always, allow
`

/** Longest wait for anything in a trial. */
const TRIAL_MS = 10_000

/** The gateways of the trials. */
export interface LockWorld {
  readonly redis: TestRedis
  readonly gateways: readonly BuiltGateway[]
  token(subject: string, role: string, audience?: string): Promise<string>
  close(): Promise<void>
}

/** Starts issuer, upstream, Redis and gateways. */
export async function startLockWorld(count: number): Promise<LockWorld> {
  const issuer = await createDevIssuer({ host: '127.0.0.1', port: 0, clock: systemClock })
  const upstream = await startDripUpstream()
  const redis = await startRedis()
  const gateways: BuiltGateway[] = []
  const close = async (): Promise<void> => {
    for (const gateway of gateways) await gateway.close()
    await redis.close()
    await upstream.close()
    await issuer.close()
  }
  try {
    for (let i = 0; i < count; i++) {
      gateways.push(await startOne({ issuer, upstreamUrl: upstream.url, redisUrl: redis.url }))
    }
  } catch (error) {
    await close()
    throw error
  }
  return { redis, gateways, token: tokensOf(issuer), close }
}

function tokensOf(issuer: DevIssuer): LockWorld['token'] {
  return (subject, role, audience = 'modelgate') =>
    issuer.mint({ sub: subject, aud: audience, roles: [role] }, { lifetimeS: 3_600 })
}

function startOne(at: {
  readonly issuer: DevIssuer
  readonly upstreamUrl: string
  readonly redisUrl: string
}): Promise<BuiltGateway> {
  return startBuiltGateway({
    issuerUrl: at.issuer.issuer,
    upstreamUrl: at.upstreamUrl,
    upstreams: [{ name: 'llm', pack: 'vllm' }],
    policy: POLICY,
    config: {
      listen: {
        data: { host: '127.0.0.1', port: 0 },
        control: { host: '127.0.0.1', port: 0, audience: CONTROL_AUDIENCE },
      },
      store: { kind: 'redis', url_file: 'redis-url' },
      log: { level: 'info' },
    },
    prepare: ({ dir }) => writeFile(join(dir, 'redis-url'), `${at.redisUrl}\n`, { mode: 0o600 }),
  })
}

/** A model server that streams an event every few milliseconds, for ever. */
async function startDripUpstream(): Promise<{ readonly url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => (text += chunk.toString()))
    request.on('end', () => {
      if (!text.includes('"stream":true')) {
        response.setHeader('content-type', 'application/json')
        response.end('{"choices":[]}')
        return
      }
      response.setHeader('content-type', 'text/event-stream')
      const timer = setInterval(() => response.write('data: {"choices":[]}\n\n'), 5)
      response.on('close', () => clearInterval(timer))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
}

/** Runs the trials one after another, under load. @throws Error when one does not end */
export async function runLockTrials(
  world: LockWorld,
  options: Omit<LockTrialOptions, 'gateways'>,
): Promise<{ readonly trials: readonly LockTrial[]; readonly load: number }> {
  const admin = await world.token('operator', 'admin', CONTROL_AUDIENCE)
  const others = await world.token('bystander', 'inference')
  const stop = new AbortController()
  const load = backgroundLoad(world, { token: others, rate: options.rate, signal: stop.signal })
  const trials: LockTrial[] = []
  try {
    for (let i = 0; i < options.trials; i++) {
      const token = await world.token(`victim-${i}`, 'inference')
      const by = world.gateways[i % world.gateways.length]
      if (by === undefined) throw new Error('there is no gateway')
      trials.push(await runTrial(world, { subject: `user:dev/victim-${i}`, token, admin, by }))
      options.onTrial?.(i + 1)
    }
  } finally {
    stop.abort()
  }
  return { trials, load: await load }
}

/** Loads every gateway in bursts of a second until it is told to stop; answers what was answered. */
async function backgroundLoad(
  { gateways }: LockWorld,
  load: { readonly token: string; readonly rate: number; readonly signal: AbortSignal },
): Promise<number> {
  const body = '{"model":"m","prompt":"x"}'
  const one = async ({ dataPort }: BuiltGateway): Promise<number> => {
    const head =
      `POST /v1/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${load.token}\r\n` +
      `content-type: application/json\r\ncontent-length: ${body.length}\r\n\r\n`
    let answered = 0
    while (!load.signal.aborted) {
      const requests = [Buffer.from(head + body)]
      const { rate } = load
      const report = await runLoad({ port: dataPort, requests, connections: 4, seconds: 1, rate })
      answered += report.statuses['200'] ?? 0
    }
    return answered
  }
  const counts = await Promise.all(gateways.map(one))
  return counts.reduce((sum, count) => sum + count, 0)
}

interface Trial {
  readonly subject: string
  readonly token: string
  readonly admin: string
  /** The gateway that is asked for the lock. */
  readonly by: BuiltGateway
}

async function runTrial({ gateways }: LockWorld, trial: Trial): Promise<LockTrial> {
  const streams = await Promise.all(gateways.map((one) => openStream(one, trial.token)))
  const watches = gateways.map((one) => watchRefusal(one, trial.token))
  await Promise.all(watches.map(({ begun }) => begun))
  const askedAt = performance.now()
  const lock = { target: { kind: 'user', id: trial.subject }, ttl: '1h', reason: 'a trial' }
  const status = await post(`${trial.by.controlUrl}/v1/locks`, trial.admin, lock)
  const answeredMs = performance.now() - askedAt
  if (status !== 201) throw new Error(`the lock was answered with ${status}`)
  const since = (at: number): number => at - askedAt
  const [lastBytes, refusals] = await inTime(
    Promise.all([
      Promise.all(streams.map(({ ended }) => ended)),
      Promise.all(watches.map(({ refused }) => refused)),
    ]),
  )
  return { answeredMs, lastByteMs: lastBytes.map(since), refusalMs: refusals.map(since) }
}

async function inTime<T>(promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`nothing in ${TRIAL_MS} ms`)), TRIAL_MS)
  })
  return Promise.race([promise, late]).finally(() => clearTimeout(timer))
}

/** A stream that has begun; `ended` is when its last byte came. */
async function openStream(
  { url }: BuiltGateway,
  token: string,
): Promise<{ readonly ended: Promise<number> }> {
  const response = await send(`${url}/v1/completions`, token, {
    model: 'm',
    prompt: 'x',
    stream: true,
  })
  if (response.statusCode !== 200) throw new Error(`a stream began with ${response.statusCode}`)
  let lastAt = 0
  const ended = new Promise<number>((resolve) => {
    response.on('data', () => (lastAt = performance.now()))
    for (const end of ['end', 'error', 'close'] as const) response.on(end, () => resolve(lastAt))
  })
  await new Promise((resolve) => response.once('data', resolve))
  return { ended }
}

/** Asks again and again; `refused` is when the first refusal came. */
function watchRefusal(
  { url }: BuiltGateway,
  token: string,
): { readonly begun: Promise<void>; readonly refused: Promise<number> } {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  let begin = (): void => undefined
  const begun = new Promise<void>((resolve) => (begin = resolve))
  const watch = async (): Promise<number> => {
    const deadline = performance.now() + 2 * TRIAL_MS
    while (performance.now() < deadline) {
      const ask = { model: 'm', prompt: 'x' }
      const response = await send(`${url}/v1/completions`, token, ask, agent)
      response.resume()
      await new Promise((resolve) => response.once('end', resolve))
      if (response.statusCode === 403) return performance.now()
      begin()
    }
    throw new Error('nothing was refused')
  }
  return { begun, refused: watch().finally(() => agent.destroy()) }
}

async function post(url: string, token: string, body: object): Promise<number> {
  const response = await send(url, token, body)
  response.resume()
  await new Promise((resolve) => response.once('end', resolve))
  return response.statusCode ?? 0
}

function send(url: string, token: string, body: object, agent?: Agent): Promise<IncomingMessage> {
  const text = JSON.stringify(body)
  const headers = {
    authorization: `Bearer ${token}`,
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
  }
  return new Promise((resolve, reject) => {
    const how = { method: 'POST', headers, ...(agent === undefined ? {} : { agent }) }
    const sent = httpRequest(url, how, resolve)
    sent.on('error', reject)
    sent.end(text)
  })
}
