/** OpenAPI documents of others: read as far as routes go, and no further. */
import { describe, expect, it } from '@jest/globals'
import {
  loadOpenapiFile,
  metadataAnswer,
  openapiAnswer,
} from '../../../gateway/settings/route-lists.ts'

describe('an OpenAPI document', () => {
  it('is read whatever else is in it', () => {
    const text = JSON.stringify({
      openapi: '3.0.3',
      paths: {
        '/a': { parameters: [], get: { tags: ['x'], summary: 'A' }, post: null, trace: {} },
        '/b': { $ref: '#/x' },
      },
    })
    expect(openapiAnswer(text)?.operations).toEqual([
      { method: 'GET', path: '/a', tags: ['x'], summary: 'A' },
      { method: 'POST', path: '/a', tags: [], summary: '' },
      { method: 'TRACE', path: '/a', tags: [], summary: '' },
    ])
  })

  it.each(['', '[]', '{"paths": []}', '{"paths": {"/a": 1}}', '<html>'])('is not %j', (text) => {
    expect(openapiAnswer(text)).toBeUndefined()
  })

  it.each([
    ['openapi: 3.0.0\nservers: [{ url: "https://x.example/v1/" }]', '/v1'],
    ['swagger: "2.0"\nbasePath: /v2', '/v2'],
    ['openapi: 3.0.0\nservers: [{ url: "." }]', ''],
  ])('in a file is below the path of its server: %j', (head, basePath) => {
    const loaded = loadOpenapiFile({
      file: 'a.yaml',
      text: `${head}\npaths: { /a: { get: {} } }\n`,
    })
    expect(loaded).toMatchObject({ ok: true, value: { basePath } })
  })

  it('in a file that is broken says where', () => {
    const loaded = loadOpenapiFile({ file: 'a.yaml', text: 'openapi: 3.0.0\npaths: 1\n' })
    expect(loaded).toMatchObject({ ok: false, diagnostics: [{ file: 'a.yaml', line: 2 }] })
  })

  it('without a route is an error', () => {
    const loaded = loadOpenapiFile({ file: 'a.yaml', text: 'openapi: 3.0.0\npaths: {}\n' })
    expect(loaded).toMatchObject({ ok: false, diagnostics: [{ code: 'no-routes' }] })
  })
})

it('server metadata have a name and extensions', () => {
  expect(
    metadataAnswer('{"name": "triton", "version": "2", "extensions": ["trace"]}'),
  ).toMatchObject({ name: 'triton', extensions: ['trace'] })
  expect(metadataAnswer('{"name": "triton"}')).toBeUndefined()
})
