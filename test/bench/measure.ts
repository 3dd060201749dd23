/** The order of a run: warm-up, interleaved rounds at saturation, then the fixed rate. */
import type { RunLoadJob, LoadResult } from './load.ts'
import type { BenchOptions } from './options.ts'
import { YARDSTICK, type RunningPeer } from './peers.ts'

/** One peer in one round. */
export interface Sample extends LoadResult {
  /** CPU of the proxy per request, microseconds. */
  readonly cpuUs: number | undefined
  /** How much of one core the proxy used; below about 0.95 it was not what limited the rate. */
  readonly utilisation: number | undefined
  /** Requests per second over those of the yardstick in the same round. */
  readonly ratio: number
}

/** All rounds of one peer. */
export interface Series {
  readonly peer: RunningPeer
  readonly samples: readonly Sample[]
}

/** Latency at the fixed rate, one entry per round. */
export interface LatencySeries {
  readonly name: string
  readonly rounds: readonly LoadResult[]
}

/** What is measured with. */
export interface Bench {
  readonly options: BenchOptions
  readonly peers: readonly RunningPeer[]
  readonly requests: readonly string[]
  readonly upstreamPort: number
  readonly runLoad: RunLoadJob
  /** Told what happens, for people who wait. */
  readonly progress: (text: string) => void
}

/** Warms every peer up, then measures A B C A B C …, so that drift of the machine meets all. */
export async function measureThroughput(bench: Bench): Promise<readonly Series[]> {
  const { options, peers } = bench
  for (const peer of peers) {
    bench.progress(`warm-up ${peer.name}`)
    await saturate(bench, peer, options.warmUpSeconds)
  }
  const samples = new Map<string, Sample[]>(peers.map(({ name }) => [name, []]))
  for (let round = 1; round <= options.rounds; round++) {
    bench.progress(`round ${round} of ${options.rounds}`)
    let yardstick = 0
    for (const peer of peers) {
      const measured = await saturate(bench, peer, options.roundSeconds)
      if (peer.name === YARDSTICK) yardstick = measured.rps
      samples.get(peer.name)?.push({ ...measured, ratio: measured.rps / yardstick })
    }
  }
  return peers.map((peer) => ({ peer, samples: samples.get(peer.name) ?? [] }))
}

async function saturate(
  { options, requests, runLoad }: Bench,
  { child, name }: RunningPeer,
  seconds: number,
): Promise<Omit<Sample, 'ratio'>> {
  const before = child.cpuNs()
  const { connections } = options
  const result = await runLoad({ port: child.port, requests, connections, seconds })
  const after = child.cpuNs()
  if (result.failures > 0) throw new Error(`${name}: ${result.failures} requests failed`)
  if (before === undefined || after === undefined) {
    return { ...result, cpuUs: undefined, utilisation: undefined }
  }
  const cpuNs = after - before
  return {
    ...result,
    cpuUs: cpuNs / 1e3 / result.responses,
    utilisation: cpuNs / 1e9 / result.seconds,
  }
}

/** Connections of the fixed rate: enough that none is waited for. */
const PACED_CONNECTIONS = 16

/** The same requests at a fixed rate, straight to the upstream and through each peer, in turns. */
export async function measureLatency(bench: Bench): Promise<readonly LatencySeries[]> {
  const { options, peers, requests, runLoad } = bench
  const targets = [
    { name: 'direct', port: bench.upstreamPort },
    ...peers.map(({ name, child }) => ({ name, port: child.port })),
  ]
  const rounds = new Map<string, LoadResult[]>(targets.map(({ name }) => [name, []]))
  const { rate, latencyRounds, latencySeconds: seconds } = options
  for (let round = 1; round <= latencyRounds; round++) {
    bench.progress(`latency at ${rate} requests/s, round ${round} of ${latencyRounds}`)
    for (const { name, port } of targets) {
      const job = { port, requests, connections: PACED_CONNECTIONS, seconds, rate }
      rounds.get(name)?.push(await runLoad(job))
    }
  }
  return targets.map(({ name }) => ({ name, rounds: rounds.get(name) ?? [] }))
}
