import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { isPrivileged, type Action } from '../../../gateway/domain/vocabulary.ts'
import { isRefusal } from '../../../gateway/domain/refusal.ts'
import { builtInPack, classify, outcome, type ProtoFields } from './support.ts'

interface Case {
  readonly request: string
  readonly headers?: Readonly<Record<string, string>>
  readonly form?: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly action: Action
  readonly also?: readonly Action[]
  readonly transport?: 'grpc'
  readonly upgrade?: boolean
  /** Fields of the first gRPC message, by the numbers on the way to them: `{ '1.1': 'm' }`. */
  readonly proto?: ProtoFields
  readonly unverified?: boolean
  readonly stricter?: string
  readonly expect?: readonly string[]
  readonly refused?: string
}

interface Table {
  readonly pack: string
  readonly upstream: string
  /** Whether HEAD is not what GET is: downloads whose size and hash are metadata. */
  readonly heads?: 'own'
  readonly cases: readonly Case[]
}

const DIRECTORY = new URL('../../cases/classify/', import.meta.url)

const TABLES = readdirSync(DIRECTORY).map(
  (name) => parse(readFileSync(new URL(name, DIRECTORY), 'utf8')) as Table,
)

/** What the messages over a WebSocket ask for, once it is open. */
async function askedByMessages(pack: string, row: Case, upstream: string): Promise<Action[]> {
  const compiled = await builtInPack(pack)
  const result = await classify(compiled, row.request, { ...row, upstream })
  if (isRefusal(result) || result.frames === undefined) return []
  const route = compiled.routes.find((one) => one.row.routeId === result.route)
  return route?.row.frames === undefined ? [] : [route.row.frames.action]
}

describe.each(TABLES)('the catalogue of $pack', ({ pack, upstream, cases, heads }) => {
  it.each(cases)('$request $json', async (row) => {
    const result = await classify(await builtInPack(pack), row.request, { ...row, upstream })
    expect(outcome(result)).toEqual(row.refused ?? row.expect)
  })

  it.each(cases.filter((row) => row.expect !== undefined))(
    'asks for no less than $request does',
    async (row) => {
      const asked = (row.expect ?? []).map((operation) => operation.split(' ')[0])
      asked.push(...(await askedByMessages(pack, row, upstream)))
      if (row.unverified === true)
        expect(asked.filter((action) => isPrivileged(action as Action))).not.toEqual([])
      else expect(asked).toEqual(expect.arrayContaining([row.action, ...(row.also ?? [])]))
    },
  )

  it('authorises HEAD exactly as GET, unless it has rows of its own', async () => {
    const gets = cases.filter(({ request }) => request.startsWith('GET '))
    for (const row of heads === 'own' ? [] : gets) {
      const head = `HEAD ${row.request.slice(4)}`
      const result = await classify(await builtInPack(pack), head, { ...row, upstream })
      expect([head, outcome(result)]).toEqual([head, row.refused ?? row.expect])
    }
  })

  it('serves no ordinary route that the table does not have', async () => {
    const compiled = await builtInPack(pack)
    const matched = new Set<string>()
    for (const row of cases) {
      const result = await classify(compiled, row.request, { ...row, upstream })
      if (!isRefusal(result)) matched.add(result.route)
    }
    const unlisted = compiled.routes
      .filter(({ row }) => !row.refused && !matched.has(row.routeId))
      .flatMap(({ row }) => row.actions)
    expect(unlisted.filter((action) => !isPrivileged(action))).toEqual([])
  })
})
