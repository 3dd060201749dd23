/** One server, one gateway before it, one client: the frame of every interop test. */
import { afterAll, beforeAll } from '@jest/globals'
import type { FlowClient, Outcome } from './client.ts'
import { prove, readRecipe, report, type Recipe } from './recipes.ts'
import { startInterop, type InteropOptions, type InteropWorld } from './world.ts'

/** What is started for a file of tests. */
export interface Suite {
  readonly server: string
  readonly page: string
  /** Starts the servers. @returns the upstream, and what ends them */
  start(): Promise<{
    readonly upstream: InteropOptions['upstream']
    readonly grpcUpstream?: InteropOptions['grpcUpstream']
    readonly close: () => Promise<void>
  }>
  /** The clients by name, started when the gateway is up. */
  clients(world: InteropWorld): Readonly<Record<string, FlowClient>>
}

/** The frame of a file of tests. */
export interface SuiteFrame {
  world(): InteropWorld
  recipe(): Recipe
  /** Runs one flow of a client with a token. */
  run(client: string, flow: string, token: string, values?: Values): Promise<Outcome>
  /** {@link prove} for a flow; the values are those of the flow. */
  proves(options: ProvenFlow): Promise<void>
}

type Values = Readonly<Record<string, unknown>>

/** A flow that is proven. */
export interface ProvenFlow {
  readonly client: string
  /** As the table calls it. */
  readonly flow: string
  readonly role: string
  /** The flow of the client, when it has another name. */
  readonly does?: string
  readonly values?: (attempt: string) => Values
  readonly refusal?: RegExp
}

const START_MS = 240_000
const END_MS = 60_000

/** Starts everything before the tests of the file and ends it after them. */
export function interopSuite(suite: Suite): SuiteFrame {
  const closers: (() => Promise<void>)[] = []
  const state: { world?: InteropWorld; recipe?: Recipe } = {}
  let clients: Readonly<Record<string, FlowClient>> = {}
  beforeAll(async () => {
    const recipe = await readRecipe(suite.page)
    const { upstream, grpcUpstream, close } = await suite.start()
    closers.unshift(close)
    const world = await startInterop({
      upstream,
      recipe,
      ...(grpcUpstream ? { grpcUpstream } : {}),
    })
    closers.unshift(() => world.close())
    clients = suite.clients(world)
    for (const client of Object.values(clients)) closers.unshift(() => client.close())
    Object.assign(state, { world, recipe })
  }, START_MS)
  afterAll(async () => {
    for (const close of closers) await close()
  }, END_MS)
  const world = () => established(state.world)
  const run: SuiteFrame['run'] = (client, flow, token, values = {}) => {
    const { url, grpcAddress } = world()
    const address = flow.startsWith('grpc-') ? grpcAddress : url.replace('http://', '')
    return established(clients[client]).run(flow, token, { url, address, ...values })
  }
  return {
    world,
    recipe: () => established(state.recipe),
    run,
    proves: ({ client, flow, role, does = flow, values = () => ({}), refusal }) =>
      prove({
        ...{ server: suite.server, client, flow, role, recipe: established(state.recipe) },
        token: (roles) => world().token(roles),
        run: (token, attempt) => run(client, does, token, values(attempt)),
        ...(refusal === undefined ? {} : { refusal }),
      }),
  }
}

/** Adds what `modelgate coverage` said of the server to the table. */
export async function reportCoverage(
  server: string,
  { listed, mapped, unmapped }: Awaited<ReturnType<InteropWorld['coverage']>>,
): Promise<void> {
  const result =
    listed === 0 ? 'lists no routes' : `${mapped} routes mapped, ${unmapped.length} unmapped`
  await report({ server, client: 'modelgate coverage', flow: 'routes' }, '', result)
}

function established<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('the suite did not start')
  return value
}
