/** The routes of a server beside its pack. */
import { describe, expect, it } from '@jest/globals'
import { compareRoutes } from '../../../../gateway/assembly/coverage/compare.ts'
import { createProposer } from '../../../../gateway/assembly/coverage/proposal.ts'
import type { ServedRoute } from '../../../../gateway/assembly/coverage/served-routes.ts'
import { loadPacks } from '../../../../gateway/classify/pack/pack-loader.ts'

const MINE = `
pack: mine
routes:
  - { methods: [GET], path: /v2/models, action: read }
  - { methods: [POST], path: '/v2/models/{model}/infer', action: infer, model: [{ path: model }] }
  - { methods: [GET], path: '/files/{path*}', action: export }
  - { methods: [POST], path: /jobs, when: [{ body: kind, equals: train }], action: retrain }
  - { methods: [POST], path: /jobs, action: admin }
  - { methods: [POST], path: /debug, action: admin, refuse: true }
  - { methods: [GET], path: '/{page}', action: read }
  - { methods: [POST], path: /pkg.Service/Call, transport: grpc, action: infer }
`
const OTHER = `
pack: other
routes:
  - { methods: [POST], path: /v1/chat/completions, action: infer, model: [{ body: model }] }
  - { methods: [POST], path: '/v2/repository/models/{m}/load', action: deploy, model: [{ path: m }] }
  - { methods: [POST], path: '/{anything}/{else}', action: read }
`
const ANOTHER = `
pack: another
routes:
  - { methods: [POST], path: /v1/chat/completions, action: export, model: [{ body: model }] }
`

const loaded = loadPacks(
  [MINE, OTHER, ANOTHER].map((text, index) => ({ file: `${index}.yaml`, text })),
)
if (!loaded.ok) throw new Error(JSON.stringify(loaded.diagnostics))
const packs = loaded.value
const mine = packs.get('mine')
if (mine === undefined) throw new Error('no pack')
const propose = createProposer(packs, 'mine')

function route(method: string, path: string, rest: Partial<ServedRoute> = {}): ServedRoute {
  return { method, path, tags: [], summary: '', source: '/openapi.json', ...rest }
}

const compare = (...routes: ServedRoute[]) => compareRoutes(mine, routes, propose)

describe('a route that is served', () => {
  it('is mapped, with the strongest action that its rows ask for', () => {
    const { mapped } = compare(route('POST', '/jobs'), route('POST', '/v2/models/{name}/infer'))
    expect(mapped).toMatchObject([
      { action: 'admin', by: '/jobs', wider: false },
      { action: 'infer', by: '/v2/models/{model}/infer', wider: false },
    ])
  })

  it('is unmapped when only some of its paths are taken', () => {
    expect(compare(route('GET', '/pages/{rest*}')).unmapped).toHaveLength(1)
    expect(compare(route('GET', '/files/{rest*}')).unmapped).toHaveLength(0)
  })

  it('is unmapped with another method', () => {
    expect(compare(route('DELETE', '/v2/models')).unmapped).toHaveLength(1)
  })

  it('is pointed out when a parameter takes its word', () => {
    expect(compare(route('GET', '/shutdown')).mapped).toMatchObject([{ by: '/{page}', wider: true }])
  })

  it('is refused when the pack never serves it, or nobody carries its method', () => {
    const { refused } = compare(route('POST', '/debug'), route('TRACE', '/v2/models'))
    expect(refused.map(({ method }) => method)).toEqual(['POST', 'TRACE'])
  })

  it('counts once, and without the HEAD and OPTIONS beside it', () => {
    const { mapped, companions, unmapped } = compare(
      route('GET', '/v2/models'),
      route('GET', '/v2/models', { source: '/swagger.json' }),
      route('HEAD', '/v2/models'),
      route('OPTIONS', '/v2/models'),
      route('OPTIONS', '/alone/here'),
    )
    expect(mapped).toHaveLength(1)
    expect(companions).toBe(2)
    expect(unmapped.map((one) => one.route.path)).toEqual(['/alone/here'])
  })
})

it('a route of the pack that is not served is named, gRPC and refused ones apart', () => {
  const { absent } = compare(route('GET', '/v2/models'))
  expect(absent).toContain('POST /v2/models/{model}/infer')
  expect(absent).not.toContain('GET /v2/models')
  expect(absent).not.toContain('POST /debug')
  expect(absent.join()).not.toContain('pkg.Service')
})

describe('a proposal', () => {
  it('is what other packs say of the route, the strongest', () => {
    expect(propose(route('POST', '/v1/chat/completions'))).toMatchObject({
      action: 'export',
      reason: 'the same route in the pack another, other',
      model: [{ place: 'body', name: 'model' }],
    })
  })

  it('takes no word from a route that is all parameters', () => {
    expect(propose(route('POST', '/{a}/{b}'))).toMatchObject({ action: 'admin' })
  })

  it.each([
    ['POST', '/v1/train/{model}', {}, 'retrain', '`train` in the path'],
    ['GET', '/models/{model}/weights', {}, 'export', '`weights` in the path'],
    ['POST', '/x', { tags: ['predict'] }, 'infer', '`predict` in the tags'],
    ['POST', '/x', { summary: 'getDebugDump' }, 'admin', '`debug` in the summary'],
    ['POST', '/predict', { summary: 'download the artifact' }, 'export', '`download` in'],
    ['GET', '/x/{user}', {}, 'read', 'GET, and no word says more'],
    ['PUT', '/x', {}, 'admin', 'nothing says what it does'],
  ] as const)('%s %s %j is %s', (...[method, path, rest, action, reason]) => {
    const proposal = propose(route(method, path, rest))
    expect(proposal.action).toBe(action)
    expect(proposal.reason).toContain(reason)
  })

  it('reads the model where the path names it', () => {
    expect(propose(route('POST', '/score/{model_id}')).model).toEqual([
      { place: 'path', name: 'model_id' },
    ])
  })

  it('says when a pack cannot say the path', () => {
    expect(propose(route('GET', '/a b')).sayable).toBe(false)
  })
})
