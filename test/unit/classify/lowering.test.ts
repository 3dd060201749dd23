import { describe, expect, it } from '@jest/globals'
import { diagnosticText } from '../../../gateway/domain/diagnostics.ts'
import { loadPacks } from '../../../gateway/classify/pack/pack-loader.ts'

const BASE = `
pack: base
profile: { decodes_path: true, known_query: [a, b], exclusive_query: [a, b] }
routes:
  - { methods: [POST], path: '/models/{model}', action: deploy, model: [{ path: model }] }
  - { methods: [GET], path: /list, action: read, listing: { items: models } }
  - methods: [GET]
    path: /talk
    action: infer
    upgrade: websocket
    frames: { action: infer, model: [model] }
  - { methods: [POST], path: /odd, action: read, verified: false }
  - methods: [POST]
    path: /two
    action: infer
    model: [{ body: model }, { header: x-model }]
    required: all
  - methods: [PUT]
    path: '/copy/{model}'
    action: deploy
    model: [{ path: model }]
    version: [{ query: version }]
    also_on: [{ action: export, model: [{ header: x-from }] }]
  - methods: [POST]
    path: /jobs
    when: [{ body: kind, equals: read }]
    action: read
  - { methods: [POST], path: /jobs, action: admin }
`

function warnings(over: string): string[] {
  const loaded = loadPacks([
    { file: 'base.yaml', text: BASE },
    { file: 'over.yaml', text: `extends: base\n${over}` },
  ])
  return (loaded.ok ? loaded.warnings : loaded.diagnostics).map(diagnosticText)
}

const warningOf = (...routes: readonly string[]): string =>
  warnings(`routes:\n${routes.map((route) => `  - ${route}`).join('\n')}`).join('\n')

describe('a route that asks for less than the one it replaces', () => {
  it('is named with what was asked before, what is asked now, and where', () => {
    const text = warningOf(`{ methods: [POST], path: '/models/{m}', action: infer }`)
    expect(text).toContain('over.yaml:3:30: warning:')
    expect(text).toContain('POST /models/{m} asks for less than /models/{model} did')
    expect(text).toContain('before, deploy on the model; now, infer on the server')
    expect(text).toContain('[privilege-lowered]')
  })

  it.each([
    [
      'an unverified route that is trusted',
      `{ methods: [POST], path: /odd, action: read }`,
      'before, read on the server and admin on the server; now, read on the server',
    ],
    [
      'a listing that is not filtered',
      `{ methods: [GET], path: /list, action: read }`,
      'gone: the filter of the listing',
    ],
    [
      'messages that are not checked',
      `{ methods: [GET], path: /talk, action: infer, upgrade: websocket }`,
      'gone: the check of messages',
    ],
    [
      'messages that need name no model',
      `{ methods: [GET], path: /talk, action: infer, upgrade: websocket, frames: { action: infer, model: [model], named: true } }`,
      'gone: that a message names the model first',
    ],
    [
      'a name in messages that is not read',
      `{ methods: [GET], path: /talk, action: infer, upgrade: websocket, frames: { action: infer, model: [session.model] } }`,
      'gone: the name in model of messages',
    ],
    [
      'a name that is not read',
      `{ methods: [POST], path: /two, action: infer, model: [{ body: model }] }`,
      'gone: the name in header x-model',
    ],
    [
      'names of which one is enough',
      `{ methods: [POST], path: /two, action: infer, model: [{ body: model }, { header: x-model }] }`,
      'gone: that every source names a model',
    ],
    [
      'names that may differ',
      `{ methods: [POST], path: /two, action: infer, required: all, combine: each, model: [{ body: model }, { header: x-model }] }`,
      'gone: that all sources agree',
    ],
    [
      'the source of a copy',
      `{ methods: [PUT], path: '/copy/{m}', action: deploy, model: [{ path: m }], version: [{ query: version }] }`,
      'before, deploy on the model and export on another model; now, deploy on the model',
    ],
    [
      'a version that is not read',
      `{ methods: [PUT], path: '/copy/{m}', action: deploy, model: [{ path: m }], also_on: [{ action: export, model: [{ header: x-from }] }] }`,
      'gone: the version',
    ],
    [
      'the action of the most common row',
      `{ methods: [POST], path: /jobs, action: read }`,
      'before, read on the server; or admin on the server; now, read on the server',
    ],
  ])('%s', (_name, route, text) => {
    expect(warningOf(route)).toContain(text)
  })

  it('counts row by row where the tests are the same', () => {
    const swapped = warningOf(
      `{ methods: [POST], path: /jobs, when: [{ body: kind, equals: read }], action: admin }`,
      `{ methods: [POST], path: /jobs, action: read }`,
    )
    expect(swapped).toContain('privilege-lowered')
  })

  it('counts a profile that refuses less', () => {
    const text = warnings(`profile: { decodes_path: true, encoded: '/', empty_segments: true }`)
    expect(text.join()).toContain(
      'more encoded characters, empty segments, more query parameters, several query parameters',
    )
  })
})

describe('a route that asks for as much', () => {
  it.each([
    ['the same', `{ methods: [POST], path: '/models/{m}', action: deploy, model: [{ path: m }] }`],
    [
      'another ordinary',
      `{ methods: [GET], path: /list, action: infer, listing: { items: models } }`,
    ],
    ['privileged', `{ methods: [POST], path: /two, action: export }`],
    ['nothing at all', `{ methods: [GET], path: /list, action: read, refuse: true }`],
    ['unverified', `{ methods: [POST], path: /odd, action: infer, verified: false }`],
  ])('%s', (_name, route) => {
    expect(warningOf(route)).toBe('')
  })

  it('in a profile that is the same', () => {
    const profile = '{ decodes_path: true, known_query: [a], exclusive_query: [a, b] }'
    expect(warnings(`profile: ${profile}`)).toEqual([])
  })
})
