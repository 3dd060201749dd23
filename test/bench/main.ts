/**
 * What enforcement costs: requests per second, CPU per request and added latency of Modelgate beside
 * proxies that check nothing, in one run on one machine. Run it with `npm run bench`.
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDevIssuer } from '../../gateway/authn/dev-issuer.ts'
import { systemClock } from '../../gateway/domain/clock.ts'
import { accessBench } from './access/bench.ts'
import { classifyBench } from './classify/bench.ts'
import { createChildren, type Children } from './children.ts'
import { guardBench } from './guard/bench.ts'
import { ledgerBench } from './ledger/bench.ts'
import { queryBench } from './ledger/query.ts'
import { createLoadRunner } from './load.ts'
import { locksBench } from './locks/bench.ts'
import { describeMachine, type Machine } from './machine.ts'
import { measureLatency, measureThroughput, type Bench } from './measure.ts'
import { exportBench } from './export.ts'
import { parseOptions, USAGE, type BenchOptions } from './options.ts'
import { peersOf, type RunningPeer, type Site } from './peers.ts'
import { policyBench } from './policy/bench.ts'
import { latencyRows, markdownReport, textReport, throughputRow, type Report } from './report.ts'
import { reloadStorm } from './reload-storm.ts'
import { buildRequests, checkPeer } from './requests.ts'

const PROGRAMS = join(import.meta.dirname, 'programs')
const PROXY_CORE = 1
const LOAD_CORE = 0

const args = process.argv.slice(2)
if (args[0] === 'policy') await policyBench(args.slice(1), PROGRAMS)
else if (args[0] === 'classify') await classifyBench(args.slice(1), PROGRAMS)
else if (args[0] === 'export') await exportBench(args.slice(1))
else if (args[0] === 'guard') await guardBench(args.slice(1))
else if (args[0] === 'ledger' && args[1] === 'query') await queryBench(args.slice(2))
else if (args[0] === 'ledger') await ledgerBench(args.slice(1), PROGRAMS)
else if (args[0] === 'access') accessBench(args.slice(1))
else if (args[0] === 'locks') await locksBench(args.slice(1))
else if (args[0] === 'reload-storm') await reloadStorm(args.slice(1))
else await gatewayBench()

async function gatewayBench(): Promise<void> {
  const options = parseOptions(args)
  if (options === undefined) process.stdout.write(USAGE)
  else await main(options)
}

async function main(wanted: BenchOptions): Promise<void> {
  const machine = describeMachine()
  const pinned = machine.taskset !== undefined && machine.cores > 1
  const children = createChildren(pinned ? machine.taskset : undefined)
  const folder = mkdtempSync(join(tmpdir(), 'modelgate-bench-'))
  const issuer = await createDevIssuer({ host: '127.0.0.1', port: 0, clock: systemClock })
  const cleanUp = async (): Promise<void> => {
    await children.stopAll()
    await issuer.close()
    rmSync(folder, { recursive: true, force: true })
  }
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void cleanUp().then(() => process.exit(130)))
  }
  try {
    const requests = await buildRequests(issuer)
    const report = await run({ options: wanted, machine, children, folder, pinned, requests })({
      issuer: issuer.issuer,
    })
    tell(wanted, report)
  } finally {
    await cleanUp()
  }
}

interface Run {
  readonly options: BenchOptions
  readonly machine: Machine
  readonly children: Children
  readonly folder: string
  readonly pinned: boolean
  readonly requests: readonly string[]
}

function run(given: Run): (at: { readonly issuer: string }) => Promise<Report> {
  const { machine, children, folder, requests, options: wanted } = given
  return async ({ issuer }) => {
    const upstream = await children.start({
      name: 'upstream',
      command: process.execPath,
      args: [join(PROGRAMS, 'upstream.js')],
      core: LOAD_CORE,
      readyPort: (output) => Number(/^ready (\d+)$/m.exec(output)?.[1]) || undefined,
    })
    const origin = `http://127.0.0.1:${upstream.port}`
    const freePort = await findPort()
    const site: Site = { folder, programs: PROGRAMS, machine, issuer, upstream: origin, freePort }
    const { peers, notes } = peersOf(wanted, site)
    for (const { prepare } of peers) await prepare?.()
    const running = await Promise.all(
      peers.map(async (peer): Promise<RunningPeer> => {
        const child = await children.start({ ...peer.process, name: peer.name, core: PROXY_CORE })
        return { ...peer, child }
      }),
    )
    await Promise.all(running.map((peer) => checkPeer(peer, requests[0] ?? '')))
    const program = join(PROGRAMS, 'load.js')
    const load = { children, core: LOAD_CORE, folder, program, wrk: machine.wrk }
    const bench: Bench = {
      options: wanted,
      peers: running,
      requests,
      upstreamPort: upstream.port,
      runLoad: createLoadRunner(load),
      progress: (text) => process.stderr.write(`${text}\n`),
    }
    const throughput = await measureThroughput(bench)
    const latency = await measureLatency(bench)
    return {
      ...pickOptions(wanted),
      machine,
      pinned: given.pinned,
      loadGenerator: machine.wrk === undefined ? 'own' : 'wrk',
      throughput: throughput.map(throughputRow),
      latency: latencyRows(latency),
      notes,
    }
  }
}

function findPort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo
      probe.close(() => resolve(port))
    })
  })
}

function pickOptions({ rounds, roundSeconds, connections, rate }: BenchOptions) {
  return { rounds, roundSeconds, connections, rate }
}

function tell(wanted: BenchOptions, report: Report): void {
  if (wanted.write) {
    mkdirSync('docs', { recursive: true })
    writeFileSync('docs/bench.md', markdownReport(report))
  }
  const text =
    wanted.format === 'json' ? `${JSON.stringify(report, null, 2)}\n` : textReport(report)
  process.stdout.write(text)
}
