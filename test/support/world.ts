/**
 * A whole gateway in a temporary folder: a development issuer, an upstream that records every byte,
 * and the gateway as `startGateway` wires it, on free ports of 127.0.0.1.
 *
 * `const world = await startWorld()` → send bytes to `world.port`, then ask `world.upstream.received()`,
 * `world.record(id)`, `world.metric(...)`, `world.logText()`; `await world.close()` in `afterAll`.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { JWTPayload } from 'jose'
import { startGateway, type Gateway } from '../../gateway/assembly/gateway.ts'
import { createDevIssuer, type DevIssuer } from '../../gateway/authn/dev-issuer.ts'
import { systemClock, type Clock } from '../../gateway/domain/clock.ts'
import type { SharedStore } from '../../gateway/domain/shared-state.ts'
import { createMemoryStore } from '../../gateway/store/memory-store.ts'
import { expectKnownLedger } from './record-schema.ts'
import {
  startRecordingUpstream,
  type RawHandler,
  type RecordingUpstream,
} from './recording-upstream.ts'
import {
  configOf,
  parseLines,
  readTree,
  sumOf,
  until,
  WORLD_POLICY,
  writeRules,
  type WorldFiles,
  type WorldRecord,
} from './world-files.ts'

/** What differs from the default world. */
export interface WorldOptions extends WorldFiles {
  /** Answers for the recording upstream; every request gets `200 ok` when absent. */
  readonly handler?: RawHandler
  readonly clock?: Clock
  /** What replicas share; one of this world alone when absent, unless the config has a `store`. */
  readonly state?: SharedStore
}

export type { WorldRecord }
export { WORLD_POLICY }

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
    const state = options.state ?? createMemoryStore({ clock: options.clock ?? systemClock })
    const gateway = await startGateway({
      file: configFile,
      cwd: dir,
      env: {},
      process: PROCESS,
      ...(options.clock === undefined ? {} : { clock: options.clock }),
      logDestination: { write: (line) => void lines.push(line) },
      ...(options.config?.['store'] === undefined ? { state } : {}),
    })
    const close = async () => {
      await gateway.stop()
      try {
        await expectKnownLedger(join(dir, 'audit'))
      } finally {
        await stopPeers()
      }
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
