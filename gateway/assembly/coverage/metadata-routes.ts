/**
 * The routes that the server metadata of the Open Inference Protocol stands for. `GET /v2` names no
 * routes, but extensions; each adds the routes that its specification lists.
 */
import type { ServedRoute } from './served-routes.ts'

type Line = readonly [method: string, path: string]

const MODEL = '/v2/models/{model}'
const VERSION = `${MODEL}/versions/{version}`
const SHARED_MEMORY = (kind: string): Line[] => [
  ['GET', `/v2/${kind}/status`],
  ['GET', `/v2/${kind}/region/{region}/status`],
  ['POST', `/v2/${kind}/region/{region}/register`],
  ['POST', `/v2/${kind}/unregister`],
  ['POST', `/v2/${kind}/region/{region}/unregister`],
]

/** What every server that speaks the protocol has. */
const ALWAYS: readonly Line[] = [
  ['GET', '/v2'],
  ['GET', '/v2/health/live'],
  ['GET', '/v2/health/ready'],
  ['GET', MODEL],
  ['GET', `${MODEL}/ready`],
  ['POST', `${MODEL}/infer`],
]

/** What Triton has besides, whatever it lists. */
const TRITON: readonly Line[] = [
  ['GET', VERSION],
  ['GET', `${VERSION}/ready`],
  ['POST', `${VERSION}/infer`],
  ['POST', `${MODEL}/generate`],
  ['POST', `${MODEL}/generate_stream`],
  ['POST', `${VERSION}/generate`],
  ['POST', `${VERSION}/generate_stream`],
]

const REPOSITORY: readonly Line[] = [
  ['POST', '/v2/repository/index'],
  ['POST', '/v2/repository/models/{model}/load'],
  ['POST', '/v2/repository/models/{model}/unload'],
]

/** By the name in `extensions`, without what stands in brackets behind it. */
const EXTENSIONS: ReadonlyMap<string, readonly Line[]> = new Map([
  ['model_repository', REPOSITORY],
  ['model_repository_extension', REPOSITORY],
  [
    'model_configuration',
    [
      ['GET', `${MODEL}/config`],
      ['GET', `${VERSION}/config`],
    ],
  ],
  [
    'statistics',
    [
      ['GET', '/v2/models/stats'],
      ['GET', `${MODEL}/stats`],
      ['GET', `${VERSION}/stats`],
    ],
  ],
  ['system_shared_memory', SHARED_MEMORY('systemsharedmemory')],
  ['cuda_shared_memory', SHARED_MEMORY('cudasharedmemory')],
  [
    'trace',
    [
      ['GET', '/v2/trace/setting'],
      ['POST', '/v2/trace/setting'],
      ['GET', `${MODEL}/trace/setting`],
      ['POST', `${MODEL}/trace/setting`],
    ],
  ],
  [
    'logging',
    [
      ['GET', '/v2/logging'],
      ['POST', '/v2/logging'],
    ],
  ],
])

/** Extensions that change what requests may say, and add no route. */
const WITHOUT_ROUTES: ReadonlySet<string> = new Set([
  'binary_tensor_data',
  'classification',
  'parameters',
  'schedule_policy',
  'sequence',
])

/** What metadata stand for. */
export interface MetadataRoutes {
  readonly routes: readonly ServedRoute[]
  /** Extensions whose routes are not known here: they may have some. */
  readonly unknown: readonly string[]
}

/** The routes of a server with this name and these extensions. */
export function metadataRoutes(
  server: { readonly name: string; readonly extensions: readonly string[] },
  source: string,
): MetadataRoutes {
  const routes: ServedRoute[] = []
  const unknown: string[] = []
  const add = (lines: readonly Line[], summary: string): void => {
    for (const [method, path] of lines) routes.push({ method, path, tags: [], summary, source })
  }
  add(ALWAYS, '')
  if (server.name === 'triton') add(TRITON, '')
  for (const extension of server.extensions) {
    const name = extension.split('(', 1)[0] ?? ''
    const lines = EXTENSIONS.get(name)
    if (lines !== undefined) add(lines, name)
    else if (!WITHOUT_ROUTES.has(name)) unknown.push(name)
  }
  return { routes, unknown }
}
