import { describe, expect, it } from '@jest/globals'
import type { CompiledPack } from '../../../gateway/classify/pack/compiled-pack.ts'
import {
  builtInPackFiles,
  loadPacks,
  neededPackFiles,
  readPackFiles,
} from '../../../gateway/classify/pack/pack-loader.ts'
import { classify, outcome } from './support.ts'

const BASE = `
pack: base
profile: { decodes_path: true }
prefixes: { api: [/api, /ajax-api] }
routes:
  - { methods: [GET], path: '/models/{model}', action: read, model: [{ path: model }] }
  - { methods: [POST], path: '/models/{model}', action: deploy, model: [{ path: model }] }
  - { methods: [DELETE], path: '/files/{path*}', action: admin }
  - { methods: [GET], prefix: api, path: /list, action: read }
`

const load = (...texts: string[]): ReturnType<typeof loadPacks> =>
  loadPacks(texts.map((text, index) => ({ file: `f${index}.yaml`, text })))
const codes = (...texts: string[]): string[] => {
  const loaded = load(...texts)
  return (loaded.ok ? loaded.warnings : loaded.diagnostics).map(
    (d) => `${d.file}:${d.line} ${d.severity} ${d.code}`,
  )
}
const packOf = (name: string, ...texts: string[]): CompiledPack => {
  const loaded = load(...texts)
  const pack = loaded.ok ? loaded.value.get(name) : undefined
  if (pack === undefined) throw new Error(JSON.stringify(loaded))
  return pack
}

describe('the packs that are shipped', () => {
  it('are in files of their names', async () => {
    const files = await builtInPackFiles()
    const named = files.map(({ file, text }) => [
      file.split('/').at(-1),
      `${/^pack: (\S+)$/m.exec(text)?.[1] ?? ''}.yaml`,
    ])
    expect(named.filter(([file, name]) => file !== name)).toEqual([])
  })

  it('are read as far as they are wanted, with what they extend', async () => {
    const files = await neededPackFiles(['azure-openai', 'mine'])
    const loaded = loadPacks(files)
    expect(files.map(({ file }) => file.split('/').at(-1))).toContain('azure-openai.yaml')
    expect(files.length).toBeLessThan(4)
    expect(loaded.ok && loaded.value.has('azure-openai')).toBe(true)
  })
})

describe('a set of pack files', () => {
  it('extends a pack in place, and makes packs of its own', async () => {
    const over = `
extends: base
routes:
  - { methods: [GET], path: '/models/{name}/extra', action: export, model: [{ path: name }] }
`
    const own = `
pack: own
extends: base
prefixes: { api: [/v9] }
`
    const [base, mine] = ['base', 'own'].map((name) => packOf(name, BASE, over, own))
    if (base === undefined || mine === undefined) throw new Error('no pack')
    expect(outcome(await classify(base, 'GET /models/a/extra'))).toEqual(['export model:a'])
    expect(outcome(await classify(mine, 'GET /models/a/extra'))).toEqual(['export model:a'])
    expect(outcome(await classify(base, 'GET /ajax-api/list'))).toEqual(['read server:up'])
    expect(outcome(await classify(mine, 'GET /v9/list'))).toEqual(['read server:up'])
    expect(outcome(await classify(mine, 'GET /api/list'))).toBe('unclassified')
  })

  it('replaces a route, and can withdraw it', async () => {
    const over = `
extends: base
routes:
  - { methods: [GET], path: '/models/{x}', action: read, model: [{ path: x }], refuse: true }
`
    expect(codes(BASE, over)).toEqual([])
    expect(outcome(await classify(packOf('base', BASE, over), 'GET /models/a'))).toBe(
      'unclassified',
    )
  })

  it.each([
    ['a lower action', `{ methods: [POST], path: '/models/{m}', action: infer }`],
    ['another privileged action', `{ methods: [POST], path: '/models/{m}', action: retrain }`],
    ['a more specific route', `{ methods: [POST], path: /models/open, action: read }`],
    [
      'a model in place of the server',
      `{ methods: [DELETE], path: '/files/{p*}', action: admin, model: [{ path: p }] }`,
    ],
    ['a lower part of a rest', `{ methods: [DELETE], path: '/files/tmp/{p*}', action: read }`],
  ])('warns of %s', (_name, route) => {
    expect(codes(BASE, `extends: base\nroutes:\n  - ${route}`)).toEqual([
      'f1.yaml:3 warning privilege-lowered',
    ])
  })

  it.each([
    ['the same', `{ methods: [POST], path: '/models/{m}', action: deploy, model: [{ path: m }] }`],
    ['more', `{ methods: [GET], path: '/models/{m}', action: export, model: [{ path: m }] }`],
    ['something else', `{ methods: [POST], path: /other, action: read }`],
  ])('does not warn of %s', (_name, route) => {
    expect(codes(BASE, `extends: base\nroutes:\n  - ${route}`)).toEqual([])
  })
})

