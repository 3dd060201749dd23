/** One whole gateway, from its start to its end by `kill -9`. */
import { setTimeout as pause } from 'node:timers/promises'
import { launch, listening, type RunningProcess } from '../support/built-gateway.ts'
import { startLoad, type KillUpstream, type ReachedRequest } from './gateway-load.ts'

/** When a gateway is killed. */
export type Moment =
  /** So long after its process was started: as a rule before it listens. */
  | { readonly when: 'starting'; readonly afterMs: number }
  /** So long after the load has begun. */
  | { readonly when: 'busy'; readonly afterMs: number }
  /** While the upstream reads the head of the privileged request of this number. */
  | { readonly when: 'privileged'; readonly count: number }

/** What became of it. */
export interface GatewayLife {
  /** From the start of the process until it listened; `undefined` when it never did. */
  readonly startMs: number | undefined
  readonly reached: readonly ReachedRequest[]
  readonly statuses: Readonly<Record<number, number>>
  /** What it printed as errors. */
  readonly stderr: string
}

/** What a gateway lives in. */
export interface GatewayPlace {
  readonly main: string
  readonly configFile: string
  readonly dir: string
  readonly upstream: KillUpstream
}

/** A privileged request that never comes is waited for no longer. */
const PRIVILEGED_MS = 5_000
/** Two gateways, their clients and whatever else the machine does. */
const START_MS_MAX = 60_000

/** Starts a gateway, loads it, kills it, and waits until nothing of it is left. */
export async function liveAndDie(
  place: GatewayPlace,
  moment: Moment,
  load: { readonly name: string; readonly token: string; readonly random: () => number },
): Promise<GatewayLife> {
  const running = start(place)
  if (moment.when === 'starting') {
    await Promise.race([pause(moment.afterMs), running.exited])
    return dead(place, running, { startMs: undefined, statuses: {} })
  }
  const started = performance.now()
  const { dataPort } = await listening(running, START_MS_MAX)
  const startMs = performance.now() - started
  const clients = startLoad({ port: dataPort, ...load })
  try {
    if (moment.when === 'busy') await Promise.race([pause(moment.afterMs), running.exited])
    else await killedBy(place.upstream, running, moment.count)
    return await dead(place, running, { startMs, statuses: clients.statuses })
  } finally {
    await clients.stop()
  }
}

/** Starts a gateway and stops it as operators do. Gives its exit code and what it printed as errors. */
export async function startAndStop(
  place: GatewayPlace,
): Promise<{ readonly code: number | null; readonly stderr: string }> {
  const running = start(place)
  await listening(running, START_MS_MAX)
  running.signal('SIGTERM')
  return { code: await running.exited, stderr: running.stderr() }
}

function start({ main, configFile, dir }: GatewayPlace): RunningProcess {
  return launch(main, ['serve', '--config', configFile], { cwd: dir })
}

/** The upstream has the request, and the gateway not one turn more. */
async function killedBy(
  upstream: KillUpstream,
  running: RunningProcess,
  count: number,
): Promise<void> {
  let left = count
  upstream.onReached = ({ isPrivileged }) => {
    if (isPrivileged && --left === 0) process.kill(running.pid, 'SIGKILL')
  }
  await Promise.race([running.exited, pause(PRIVILEGED_MS, undefined, { ref: false })])
  upstream.onReached = undefined
}

async function dead(
  { upstream }: GatewayPlace,
  running: RunningProcess,
  known: Pick<GatewayLife, 'startMs' | 'statuses'>,
): Promise<GatewayLife> {
  running.signal('SIGKILL')
  await running.exited
  return { ...known, reached: await upstream.takeReached(), stderr: running.stderr() }
}
