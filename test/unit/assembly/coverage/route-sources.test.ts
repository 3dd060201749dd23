/** What servers answer where they are asked for their routes. */
import { describe, expect, it } from '@jest/globals'
import { metadataRoutes } from '../../../../gateway/assembly/coverage/metadata-routes.ts'
import { askServer } from '../../../../gateway/assembly/coverage/route-sources.ts'
import type { DocumentAnswer } from '../../../../gateway/forward/document-reader.ts'

/** Of a real MLServer 1.7, cut. */
const MLSERVER = JSON.stringify({
  openapi: '3.1.0',
  info: { title: 'FastAPI', version: '0.1.0' },
  paths: {
    '/v2/models/{model_name}/infer': {
      post: { summary: 'Infer', operationId: 'infer_v2_models__model_name__infer_post' },
    },
    '/v2/repository/index': { post: { summary: 'Index' } },
  },
})

/** Of a real BentoML 1.4, cut. */
const BENTOML = JSON.stringify({
  openapi: '3.0.2',
  info: { title: 'iris', version: 'None' },
  servers: [{ url: '.' }],
  paths: {
    '/healthz': { get: { tags: ['Infrastructure'], description: 'Health check endpoint.' } },
    '/predict': { post: { tags: ['Service APIs'], 'x-bentoml-name': 'predict' } },
  },
})

/** As Triton's documentation shows it. */
const TRITON = JSON.stringify({
  name: 'triton',
  version: '2.60.0',
  extensions: ['classification', 'model_repository(unload_dependents)', 'statistics', 'news'],
})

async function ask(pack: string, answers: Readonly<Record<string, string>>, basePath = '') {
  const asked: string[] = []
  const read = (path: string): Promise<DocumentAnswer> => {
    asked.push(path)
    const text = answers[path]
    const answer = text === undefined ? { status: 404, text: '' } : { status: 200, text }
    return Promise.resolve(answer)
  }
  const close = () => Promise.resolve()
  const found = await askServer({ read, close }, { pack, basePath })
  return { found, asked, of: (source: string) => found.find((one) => one.source === source) }
}

const lines = (routes: readonly { method: string; path: string }[] | undefined) =>
  routes?.map(({ method, path }) => `${method} ${path}`)

describe('the places where a server says its routes', () => {
  it('are all asked, and all that answer count', async () => {
    const { found, of } = await ask('mlserver', { '/openapi.json': MLSERVER, '/v2': TRITON })
    expect(found.length).toBeGreaterThan(5)
    expect(lines(of('/openapi.json')?.routes)).toEqual([
      'POST /v2/models/{model_name}/infer',
      'POST /v2/repository/index',
    ])
    expect(of('/swagger.json')).toMatchObject({ routes: [], failure: '404' })
    expect(lines(of('/v2')?.routes)).toContain('GET /v2/models/stats')
  })

  it('begin with the one that suits the pack', async () => {
    const { asked, of } = await ask('bentoml', { '/docs.json': BENTOML })
    expect(asked[0]).toBe('/docs.json')
    expect(lines(of('/docs.json')?.routes)).toEqual(['GET /healthz', 'POST /predict'])
  })

  it('are below the base path of the upstream', async () => {
    const { asked } = await ask('vllm', {}, '/llm')
    expect(asked.every((path) => path.startsWith('/llm/'))).toBe(true)
  })

  it('may answer with anything else', async () => {
    const { found } = await ask('vllm', { '/openapi.json': '<html>', '/v2': '{"name": 1}' })
    expect(found.every(({ routes }) => routes.length === 0)).toBe(true)
  })

  it('are not asked one by one when nobody is there', async () => {
    const read = (): Promise<DocumentAnswer> =>
      Promise.resolve({ status: undefined, failure: 'no answer: ECONNREFUSED' })
    const close = () => Promise.resolve()
    expect(await askServer({ read, close }, { pack: 'vllm', basePath: '' })).toHaveLength(1)
  })
})

describe('server metadata', () => {
  it('add the routes of each extension, and say which are not known', () => {
    const { extensions } = JSON.parse(TRITON) as { extensions: string[] }
    const { routes, unknown } = metadataRoutes({ name: 'triton', extensions }, '/v2')
    expect(lines(routes)).toEqual(
      expect.arrayContaining([
        'POST /v2/repository/models/{model}/load',
        'POST /v2/models/{model}/generate',
        'GET /v2/models/{model}/versions/{version}/stats',
      ]),
    )
    expect(unknown).toEqual(['news'])
  })

  it('of another server have no routes of Triton', () => {
    const { routes } = metadataRoutes({ name: 'kserve', extensions: [] }, '/v2')
    expect(lines(routes)).not.toContain('POST /v2/models/{model}/generate')
  })
})
