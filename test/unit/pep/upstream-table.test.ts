import { describe, expect, it } from '@jest/globals'
import { refuse } from '../../../gateway/domain/refusal.ts'
import { createUpstreamTable } from '../../../gateway/pep/upstream-table.ts'
import { entryOf, targetOf } from '../../support/pipeline.ts'

const table = createUpstreamTable(
  [
    entryOf({ name: 'rest' }),
    entryOf({ name: 'short', pathPrefix: '/a', stripPrefix: true }),
    entryOf({ name: 'long', pathPrefix: '/a/b' }),
    entryOf({ name: 'host', host: 'x.test' }),
    entryOf({ name: 'both', host: 'x.test', pathPrefix: '/a', stripPrefix: true }),
  ],
  targetOf,
)

function chosen(host: string, path: string): readonly [string, string] | undefined {
  const route = table.select(host, targetOf(path))
  return route !== undefined && 'entry' in route ? [route.entry.name, route.target.path] : undefined
}

describe('the upstream of a request', () => {
  it.each([
    ['y.test', '/other', 'rest', '/other'],
    ['y.test', '/a', 'short', '/'],
    ['y.test', '/a/', 'short', '/'],
    ['y.test', '/a/x', 'short', '/x'],
    ['y.test', '/ax', 'rest', '/ax'],
    ['y.test', '/a/b/x', 'long', '/a/b/x'],
    ['y.test', '/a/bx', 'short', '/bx'],
    ['x.test', '/other', 'host', '/other'],
    ['x.test', '/a/b', 'both', '/b'],
    ['sub.x.test', '/a/b', 'long', '/a/b'],
  ])('%s %s is %s %s', (host, path, name, rest) => {
    expect(chosen(host, path)).toEqual([name, rest])
  })

  it('does not depend on the order in the file', () => {
    const entries = [entryOf({ name: 'rest' }), entryOf({ name: 'a', pathPrefix: '/a' })]
    for (const order of [entries, [...entries].reverse()]) {
      const route = createUpstreamTable(order, targetOf).select('h', targetOf('/a/x'))
      expect(route).toMatchObject({ entry: { name: 'a' } })
    }
  })

  it('keeps the query when a prefix is taken off', () => {
    expect(table.select('y.test', targetOf('/a/x?q=1'))).toMatchObject({ target: { query: 'q=1' } })
  })

  it('is none when nothing matches', () => {
    const one = createUpstreamTable([entryOf({ host: 'x.test' })], targetOf)
    expect(one.select('y.test', targetOf('/'))).toBeUndefined()
  })

  it('is refused when what is left of the path is not canonical', () => {
    const strict = createUpstreamTable([entryOf({ pathPrefix: '/a', stripPrefix: true })], () =>
      refuse('target_invalid'),
    )
    expect(strict.select('h', targetOf('/a//x'))).toMatchObject({ reason: 'target_invalid' })
  })
})
