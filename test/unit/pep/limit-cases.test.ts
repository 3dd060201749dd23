/** Runs test/cases/limits/bodies.yaml, from the text of limits to the bytes of bodies. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from '@jest/globals'
import { parse } from 'yaml'
import { isRefusal } from '../../../gateway/domain/refusal.ts'
import { dutiesOf, type Duties } from '../../../gateway/pep/obligations/duties.ts'
import { limitBody } from '../../../gateway/pep/obligations/limited-body.ts'
import { lengthFields } from '../../../gateway/pep/obligations/spelling-table.ts'
import { obligationsOf } from '../../support/limits.ts'
import { PERMIT } from '../../support/pipeline.ts'

interface Group {
  readonly name: string
  readonly limits: object
  readonly cases: readonly {
    readonly in: string
    /** The same as `in` when absent. */
    readonly out?: string
    readonly refused?: string
    readonly path?: string
    readonly pack?: string
  }[]
}

const groups = parse(readFileSync('test/cases/limits/bodies.yaml', 'utf8')) as Group[]

function dutiesFor(limits: object): Duties['parameters'] {
  const obligations = obligationsOf(`limits: { l: { parameters: ${JSON.stringify(limits)} } }`)
  const resource = { kind: 'model', name: 'm' } as const
  const duties = dutiesOf([{ action: 'infer', resource, decision: { ...PERMIT, obligations } }])
  if ('source' in duties) throw new Error('an obligation is not understood')
  return duties.parameters
}

describe.each(groups)('$name', ({ limits, cases }) => {
  const duties = dutiesFor(limits)
  it.each(cases)('$in', ({ in: body, out = body, refused, path = '/v1/x', pack = 'vllm' }) => {
    const bytes = Buffer.from(body)
    const limited = limitBody(bytes, { duties, ...lengthFields(pack, path) })
    if (isRefusal(limited)) {
      expect(limited.reason).toBe(refused)
      expect(limited.detail).toContain('limits.yaml:1')
      expect(limited.detail).not.toContain('99')
      return
    }
    expect(refused).toBeUndefined()
    expect(limited.bytes.toString()).toBe(out)
    expect(limited.changed.size > 0).toBe(out !== body)
    if (out === body) expect(limited.bytes).toBe(bytes)
  })
})
