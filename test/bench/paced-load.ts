/**
 * A fixed number of requests per second, offered whether or not the ones before were answered, on
 * connections that are open before the first is due. Made for tenths of a millisecond: latency
 * counts from the moment the generator itself got to a request that was due, so that a late timer
 * of its own is not held against the server, while a server that stalls delays nobody's clock.
 */
import { connect, type Socket } from 'node:net'
import { messageLength } from '../support/http-bytes.ts'
import type { LoadResult } from './load.ts'

/** What to offer. Loopback only. */
export interface PacedOptions {
  readonly port: number
  readonly requests: readonly Buffer[]
  readonly connections: number
  readonly seconds: number
  /** Requests per second. */
  readonly rate: number
}

/** How long answers are waited for after the last request was due. */
const GRACE_MS = 2_000

/** Runs to its bound; what is not answered by then is a failure. */
export async function runPaced(options: PacedOptions): Promise<LoadResult> {
  const state = createState(options)
  const opening = Array.from({ length: options.connections }, () => open(options, state))
  await Promise.all(opening)
  const startedAt = performance.now()
  const total = Math.floor(options.rate * options.seconds)
  await new Promise<void>((resolve) => {
    state.onAnswer = () => {
      if (state.offered === total && state.latencies.length + state.failures >= total) resolve()
    }
    const tick = (): void => {
      const now = performance.now()
      const due = Math.min(total, Math.floor(((now - startedAt) * options.rate) / 1000) + 1)
      for (; state.offered < due; state.offered++) state.waiting.push(now)
      sendWaiting(options, state)
      if (state.offered < total) setTimeout(tick, 1)
      else setTimeout(resolve, GRACE_MS).unref()
    }
    tick()
  })
  const seconds = (performance.now() - startedAt) / 1000
  for (const socket of state.sockets) socket.destroy()
  return resultOf(state, seconds, total)
}

interface State {
  readonly idle: Socket[]
  readonly sockets: Set<Socket>
  /** When each request under way, by connection, was got to. */
  readonly under: Map<Socket, number>
  readonly waiting: number[]
  readonly latencies: number[]
  offered: number
  sent: number
  failures: number
  onAnswer: () => void
}

function createState({ requests }: PacedOptions): State {
  if (requests.length === 0) throw new Error('there is no request to send')
  return {
    idle: [],
    sockets: new Set(),
    under: new Map(),
    waiting: [],
    latencies: [],
    offered: 0,
    sent: 0,
    failures: 0,
    onAnswer: () => undefined,
  }
}

function sendWaiting({ requests }: PacedOptions, state: State): void {
  while (state.waiting.length > 0) {
    const socket = state.idle.shift()
    if (socket === undefined) return
    state.under.set(socket, state.waiting.shift() ?? 0)
    socket.write(requests[state.sent++ % requests.length] ?? '')
  }
}

function open(options: PacedOptions, state: State): Promise<void> {
  return new Promise((resolve) => {
    const socket = connect({ port: options.port, host: '127.0.0.1', noDelay: true })
    state.sockets.add(socket)
    let pending: Buffer | undefined
    socket.once('connect', () => {
      state.idle.push(socket)
      resolve()
    })
    socket.on('error', () => socket.destroy())
    socket.once('close', () => {
      if (state.under.delete(socket)) state.failures++
      const at = state.idle.indexOf(socket)
      if (at >= 0) state.idle.splice(at, 1)
      resolve()
      state.onAnswer()
    })
    socket.on('data', (chunk: Buffer) => {
      pending = pending === undefined ? chunk : Buffer.concat([pending, chunk])
      const length = messageLength(pending, { response: true })
      if (length === undefined) return
      answered(state, socket, pending)
      pending = length < pending.length ? pending.subarray(length) : undefined
      state.idle.push(socket)
      sendWaiting(options, state)
    })
  })
}

function answered(state: State, socket: Socket, bytes: Buffer): void {
  const since = state.under.get(socket)
  state.under.delete(socket)
  if (since === undefined || bytes.toString('latin1', 9, 12) !== '200') state.failures++
  else state.latencies.push(performance.now() - since)
  state.onAnswer()
}

function resultOf(state: State, seconds: number, total: number): LoadResult {
  const sorted = Float64Array.from(state.latencies).sort()
  const at = (fraction: number): number =>
    sorted[Math.max(0, Math.ceil(sorted.length * fraction) - 1)] ?? 0
  return {
    responses: sorted.length,
    failures: total - sorted.length,
    seconds,
    rps: sorted.length / seconds,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
  }
}
