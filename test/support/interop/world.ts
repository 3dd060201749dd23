/** The built gateway before a real server, with the rules of a recipe and real tokens. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createDevIssuer } from '../../../gateway/authn/dev-issuer.ts'
import { systemClock } from '../../../gateway/domain/clock.ts'
import { runModelgate, startBuiltGateway, type BuiltGateway } from '../built-gateway.ts'
import { freePort } from './processes.ts'
import type { Recipe } from './recipes.ts'

/** A gateway, its issuer, and the routes of its upstream. */
export interface InteropWorld extends BuiltGateway {
  token(roles: readonly string[]): Promise<string>
  /** `127.0.0.1:<port>` of the gRPC listener. */
  readonly grpcAddress: string
  /** `modelgate coverage` of the upstream, with the routes of a text or those it lists itself. */
  coverage(routes?: string): Promise<CoverageResult>
  /** The operations of every decision so far, sorted: what a flow really asked for. */
  operations(): Promise<readonly string[]>
}

/** What `modelgate coverage --format json` printed, as far as tests look at it. */
export interface CoverageResult {
  readonly code: number | null
  /** `METHOD /path` of what is not mapped. */
  readonly unmapped: readonly string[]
  readonly listed: number
  readonly mapped: number
  readonly stderr: string
}

/** What a world is started with. */
export interface InteropOptions {
  readonly upstream: Readonly<Record<string, unknown>> & {
    readonly name: string
    readonly url: string
  }
  /** The same server over gRPC, reached from the gRPC listener. */
  readonly grpcUpstream?: Readonly<Record<string, unknown>>
  readonly recipe: Recipe
  /** Files of the rules folder besides, such as `routes/mine.yaml`. */
  readonly rules?: Readonly<Record<string, string>>
}

/** Starts issuer and gateway. */
export async function startInterop(options: InteropOptions): Promise<InteropWorld> {
  const { upstream, grpcUpstream, recipe, rules } = options
  const grpcPort = await freePort()
  const loopback = (port: number) => ({ host: '127.0.0.1', port })
  const issuer = await createDevIssuer({ host: '127.0.0.1', port: 0, clock: systemClock })
  const gateway = await startBuiltGateway({
    issuerUrl: issuer.issuer,
    upstreamUrl: upstream.url,
    upstreams: [upstream, ...(grpcUpstream === undefined ? [] : [grpcUpstream])],
    config: {
      listen: { data: loopback(0), control: loopback(0), grpc: loopback(grpcPort) },
    },
    issuer: { roles: recipe.roles },
    policy: recipe.policy,
    ...(rules === undefined ? {} : { rules }),
  }).catch(async (error: unknown) => {
    await issuer.close()
    throw error
  })
  return {
    ...gateway,
    grpcAddress: `127.0.0.1:${grpcPort}`,
    token: (roles) =>
      issuer.mint(
        { sub: 'interop', aud: 'modelgate', client_id: 'interop', roles },
        { lifetimeS: 1800 },
      ),
    coverage: (routes) => coverageOf(gateway, upstream.name, routes),
    operations: async () => {
      const records = (await gateway.records()).filter(({ type }) => type === 'decision')
      return [...new Set(records.map(operationsOf))].sort()
    },
    close: () => gateway.close().finally(() => issuer.close()),
  }
}

function operationsOf({ ops, effect, reason, route }: Readonly<Record<string, unknown>>): string {
  const named = (ops ?? []) as readonly { readonly act: string; readonly res: string }[]
  const said = named.map(({ act, res }) => `${act} ${res}`).join(' + ')
  return `${said} | ${String(effect)} ${String(reason)} | ${String(route)}`
}

async function coverageOf(
  gateway: BuiltGateway,
  upstream: string,
  routes: string | undefined,
): Promise<CoverageResult> {
  const file = join(gateway.dir, 'routes.txt')
  if (routes !== undefined) await writeFile(file, routes)
  const { code, stdout, stderr } = await runModelgate(
    [
      ...['coverage', '--upstream', upstream, '--config', gateway.configFile, '--format', 'json'],
      ...(routes === undefined ? [] : ['--routes', file]),
    ],
    { cwd: gateway.dir },
  )
  if (stdout === '') throw new Error(`coverage printed nothing\n${stderr}`)
  const report = JSON.parse(stdout) as {
    readonly sources: readonly { readonly routes: number }[]
    readonly unmapped: readonly { readonly method: string; readonly path: string }[]
    readonly mapped: readonly unknown[]
  }
  return {
    code,
    unmapped: report.unmapped.map(({ method, path }) => `${method} ${path}`).sort(),
    listed: report.sources.reduce((sum, source) => sum + source.routes, 0),
    mapped: report.mapped.length,
    stderr,
  }
}
