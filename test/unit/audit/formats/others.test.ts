import { describe, expect, it } from '@jest/globals'
import { cloudEventOf } from '../../../../gateway/audit/formats/cloudevents.ts'
import { CSV_COLUMNS, csvCellsOf } from '../../../../gateway/audit/formats/csv.ts'
import { ecsDocumentOf } from '../../../../gateway/audit/formats/ecs.ts'
import { csvLine } from '../../../../gateway/domain/csv.ts'
import { ecsProblems } from '../../../support/published-schemas.ts'
import { ALL_KINDS, PERMIT, stored } from '../../../support/stored-records.ts'

const CONTEXT = { version: '0.1.0', leafHash: 'leaf=' }

describe('a record as a document of ECS 9', () => {
  it.each(ALL_KINDS.map((record, at) => [`${String(record['type'])} ${at}`, record] as const))(
    'has fields, types and values of the published schema alone: %s',
    (_name, record) => {
      expect(ecsProblems(ecsDocumentOf(record, CONTEXT))).toEqual([])
    },
  )

  it('says who did what', () => {
    expect(ecsDocumentOf(PERMIT, CONTEXT)).toMatchObject({
      event: { category: ['api'], type: ['access', 'allowed'], outcome: 'success', hash: 'leaf=' },
      user: { id: 'user:corp/alice', email: 'alice@example.com' },
      client: { ip: '203.0.113.7' },
      rule: { id: 'policy.csv:3', ruleset: 'policy.csv', version: 'sha256:aa' },
      gen_ai: { request: { model: 'fraud@3' } },
    })
  })

  it('leaves out what an index would refuse: an address that is none', () => {
    expect(ecsDocumentOf(stored('decision', { ip: 'unix' }), CONTEXT)).not.toHaveProperty('client')
  })
})

describe('a record as a CloudEvent', () => {
  it('has the required attributes, names of allowed characters, and the record as it is', () => {
    const event = cloudEventOf(PERMIT, 'leaf=')
    expect(event).toMatchObject({
      specversion: '1.0',
      id: '7',
      source: 'urn:modelgate:modelgate/audit/n1',
      type: 'dev.modelgate.decision.v1',
      time: '2026-11-22T10:00:00.123Z',
      subject: 'model:fraud@3',
      sequence: '0000000000000007',
      leafhash: 'leaf=',
    })
    expect(event.data).toBe(PERMIT)
    for (const name of Object.keys(event)) expect(name).toMatch(/^[a-z0-9]{1,20}$/)
  })
})

describe('a record as a row', () => {
  it('has a cell for each column, the whole record last', () => {
    const cells = csvCellsOf(PERMIT, 'leaf=')
    expect(cells).toHaveLength(CSV_COLUMNS.length)
    expect(cells.at(-1)).toBe(JSON.stringify(PERMIT))
    expect(cells[CSV_COLUMNS.indexOf('resources')]).toBe('model:fraud@3')
    expect(cells[CSV_COLUMNS.indexOf('grant')]).toBe('g-1')
  })

  it.each(['=cmd()', '+1', '-1', '@x', '＝cmd()', '\t=1', 'a;=1', 'a;@x'])(
    'is no formula for whatever a subject is called: %j',
    (sub) => {
      const line = csvLine(csvCellsOf(stored('decision', { sub }), ''))
      for (const cell of line.split(/[,;]/)) expect(cell).not.toMatch(/^"?\s*[=+\-@＝＋－＠]/)
    },
  )
})
