import { describe, expect, it } from '@jest/globals'
import { compareSpecificity, parsePattern } from '../../../gateway/classify/pack/pattern.ts'
import { loadPacks } from '../../../gateway/classify/pack/pack-loader.ts'
import { classify, outcome } from './support.ts'

const PACK = `
pack: rest
profile: { decodes_path: true }
routes:
  - { methods: [GET], path: '/m/{model*}', action: read, model: [{ path: model }] }
  - { methods: [GET], path: '/m/{model*}/files', action: export, model: [{ path: model }] }
`

function specificity(one: string, other: string): number {
  const [a, b] = [parsePattern(one), parsePattern(other)]
  if (typeof a === 'string' || typeof b === 'string') throw new Error('no pattern')
  expect(compareSpecificity(b, a)).toBe(-compareSpecificity(a, b) + 0)
  return Math.sign(compareSpecificity(a, b))
}

describe('a rest of a path, and the same with something behind it', () => {
  it.each([
    ['/m/{x*}/files', '/m/{y*}', 1],
    ['/m/{x*}/{file}', '/m/{y*}', 1],
    ['/m/{x*}', '/m/{y*}', 0],
    ['/m/{x*}/{y}', '/m/{x*}/files', -1],
    ['/m/files', '/m/{x*}', 1],
  ])('%s against %s', (one, other, expected) => {
    expect(specificity(one, other)).toBe(expected)
  })

  it.each([
    ['GET /m/a', ['read model:a']],
    ['GET /m/a/b', ['read model:a/b']],
    ['GET /m/a/b/files', ['export model:a/b']],
    ['GET /m/files', ['read model:files']],
    ['GET /m/files/files', ['export model:files']],
    ['GET /m/a/files/b', ['read model:a/files/b']],
  ])('%s', async (request, expected) => {
    const loaded = loadPacks([{ file: 'f.yaml', text: PACK }])
    const pack = loaded.ok ? loaded.value.get('rest') : undefined
    if (pack === undefined) throw new Error(JSON.stringify(loaded))
    expect(outcome(await classify(pack, request))).toEqual(expected)
  })
})
