/** What servers and operators write down as routes, in one notation. */
import { describe, expect, it } from '@jest/globals'
import {
  fromOperations,
  parseRouteLines,
} from '../../../../gateway/assembly/coverage/served-routes.ts'
import { isWider, samplesOf, shapeOf } from '../../../../gateway/assembly/coverage/template.ts'

const pathOf = (path: string) =>
  fromOperations([{ method: 'GET', path, tags: [], summary: '' }], '/openapi.json')[0]?.path

describe('a path template', () => {
  it.each([
    ['/v2/models/{model_name}/infer', '/v2/models/{model_name}/infer'],
    ['/files/{path:path}', '/files/{path*}'],
    ['/items/{id:int}', '/items/{id}'],
    ['/build/<path:filename>', '/build/{filename*}'],
    ['/runs/<int:run_id>/<name>', '/runs/{run_id}/{name}'],
    ['/{*rest}', '/{rest*}'],
    ['/v1/models/${MODEL_NAME}:predict', '/v1/models/{model_name}:predict'],
    ['/a/{Model-Name}', '/a/{modelname}'],
    ['/a/{1}', '/a/{x1}'],
    ['openapi', '/openapi'],
  ])('%s is read as %s', (written, read) => {
    expect(pathOf(written)).toBe(read)
  })

  it('is cut where no server has one so long', () => {
    expect(pathOf(`/${'a'.repeat(10_000)}`)?.length).toBeLessThan(3000)
  })
})

describe('a list of lines', () => {
  it('has comments, lists of methods and every method', () => {
    const text = '# mine\nGET /a\n\npost,PUT  /b/{x} # both\n* /c\n'
    const loaded = parseRouteLines('routes.txt', text)
    const routes = loaded.ok ? loaded.value : []
    expect(routes.slice(0, 3).map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /a',
      'POST /b/{x}',
      'PUT /b/{x}',
    ])
    expect(routes.filter(({ path }) => path === '/c')).toHaveLength(7)
  })

  it('says which line is not a route', () => {
    expect(parseRouteLines('routes.txt', 'GET /a\nnothing\n/b GET\n')).toMatchObject({
      ok: false,
      diagnostics: [
        { line: 2, code: 'malformed-route' },
        { line: 3, code: 'malformed-route' },
      ],
    })
  })

  it('with nothing in it is an error', () => {
    expect(parseRouteLines('routes.txt', '# none\n')).toMatchObject({
      ok: false,
      diagnostics: [{ code: 'no-routes' }],
    })
  })
})

describe('sample paths', () => {
  it('of a rest are one segment and two', () => {
    expect(samplesOf('/a/{x*}').all.map((segments) => segments.length)).toEqual([2, 3])
  })

  it('of a last parameter that is called a path are tried deeper', () => {
    expect(samplesOf('/a/{artifact_path}').deeper).toHaveLength(3)
    expect(samplesOf('/a/{model}').deeper).toBeUndefined()
  })

  it('leave what stands around a parameter', () => {
    expect(samplesOf('/v1/models/{m}:predict').all[0]?.[2]).toMatch(/^.+:predict$/)
  })
})

describe('shapes', () => {
  it('are equal for templates that take the same paths', () => {
    expect(shapeOf('/v2/models/{a}/infer')).toBe(shapeOf('/v2/models/{b}/infer'))
    expect(shapeOf('/a b')).toBeUndefined()
  })

  it.each([
    ['/{name}', '/predict', true],
    ['/{bucket}/{key*}', '/admin/{x}/y', true],
    ['/a/{x*}/b', '/a/{y*}/b', false],
    ['/a/{x*}/b', '/a/c/b', true],
    ['/v2/models/{m}', '/v2/models/{model_name}', false],
    ['/v1/models/{m}:predict', '/v1/models/{n}:predict', false],
  ])('%s for %s: wider is %s', (pattern, template, wider) => {
    expect(isWider(pattern, template)).toBe(wider)
  })
})
