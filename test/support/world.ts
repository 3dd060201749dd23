/**
 * A whole gateway in a temporary folder: a development issuer, an upstream that records every byte,
 * and the gateway as `startGateway` wires it, on free ports of 127.0.0.1.
 *
 * `const world = await startWorld()` → send bytes to `world.port`, then ask `world.upstream.received()`,
 * `world.record(id)`, `world.metric(...)`, `world.logText()`; `await world.close()` in `afterAll`.
 */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { JWTPayload } from 'jose'
import { startGateway, type Gateway } from '../../gateway/assembly/gateway.ts'
import { createDevIssuer, type DevIssuer } from '../../gateway/authn/dev-issuer.ts'
import { systemClock, type Clock } from '../../gateway/domain/clock.ts'
import {
  startRecordingUpstream,
  type RawHandler,
  type RecordingUpstream,
} from './recording-upstream.ts'

/** What differs from the default world. */
export interface WorldOptions {
  /** Answers for the recording upstream; every request gets `200 ok` when absent. */
  readonly handler?: RawHandler
  /** Top-level keys of gateway.yaml, each put in the place of the default one. */
  readonly config?: Readonly<Record<string, unknown>>
  /** Keys added to the one issuer of gateway.yaml. */
  readonly issuer?: Readonly<Record<string, unknown>>
  /** `upstreams` of gateway.yaml; one without `url` is the recording upstream. */
  readonly upstreams?: readonly Readonly<Record<string, unknown>>[]
  /** Rows of policy.csv instead of {@link WORLD_POLICY}. */
  readonly policy?: string
  /** Files of the rules folder by relative path, such as `routes/mine.yaml`, instead of the shipped. */
  readonly rules?: Readonly<Record<string, string>>
  readonly clock?: Clock
}

/** One line of the ledger. */
export interface WorldRecord {
  readonly type: string
  readonly id?: string
  readonly reason?: string
  readonly stage?: string
  readonly effect?: string
  readonly [field: string]: unknown
}

/** A running world. */
export interface World {
  /** The data listener. */
  readonly port: number
  readonly controlPort: number
  readonly gateway: Gateway
  readonly issuer: DevIssuer
  readonly upstream: RecordingUpstream
  readonly dir: string
  readonly rulesDir: string
  readonly configFile: string
  /** A token of `user:dev/alice` with these roles, good for ten minutes; `claims` win. */
  token(roles: readonly string[], claims?: JWTPayload): Promise<string>
  /** Every line the gateway logged, as one text. */
  logText(): string
  /** Every ledger line, as one text, and parsed. */
  ledgerText(): Promise<string>
  records(): Promise<WorldRecord[]>
  /** The first record for which `test` holds, waited for. @throws Error after 4 s. */
  whenRecord(test: (record: WorldRecord) => boolean): Promise<WorldRecord>
  /** The decision record with this id, waited for. */
  record(id: string): Promise<WorldRecord>
  /** The metrics page. */
  metrics(): Promise<string>
  /** The sum of the samples of a family (`modelgate_` is added) that carry all of `labels`. */
  metric(name: string, labels?: Readonly<Record<string, string>>): Promise<number>
  /** Waits until `test` gives true. @throws Error with `what` after 4 s. */
  until(what: string, test: () => boolean | Promise<boolean>): Promise<void>
  close(): Promise<void>
}

/** Each role may do what it is named for, to every model; `crown-*` is exported by nobody. */
export const WORLD_POLICY = `p, role:reader, read, model:*, always, allow
p, role:reader, read, server:*, always, allow
p, role:inference, infer, model:*, always, allow
p, role:exporter, export, model:*, always, allow
p, role:deployer, deploy, model:*, always, allow
p, role:anyone, export, model:crown-*, always, deny
`

const ROLES = ['reader', 'inference', 'exporter', 'deployer', 'retrainer', 'admin']
const SHIPPED_RULES = new URL('../../rules/', import.meta.url)
const RULE_FILES = ['model.conf', 'conditions.yaml', 'resources.yaml'] as const
const WAIT_MS = 4_000

/** Starts a world. By default one upstream, `models`, with the `kserve` pack, on every host. */
export async function startWorld(options: WorldOptions = {}): Promise<World> {
  const dir = await mkdtemp(join(tmpdir(), 'modelgate-world-'))
  const rulesDir = join(dir, 'rules')
  const configFile = join(dir, 'gateway.yaml')
  const upstream = await startRecordingUpstream(options.handler)
  const issuer = await createDevIssuer({
    host: '127.0.0.1',
    port: 0,
    clock: options.clock ?? systemClock,
  })
  const lines: string[] = []
  const stopPeers = async () => {
    await Promise.all([issuer.close(), upstream.close()])
    await rm(dir, { recursive: true, force: true })
  }
  try {
    await writeRules(rulesDir, options)
    const config = configOf(options, { issuer: issuer.issuer, upstream: upstream.url })
    await writeFile(configFile, JSON.stringify(config, null, 2))
    const gateway = await startGateway({
      file: configFile,
      cwd: dir,
      env: {},
      process: PROCESS,
      ...(options.clock === undefined ? {} : { clock: options.clock }),
      logDestination: { write: (line) => void lines.push(line) },
    })
    const close = async () => {
      await gateway.stop()
      await stopPeers()
    }
    return { ...views(dir, gateway, issuer, lines), upstream, dir, rulesDir, configFile, close }
  } catch (error) {
    await stopPeers()
    throw error
  }
}

