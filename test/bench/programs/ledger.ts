/** One ledger in a process of its own: how fast it takes records, and what that costs its event loop. */
import { hostname } from 'node:os'
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'
import { openInThread } from '../../../gateway/assembly/ledger-thread/open-in-thread.ts'
import { loadConfig } from '../../../gateway/assembly/load-config.ts'
import { isAlive } from '../../../gateway/assembly/process-facts.ts'
import type { RunningLedger } from '../../../gateway/audit/ledger.ts'
import { systemClock } from '../../../gateway/domain/clock.ts'
import { createLogger } from '../../../gateway/log/logger.ts'
import { createMetrics } from '../../../gateway/metrics/metrics.ts'
import { writeGatewayFiles } from '../gateway-files.ts'
import type { LedgerRun } from '../ledger/report.ts'
import { recordsOf } from '../ledger/requests.ts'
import { loopThreadMs } from '../ledger/thread-time.ts'

/** A ledger that takes everything and keeps nothing: what the measuring itself costs. */
type Target = Pick<RunningLedger, 'append'>
const NOTHING: Target = { append: () => DONE }
const DONE = Promise.resolve()

/** Requests that arrive in one turn of the loop of a gateway at its limit. */
const PER_TURN = 8
const CONNECTIONS = 64
const PACE_MS = 1
const PACED_PER_TURN = 4

const [mode = 'full', dir = '', seconds = '3', key = ''] = process.argv.slice(2)
const forMs = Number(seconds) * 1000
const ledger = await open()
const drive = mode === 'full' ? saturate : pace
// What the compiler has not seen yet is not what a gateway runs.
await drive(ledger, Math.min(forMs, 2_000))
const idle = await drive(NOTHING, Math.min(forMs, 2_000))
const before = { cpu: process.cpuUsage(), memory: process.memoryUsage.rss() }
const busy = await drive(ledger, forMs)
const cpu = process.cpuUsage(before.cpu)
const growth = process.memoryUsage.rss() - before.memory
await ledger.close()
const run: LedgerRun = {
  mode,
  requests: busy.requests,
  seconds: busy.elapsedMs / 1000,
  recordsPerSecond: (busy.requests * 2 * 1000) / busy.elapsedMs,
  loopUs: (busy.threadMs / busy.requests - idle.threadMs / idle.requests) * 1000,
  wallUs: (busy.wallMs / busy.requests - idle.wallMs / idle.requests) * 1000,
  cpuUs: (cpu.user + cpu.system) / busy.requests,
  growthMiB: growth / 2 ** 20,
}
process.stdout.write(`${JSON.stringify(run)}\n`)

/** As a gateway opens it: configured, and written by a thread of its own. */
async function open(): Promise<RunningLedger> {
  const nowhere = 'http://127.0.0.1:1'
  const file = writeGatewayFiles(
    `${dir}-config`,
    { assertion: false, rules: 0 },
    { issuer: nowhere, upstream: nowhere },
  )
  const cwd = process.cwd()
  const overrides = {
    'audit.dir': dir,
    'audit.deployment': 'bench',
    'audit.node': 'n1',
    'audit.signing_key_file': key,
  }
  const loaded = await loadConfig({ file, cwd, env: {}, overrides })
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics))
  const { pid, version } = process
  return openInThread({
    dir,
    cwd,
    settings: loaded.value,
    process: { pid, host: hostname(), nodeVersion: version, isAlive },
    clock: systemClock,
    log: createLogger({ level: 'error' }),
    metrics: createMetrics({
      buildInfo: { version: '0', nodeVersion: version },
      upstreams: [],
      issuers: [],
    }),
    keepFrom: () => 0,
  })
}

interface Drive {
  readonly requests: number
  readonly elapsedMs: number
  /** The loop was not asleep, by the clock. */
  readonly wallMs: number
  /** Its thread was on a processor. */
  readonly threadMs: number
}

/** As many requests as it takes: those of so many connections, each once that before it is in the kernel. */
async function saturate(target: Target, durationMs: number): Promise<Drive> {
  let waiting = 0
  let wake = (): void => undefined
  const isThere = (): void => {
    waiting -= 1
    wake()
  }
  const drive = await driven(durationMs, async (at) => {
    const requests = Math.min(PER_TURN, CONNECTIONS - waiting)
    for (let i = 0; i < requests; i++) {
      const [decision, outcome] = recordsOf(at + i)
      waiting += 1
      void target.append(decision, 'kernel')
      void target.append(outcome, 'kernel').then(isThere)
    }
    if (requests > 0) await nextTurn()
    else await new Promise<void>((resolve) => (wake = resolve))
    return requests
  })
  while (waiting > 0) await nextTurn()
  return drive
}

/** A few requests every millisecond: the loop sleeps in between, and every write is for few records. */
async function pace(target: Target, durationMs: number): Promise<Drive> {
  return driven(durationMs, async (at) => {
    for (let i = 0; i < PACED_PER_TURN; i++) {
      const [decision, outcome] = recordsOf(at + i)
      void target.append(decision, 'kernel')
      void target.append(outcome, 'kernel')
    }
    await sleep(PACE_MS)
    return PACED_PER_TURN
  })
}

async function driven(durationMs: number, step: (at: number) => Promise<number>): Promise<Drive> {
  const started = performance.now()
  const loop = performance.eventLoopUtilization()
  const before = loopThreadMs()
  let requests = 0
  while (performance.now() - started < durationMs) requests += await step(requests)
  const elapsedMs = performance.now() - started
  const wallMs = performance.eventLoopUtilization(loop).active
  const threadMs = before === undefined ? wallMs : (loopThreadMs() ?? 0) - before
  return { requests, elapsedMs, wallMs, threadMs }
}
