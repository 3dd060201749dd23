/** Everything the demo runs: an issuer, a model server, the gateway between them, one folder. */
import { createWriteStream } from 'node:fs'
import { cp, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generateSkey, parseSkey } from '../../audit/tree/note.ts'
import { startGateway, type Gateway } from '../../assembly/gateway.ts'
import { createMemoryStore } from '../../store/memory-store.ts'
import type { ProcessFacts } from '../../assembly/process-facts.ts'
import { createDevIssuer, type DevIssuer } from '../../authn/dev-issuer.ts'
import { GatewayError } from '../../domain/errors.ts'
import type { LogDestination } from '../../log/output.ts'
import { shipped } from '../shipped.ts'
import { CALLER_NAMES, CALLERS, createTokens, type Tokens } from './callers.ts'
import { createDemoClock, MOMENTS, type DemoClock } from './clock.ts'
import { readShippedWeights } from './model/classifier.ts'
import type { RequestRecorder } from './model/recorder.ts'
import { startModelServer, type ModelServer } from './model/server.ts'

/** The running demo. */
export interface World {
  /** A fresh temporary folder, 0700: everything below is in it. */
  readonly folder: string
  readonly paths: {
    readonly config: string
    readonly rules: string
    readonly audit: string
    /** Private key that signs the ledger. */
    readonly key: string
    readonly log: string
    /** Shell variables: URLs and tokens. */
    readonly environment: string
  }
  /** Base URLs, without a slash at the end. */
  readonly urls: Readonly<Record<'gateway' | 'control' | 'issuer' | 'model', string>>
  readonly clock: DemoClock
  readonly tokens: Tokens
  /** Public key of the ledger. */
  readonly vkey: string
  /** What arrived at the model server, as the model server has it. */
  readonly arrivals: RequestRecorder
  /** The weight file that the model server hands out. */
  readonly weights: Buffer
  /** Writes {@link World.paths.environment} anew, with the tokens of this moment. */
  writeEnvironment(): Promise<void>
  /** Ends every exchange with the model server at once, so that nothing is left to drain. */
  cut(): Promise<void>
  /** Stops everything, and removes the folder unless `keep`. */
  close(options: { readonly keep: boolean }): Promise<void>
}

const HOST = '127.0.0.1'

/**
 * Starts the demo on free ports of 127.0.0.1, in a new folder that holds a copy of
 * config/examples/demo. Leaves nothing behind when it cannot.
 * @throws what the gateway throws when it cannot start
 */
export async function startWorld(process: ProcessFacts): Promise<World> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'modelgate-demo-')))
  const started: (() => Promise<unknown>)[] = []
  const stop = async (): Promise<void> => {
    for (const end of started.splice(0).reverse()) await end()
  }
  try {
    return await startIn(folder, process, { started, stop })
  } catch (error) {
    await stop()
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

/** What has been started so far, last first to be stopped. */
interface Lifetime {
  readonly started: (() => Promise<unknown>)[]
  stop(): Promise<void>
}

async function startIn(folder: string, process: ProcessFacts, life: Lifetime): Promise<World> {
  await cp(await exampleFolder(), folder, { recursive: true })
  const paths = pathsIn(folder)
  const vkey = await writeKey(paths.key)
  const log = openLog(paths.log)
  life.started.push(log.end)
  const clock = createDemoClock(MOMENTS.morning)
  const issuer = await createDevIssuer({ host: HOST, port: 0, clock })
  life.started.push(() => issuer.close())
  const weights = await readShippedWeights()
  const model = await startModelServer({ host: HOST, port: 0, weights })
  life.started.push(() => model.close())
  const gateway = await startGateway({
    file: 'gateway.yaml',
    cwd: folder,
    env: environmentOf(issuer, model, paths.key),
    process,
    clock,
    logDestination: log.destination,
    state: createMemoryStore({ clock }),
  })
  life.started.push(() => gateway.stop())
  const tokens = createTokens(issuer, clock)
  const urls = urlsOf(gateway, issuer, model)
  const writeEnvironment = (): Promise<void> => writeShell(paths.environment, urls, tokens)
  await writeEnvironment()
  return {
    folder,
    paths,
    urls,
    clock,
    tokens,
    vkey,
    arrivals: model.requests,
    weights,
    writeEnvironment,
    cut: () => model.close(),
    async close({ keep }) {
      await life.stop()
      if (!keep) await rm(folder, { recursive: true, force: true })
    },
  }
}

function pathsIn(folder: string): World['paths'] {
  return {
    config: join(folder, 'gateway.yaml'),
    rules: join(folder, 'rules'),
    audit: join(folder, 'audit'),
    key: join(folder, 'ledger.key'),
    log: join(folder, 'gateway.log'),
    environment: join(folder, 'env.sh'),
  }
}

/** Precedence over the file, like any variable an operator sets. The visitor's own play no part. */
function environmentOf(issuer: DevIssuer, model: ModelServer, key: string): Record<string, string> {
  return {
    MODELGATE_LISTEN_DATA_PORT: '0',
    MODELGATE_LISTEN_CONTROL_PORT: '0',
    MODELGATE_ISSUERS_0_ISSUER: issuer.issuer,
    MODELGATE_UPSTREAMS_0_URL: model.url,
    MODELGATE_AUDIT_SIGNING_KEY_FILE: key,
  }
}

/** A key for the ledger of this demo, whose name `audit.node` makes. Returns the public one. */
async function writeKey(path: string): Promise<string> {
  const text = generateSkey('modelgate/audit/demo')
  const signer = parseSkey(text)
  if (typeof signer === 'string') throw new GatewayError('ERR_INTERNAL', signer)
  await writeFile(path, `${text}\n`, { mode: 0o600 })
  return signer.verifier.vkey
}

function urlsOf(gateway: Gateway, issuer: DevIssuer, model: ModelServer): World['urls'] {
  return {
    gateway: `http://${HOST}:${gateway.dataPort}`,
    control: `http://${HOST}:${gateway.controlPort}`,
    issuer: issuer.issuer,
    model: model.url,
  }
}

/** The folder of the example. */
async function exampleFolder(): Promise<string> {
  const file = await shipped('config/examples/demo/gateway.yaml')
  if (file !== undefined) return dirname(fileURLToPath(file))
  const message = 'config/examples/demo is missing from this installation'
  throw new GatewayError('ERR_CONFIG_UNREADABLE', message)
}

function openLog(path: string): { destination: LogDestination; end: () => Promise<void> } {
  const stream = createWriteStream(path, { mode: 0o600 })
  // A full disk must not end the demo: the log is not what it shows.
  stream.on('error', () => undefined)
  return {
    destination: {
      write: (line) => void stream.write(line),
      flush: (done) => void stream.write('', () => done()),
    },
    end: () => new Promise((resolve) => stream.end(() => resolve())),
  }
}

async function writeShell(path: string, urls: World['urls'], tokens: Tokens): Promise<void> {
  const lines = [`export GATE=${urls.gateway}`, `export CONTROL=${urls.control}`]
  for (const name of CALLER_NAMES) {
    const { variable, who } = CALLERS[name]
    lines.push(`# ${who}`, `export ${variable}=${await tokens.of(name)}`)
  }
  // Tokens are keys; the folder is closed to others, and so is the file.
  await writeFile(path, `${lines.join('\n')}\n`, { mode: 0o600 })
}