const PROCESS = {
  pid: process.pid,
  host: 'test',
  nodeVersion: process.version,
  isAlive: () => true,
  ...(process.getuid === undefined ? {} : { uid: process.getuid() }),
}

/** JSON is YAML: what is written here is read by the same loader as an operator's file. */
function configOf(options: WorldOptions, urls: { issuer: string; upstream: string }): object {
  const upstreams = options.upstreams ?? [{ name: 'models', pack: 'kserve' }]
  return {
    listen: { data: { host: '127.0.0.1', port: 0 }, control: { host: '127.0.0.1', port: 0 } },
    issuers: [
      {
        issuer: urls.issuer,
        name: 'dev',
        audience: 'modelgate',
        roles: ROLES,
        ...options.issuer,
      },
    ],
    upstreams: upstreams.map((one) => ({ url: urls.upstream, ...one })),
    rules: { dir: 'rules' },
    audit: { dir: 'audit' },
    log: { level: 'debug' },
    shutdown: { drain: '1s' },
    ...options.config,
  }
}

async function writeRules(rulesDir: string, options: WorldOptions): Promise<void> {
  await mkdir(rulesDir, { recursive: true })
  const shipped = await Promise.all(
    RULE_FILES.map(async (name) => [name, await readFile(new URL(name, SHIPPED_RULES), 'utf8')]),
  )
  const files: Record<string, string> = {
    ...(Object.fromEntries(shipped) as Record<string, string>),
    'policy.csv': options.policy ?? WORLD_POLICY,
    ...options.rules,
  }
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(rulesDir, name)), { recursive: true })
    await writeFile(join(rulesDir, name), text)
  }
}

function views(dir: string, gateway: Gateway, issuer: DevIssuer, lines: readonly string[]) {
  const ledgerText = () => readTree(join(dir, 'audit'))
  const records = async () => parseLines(await ledgerText())
  const metrics = async () => {
    const response = await fetch(`http://127.0.0.1:${gateway.controlPort}/metrics`)
    return response.text()
  }
  const whenRecord = async (test: (record: WorldRecord) => boolean) => {
    const found: WorldRecord[] = []
    await until('a ledger record', async () => {
      found.push(...(await records()).filter(test))
      return found.length > 0
    })
    return found[0] ?? { type: 'none' }
  }
  return {
    port: gateway.dataPort,
    controlPort: gateway.controlPort,
    gateway,
    issuer,
    token: (roles: readonly string[], claims: JWTPayload = {}) =>
      issuer.mint(
        { sub: 'alice', aud: 'modelgate', client_id: 'cli', roles, ...claims },
        { lifetimeS: 600 },
      ),
    logText: () => lines.join(''),
    ledgerText,
    records,
    whenRecord,
    record: (id: string) => whenRecord((one) => one.type === 'decision' && one.id === id),
    metrics,
    metric: async (name: string, labels: Readonly<Record<string, string>> = {}) =>
      sumOf(await metrics(), `modelgate_${name}`, labels),
    until,
  }
}

async function until(what: string, test: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = performance.now() + WAIT_MS
  while (!(await test())) {
    if (performance.now() > deadline) throw new Error(`waited in vain for ${what}`)
    await pause(5)
  }
}

/** The text of the ledger's segments, in order. */
async function readTree(auditDir: string): Promise<string> {
  const entries = await readdir(auditDir, { recursive: true }).catch(() => [])
  const names = entries.filter((name) => name.endsWith('.jsonl')).sort()
  const texts = await Promise.all(names.map((name) => readFile(join(auditDir, name), 'utf8')))
  return texts.join('')
}

/** A last line that is still being written is left out. */
function parseLines(text: string): WorldRecord[] {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1)
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as WorldRecord)
}

function sumOf(page: string, name: string, labels: Readonly<Record<string, string>>): number {
  const wanted = Object.entries(labels).map(([key, value]) => `${key}="${value}"`)
  let sum = 0
  for (const line of page.split('\n')) {
    const [series = '', value = ''] = line.split(/ (?=[^ ]*$)/)
    const isFamily = series === name || series.startsWith(`${name}{`)
    if (isFamily && wanted.every((one) => series.includes(one))) sum += Number(value)
  }
  return sum
}
