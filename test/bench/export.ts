/**
 * `npm run bench -- export [GiB]`: one file, made as it is asked for and stored nowhere, leaves under
 * a grant with a digest that the gateway has to compare. How fast, and in how much memory.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { request, type IncomingMessage, type ServerResponse } from 'node:http'
import { startBuiltWorld, type BuiltWorld } from '../support/built-gateway.ts'

const MIB = 1024 * 1024
const BLOCK = Buffer.alloc(MIB, 'weights!')
const GROWTH_MAX_MIB = 32
/** What the first requests allocate for good is not growth. */
const WARM_UP_MIB = 1024
const SAMPLE_MS = 250
const PATH = '/api/2.0/mlflow-artifacts/artifacts/models/big/artifacts/model.safetensors'

/** Runs it and prints one line of JSON; more growth than 32 MiB, or a byte too few, is a failure. */
export async function exportBench(args: readonly string[]): Promise<void> {
  const gib = Number(args[0] ?? '50')
  if (!Number.isInteger(gib) || gib < 1 || gib > 10_000) {
    process.stdout.write('npm run bench -- export [GiB]   GiB of one file (50)\n')
    process.exitCode = 2
    return
  }
  const blocks = gib * 1024
  const digest = digestOf(blocks)
  const world = await startWorld(digest)
  try {
    await download(world, WARM_UP_MIB, 'warm-up')
    const report = await measured(world, blocks)
    const { bytes, sha256, complete, matched } = await exportRecord(world)
    const isGood = complete === true && matched === true && bytes === blocks * MIB
    const whole = { gib, ...report, bytes, sha256, complete, matched }
    process.stdout.write(`${JSON.stringify(whole)}\n`)
    if (!isGood || report.growthMiB > GROWTH_MAX_MIB) process.exitCode = 1
  } finally {
    await world.close()
  }
}

function digestOf(blocks: number): string {
  const hash = createHash('sha256')
  for (let i = 0; i < blocks; i++) hash.update(BLOCK)
  return hash.digest('hex')
}

function startWorld(digest: string): Promise<BuiltWorld> {
  const expires = new Date(Date.now() + 86_400_000).toISOString()
  const grant = {
    to: ['user:dev/alice'],
    actions: ['export'],
    resources: ['model:big'],
    expires,
    uses: 2,
  }
  const grants = { 'warm-up': grant, big: { ...grant, digest: `sha256:${digest}` } }
  return startBuiltWorld({
    handler: serve,
    upstreams: [{ name: 'registry', pack: 'mlflow' }],
    policy: 'p, role:exporter, export, model:*, granted, allow\n',
    rules: {
      'conditions.yaml': 'conditions:\n  granted:\n    kind: grant\n',
      'grants.yaml': JSON.stringify({ grants }),
    },
    config: { log: { level: 'info' } },
  })
}

/** As many MiB as asked for, as fast as they are taken. */
function serve(incoming: IncomingMessage, response: ServerResponse): void {
  let left = Number(incoming.headers['x-mib'])
  response.writeHead(200, { 'content-length': String(left * MIB) })
  const more = (): void => {
    while (left > 0) {
      left -= 1
      if (!response.write(BLOCK)) {
        response.once('drain', more)
        return
      }
    }
    response.end()
  }
  more()
}

async function download(world: BuiltWorld, blocks: number, grant: string): Promise<void> {
  const authorization = `Bearer ${await world.token(['exporter'])}`
  const headers = { authorization, 'x-modelgate-grant': grant, 'x-mib': String(blocks) }
  await new Promise<void>((resolve, reject) => {
    const outgoing = request(world.url + PATH, { headers, agent: false }, (answer) => {
      if (answer.statusCode !== 200) reject(new Error(`status ${answer.statusCode ?? 0}`))
      answer.on('error', reject).on('end', resolve).resume()
    })
    outgoing.on('error', reject).end()
  })
}

async function measured(world: BuiltWorld, blocks: number) {
  const before = memoryMiB(world.pid)
  let peak = before
  const timer = setInterval(() => (peak = Math.max(peak, memoryMiB(world.pid))), SAMPLE_MS)
  const startedMs = performance.now()
  try {
    await download(world, blocks, 'big')
  } finally {
    clearInterval(timer)
  }
  const seconds = (performance.now() - startedMs) / 1000
  return {
    seconds: Math.round(seconds * 10) / 10,
    mbPerSecond: Math.round((blocks * MIB) / seconds / 1e6),
    residentMiB: Math.round(before),
    growthMiB: Math.round((peak - before) * 10) / 10,
  }
}

/** Resident memory, where the system tells it as Linux does. */
function memoryMiB(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8')
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? Number.NaN) / 1024
}

async function exportRecord(world: BuiltWorld): Promise<Readonly<Record<string, unknown>>> {
  return world.whenRecord((one) => one.type === 'export' && one['grant'] === 'big')
}
