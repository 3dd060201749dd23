import { describe, expect, it } from '@jest/globals'
import type { CompiledPack } from '../../../gateway/classify/pack/compiled-pack.ts'
import { loadPacks } from '../../../gateway/classify/pack/pack-loader.ts'
import { classify, outcome, type Sent } from './support.ts'

const TEXT = `
pack: p
profile:
  decodes_path: true
  encoded: '/'
  encoded_in: [revision]
  known_query: [acl, response-*]
routes:
  - methods: [GET]
    path: ['/{bucket}', '/{bucket}/']
    action: read
    model: [{ path: bucket }]
  - methods: [PUT]
    path: /{bucket}
    action: deploy
    model: [{ path: bucket }]
    also_on:
      - action: export
        model: [{ header: x-from }, { body: 'ids[]' }]
        combine: each
        version: [{ body: version }]
  - methods: [POST]
    path: /copy
    action: read
    also_on: [{ action: data:read, resource: dataset, model: [{ body: from }] }]
  - methods: [GET]
    path: /spaces/{repo}/{revision}
    action: read
    model: [{ path: repo, under: spaces }]
    version: [{ path: revision, as: reference }]
`

function packOf(text: string): CompiledPack {
  const loaded = loadPacks([{ file: 'p.yaml', text }])
  const pack = loaded.ok ? loaded.value.get('p') : undefined
  if (pack === undefined) throw new Error(JSON.stringify(loaded))
  return pack
}

const ask = async (line: string, sent: Sent = {}): Promise<readonly string[] | string> =>
  outcome(await classify(packOf(TEXT), line, sent))

describe('several paths of one route', () => {
  it.each(['/b', '/b/'])('%s', async (path) => {
    expect(await ask(`GET ${path}`)).toEqual(['read model:b'])
  })
})

describe('what is done to other models', () => {
  it('is asked for on each of them, besides', async () => {
    const sent = { headers: { 'x-from': 'a' }, json: { ids: ['a', 'c'], version: '2' } }
    expect(await ask('PUT /b', sent)).toEqual([
      'deploy model:b',
      'export model:a@2',
      'export model:c@2',
    ])
  })

  it('is refused when the request names none', async () => {
    expect(await ask('PUT /b', { json: {} })).toBe('model_missing')
  })

  it('may stand beside the server', async () => {
    const sent = { json: { from: 'd' } }
    expect(await ask('POST /copy', sent)).toEqual(['read server:up', 'data:read dataset:d'])
  })

  it('needs parameters that the path has', () => {
    const text = `pack: p\nroutes:\n  - { methods: [GET], path: /a, action: read, also_on: [{ action: read, model: [{ path: x }] }] }\n`
    expect(loadPacks([{ file: 'p.yaml', text }])).toMatchObject({ ok: false })
  })
})

describe('encoded characters', () => {
  it('stand in the parameters that may hold them, and in no other', async () => {
    const version = 'read model:spaces/a@refs/pr/1'
    expect(await ask('GET /spaces/a/refs%2Fpr%2F1')).toEqual([version])
    expect(await ask('GET /spaces/a%2Fb/main')).toBe('target_invalid')
    expect(await ask('GET /a%2Fb')).toBe('target_invalid')
  })
})

describe('query parameters where they say what is done', () => {
  it.each([
    ['?acl', ['read model:b']],
    ['?response-content-type=a', ['read model:b']],
    ['?', ['read model:b']],
    ['?Acl', 'target_invalid'],
    ['?acl2', 'target_invalid'],
    ['?%61cl', ['read model:b']],
    ['?x=1', 'target_invalid'],
    ['?%ff', 'target_invalid'],
  ])('%s', async (query, expected) => {
    expect(await ask(`GET /b${query}`)).toEqual(expected)
  })
})