describe('a pack file with a mistake', () => {
  const routes = (...lines: string[]): string =>
    `pack: p\nroutes:\n${lines.map((line) => `  - ${line}`).join('\n')}`

  it.each([
    ['no name', 'title: x', 1, 'pack-without-name'],
    ['an unknown base', 'extends: nothing', 1, 'unknown-pack'],
    ['itself as its base', 'pack: p\nextends: p', 2, 'circular-extends'],
    ['an unknown key', 'pack: p\nrules: []', 2, 'unknown-key'],
    [
      'an unknown action',
      routes('{ methods: [GET], path: /a, action: write }'),
      3,
      'invalid-value',
    ],
    ['an unknown method', routes('{ methods: [FOO], path: /a, action: read }'), 3, 'invalid-value'],
    [
      'two origins',
      routes('{ methods: [GET], path: /a, action: read, model: [{ query: a, body: b }] }'),
      3,
      'invalid-value',
    ],
    [
      'no test',
      routes('{ methods: [GET], path: /a, action: read, when: [{ query: a }] }'),
      3,
      'invalid-value',
    ],
    [
      'an unknown prefix',
      routes('{ methods: [GET], prefix: x, path: /a, action: read }'),
      3,
      'unknown-prefix',
    ],
    [
      'an unknown parameter',
      routes('{ methods: [GET], path: /a, action: read, model: [{ path: x }] }'),
      3,
      'invalid-route',
    ],
    [
      'a model on the server',
      routes(
        "{ methods: [GET], path: '/{x}', action: read, resource: server, model: [{ path: x }] }",
      ),
      3,
      'invalid-route',
    ],
    [
      'a dataset without a name',
      routes('{ methods: [GET], path: /a, action: read, resource: dataset }'),
      3,
      'invalid-route',
    ],
    [
      'a field of a body that is none',
      routes('{ methods: [POST], path: /a, action: read, body: none, model: [{ body: x }] }'),
      3,
      'invalid-route',
    ],
    [
      'a body and a form',
      routes('{ methods: [POST], path: /a, action: read, model: [{ body: x }, { form: x }] }'),
      3,
      'invalid-route',
    ],
    ['a relative path', routes('{ methods: [GET], path: a, action: read }'), 3, 'invalid-route'],
    [
      'an empty segment',
      routes('{ methods: [GET], path: /a//b, action: read }'),
      3,
      'invalid-route',
    ],
    [
      'two rests',
      routes("{ methods: [GET], path: '/{x*}/b/{y*}', action: read }"),
      3,
      'invalid-route',
    ],
    [
      'two parameters in a segment',
      routes("{ methods: [GET], path: '/{x}{y}', action: read }"),
      3,
      'invalid-route',
    ],
    ['an open brace', routes("{ methods: [GET], path: '/{x', action: read }"), 3, 'invalid-route'],
    [
      'a parameter named twice',
      routes("{ methods: [GET], path: '/{x}/{x}', action: read }"),
      3,
      'invalid-route',
    ],
    ['a dot segment', routes('{ methods: [GET], path: /a/.., action: read }'), 3, 'invalid-route'],
    [
      'an encoded literal',
      routes('{ methods: [GET], path: /a%20b, action: read }'),
      3,
      'invalid-route',
    ],
    [
      'the same route twice',
      routes(
        "{ methods: [GET], path: '/{x}', action: read }",
        "{ methods: [GET], path: '/{y}', action: read }",
      ),
      4,
      'duplicate-route',
    ],
    [
      'a method twice',
      routes('{ methods: [GET, GET], path: /a, action: read }'),
      3,
      'duplicate-route',
    ],
    [
      'a row after the default',
      routes(
        '{ methods: [POST], path: /a, action: admin }',
        '{ methods: [POST], path: /a, action: read, when: [{ body: x, absent: true }] }',
      ),
      4,
      'duplicate-route',
    ],
    [
      'two equal affixes',
      routes(
        "{ methods: [GET], path: '/a{x}', action: read }",
        "{ methods: [GET], path: '/{x}b', action: read }",
      ),
      4,
      'ambiguous-route',
    ],
  ])('%s', (_name, text, line, code) => {
    expect(codes(text)).toContainEqual(`f0.yaml:${line} error ${code}`)
  })

  it('two packs of one name', () => {
    expect(codes(BASE, 'pack: base')).toEqual(['f1.yaml:1 error duplicate-pack'])
  })

  it('gives no packs at all', () => {
    expect(load(BASE, 'pack: other\nroutes: x').ok).toBe(false)
  })
})

describe('reading pack files', () => {
  it('takes the YAML files in order, through the reader it is given', async () => {
    const reader = {
      readDirectory: () => Promise.resolve(['b.yaml', '.x', 'a.yaml', 'a.txt']),
      readText: (file: string) => Promise.resolve(`# ${file}`),
    }
    expect(await readPackFiles('/rules/', reader)).toEqual([
      { file: '/rules/a.yaml', text: '# /rules/a.yaml' },
      { file: '/rules/b.yaml', text: '# /rules/b.yaml' },
    ])
  })

  it('fails when it cannot', async () => {
    const reader = {
      readDirectory: () => Promise.reject(new Error('gone')),
      readText: () => Promise.resolve(''),
    }
    await expect(readPackFiles('/rules', reader)).rejects.toMatchObject({
      code: 'ERR_RULES_UNREADABLE',
    })
  })
})
