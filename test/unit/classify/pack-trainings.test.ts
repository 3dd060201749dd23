/** What packs say of trainings and registrations, case by case; no route that says it is without one. */
import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { isRefusal } from '../../../gateway/domain/refusal.ts'
import type { Classification } from '../../../gateway/domain/request.ts'
import type { RegistrationFacts } from '../../../gateway/domain/training.ts'
import { jobIn } from '../../../gateway/pep/training/job-id.ts'
import { together } from '../../../gateway/pep/training/write-version.ts'
import { builtInPack, classify, type ProtoFields } from './support.ts'

interface Case {
  readonly pack: string
  readonly request: string
  readonly transport?: 'grpc'
  readonly proto?: ProtoFields
  readonly json?: object
  readonly answer?: object
  readonly trains?: object
  readonly job?: string
  readonly registers?: RegistrationFacts & { readonly isHeld?: true }
}

const CASES = parse(
  readFileSync(new URL('../../cases/trainings.yaml', import.meta.url), 'utf8'),
) as readonly Case[]

const bytesOf = (value: object | undefined): Buffer | undefined =>
  value === undefined ? undefined : Buffer.from(JSON.stringify(value))

async function classified(row: Case): Promise<Classification> {
  const result = await classify(await builtInPack(row.pack), row.request, {
    ...row,
    upstream: 'up',
  })
  if (isRefusal(result)) throw new Error(`${row.request}: ${result.reason}`)
  return result
}

describe('what a pack reads of a training', () => {
  it.each(CASES.filter(({ trains }) => trains))('$pack $request', async (row) => {
    const { training } = await classified(row)
    if (training === undefined || training === 'none') throw new Error('it trains nothing')
    expect(training.read(bytesOf(row.json) ?? Buffer.alloc(0))).toEqual(row.trains)
    expect(jobIn(bytesOf(row.answer), training.job ?? [])).toBe(row.job)
  })
})

describe('what a pack reads of a registration', () => {
  it.each(CASES.filter(({ registers }) => registers))('$pack $request $json', async (row) => {
    const { registers: reader } = await classified(row)
    if (reader === undefined) throw new Error('it registers nothing')
    const { isHeld = false, ...facts } = row.registers ?? {}
    expect(reader.isHeld).toBe(isHeld)
    const said = [
      reader.fromRequest,
      reader.fromBody(bytesOf(row.json)),
      reader.fromAnswer(bytesOf(row.answer)),
    ]
    expect(together(...said)).toEqual(facts)
  })

  it.each(CASES.filter(({ registers, answer }) => registers && answer))(
    'is not told without the answer: $pack $request $json',
    async (row) => {
      const { registers: reader } = await classified(row)
      if (reader === undefined) throw new Error('it registers nothing')
      expect(reader.fromAnswer(undefined).isUntold).toBe(true)
      expect(reader.fromAnswer(Buffer.from('created')).isUntold).toBe(true)
    },
  )
})

describe('the cases', () => {
  const packs = readdirSync(new URL('../../../gateway/classify/packs/', import.meta.url))

  it.each(packs.map((name) => name.replace('.yaml', '')))(
    'leave no route out: %s',
    async (name) => {
      const { routes } = await builtInPack(name)
      const saying = routes
        .map(({ row }) => row)
        .filter((row) => row.registers !== undefined || typeof row.training === 'object')
      const reached = new Set<string>()
      for (const row of CASES.filter(({ pack }) => pack === name)) {
        reached.add(shapeOf((await classified(row)).route))
      }
      const missing = saying
        .map(({ routeId }) => shapeOf(routeId))
        .filter((one) => !reached.has(one))
      expect(missing).toEqual([])
    },
  )
})

/** Of a route, without its prefix: the same row stands under several. */
function shapeOf(routeId: string): string {
  const [method = '', path = ''] = routeId.split(' ')
  return `${method} ${path.replace(/^\/(?:ajax-)?api(?=\/2\.0)|^\/openai(?=\/)/, '')}`
}
