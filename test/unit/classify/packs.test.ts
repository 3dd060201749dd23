import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { isPrivileged, type Action } from '../../../gateway/domain/vocabulary.ts'
import { isRefusal } from '../../../gateway/domain/refusal.ts'
import { builtInPack, classify, outcome } from './support.ts'

interface Case {
  readonly request: string
  readonly headers?: Readonly<Record<string, string>>
  readonly form?: Readonly<Record<string, string>>
  readonly json?: unknown
  readonly action: Action
  readonly also?: readonly Action[]
  readonly transport?: 'grpc'
  /** Fields of the first gRPC message, by the numbers on the way to them: `{ '1.1': 'm' }`. */
  readonly proto?: Readonly<Record<string, string>>
  readonly unverified?: boolean
  readonly stricter?: string
  readonly expect?: readonly string[]
  readonly refused?: string
}

interface Table {
  readonly pack: string
  readonly upstream: string
  readonly cases: readonly Case[]
}

const DIRECTORY = new URL('../../cases/classify/', import.meta.url)

const TABLES = readdirSync(DIRECTORY).map(
  (name) => parse(readFileSync(new URL(name, DIRECTORY), 'utf8')) as Table,
)

describe.each(TABLES)('the catalogue of $pack', ({ pack, upstream, cases }) => {
  it.each(cases)('$request $json', async (row) => {
    const result = await classify(await builtInPack(pack), row.request, { ...row, upstream })
    expect(outcome(result)).toEqual(row.refused ?? row.expect)
  })

  it.each(cases.filter((row) => row.expect !== undefined))(
    'asks for no less than $request does',
    (row) => {
      const asked = (row.expect ?? []).map((operation) => operation.split(' ')[0])
      if (row.unverified === true)
        expect(asked.filter((action) => isPrivileged(action as Action))).not.toEqual([])
      else expect(asked).toEqual(expect.arrayContaining([row.action, ...(row.also ?? [])]))
    },
  )

  it.each(cases.filter((row) => row.request.startsWith('GET ')))(
    'authorises HEAD exactly as $request',
    async (row) => {
      const head = `HEAD ${row.request.slice(4)}`
      const result = await classify(await builtInPack(pack), head, { ...row, upstream })
      expect(outcome(result)).toEqual(row.refused ?? row.expect)
    },
  )

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
