/** Columns, features and tensors that are tagged by name, in the shapes in which APIs arrange them. */
import { describe, expect, it } from '@jest/globals'
import { treat, treated } from '../../support/classes.ts'

const MASK = { email: 'mask' }

describe('a column that is tagged by its name', () => {
  it.each<[string, unknown, unknown]>([
    [
      'Feast',
      {
        metadata: { feature_names: ['driver_id', 'people:email'] },
        results: [
          { values: [1, 2], statuses: ['PRESENT', 'PRESENT'], event_timestamps: ['a', 'b'] },
          { values: ['a@b', 'c@d'], statuses: ['PRESENT', 'PRESENT'] },
        ],
      },
      {
        metadata: { feature_names: ['driver_id', 'people:email'] },
        results: [
          { values: [1, 2], statuses: ['PRESENT', 'PRESENT'], event_timestamps: ['a', 'b'] },
          { values: ['***', '***'], statuses: ['PRESENT', 'PRESENT'] },
        ],
      },
    ],
    [
      'Feast, as its messages are written in JSON, names last',
      {
        results: [{ values: [{ int64_val: '1' }] }, { values: [{ string_val: 'a@b' }] }],
        metadata: { feature_names: { val: ['id', 'people__email'] } },
      },
      {
        results: [{ values: [{ int64_val: '1' }] }, { values: [{ string_val: '***' }] }],
        metadata: { feature_names: { val: ['id', 'people__email'] } },
      },
    ],
    [
      'the Open Inference Protocol',
      { outputs: [{ name: 'email', datatype: 'BYTES', shape: [2], data: ['a@b', 'c@d'] }] },
      { outputs: [{ name: 'email', datatype: 'BYTES', shape: [2], data: ['***', '***'] }] },
    ],
    [
      'TensorFlow Serving, by row',
      { predictions: [{ email: 'a@b', score: 0.5 }] },
      { predictions: [{ email: '***', score: 0.5 }] },
    ],
    [
      'TensorFlow Serving, by column',
      { outputs: { email: [['a@b'], ['c@d']], score: [0.5, 0.25] } },
      { outputs: { email: [['***'], ['***']], score: [0.5, 0.25] } },
    ],
    [
      'pandas split',
      {
        columns: ['id', 'Email'],
        index: [0, 1],
        data: [
          [1, 'a@b'],
          [2, 'c@d'],
        ],
      },
      {
        columns: ['id', 'Email'],
        index: [0, 1],
        data: [
          [1, '***'],
          [2, '***'],
        ],
      },
    ],
    [
      'pandas split within an answer, rows first',
      { dataframe_split: { data: [[1, 'a@b']], columns: ['id', 'email'] } },
      { dataframe_split: { data: [[1, '***']], columns: ['id', 'email'] } },
    ],
    [
      'pandas, by column and row',
      { email: { '0': 'a@b', '1': 'c@d' }, id: { '0': 1, '1': 2 } },
      { email: { '0': '***', '1': '***' }, id: { '0': 1, '1': 2 } },
    ],
    [
      'dataframe_records',
      { dataframe_records: [{ id: 1, 'e-mail': 'a@b' }] },
      { dataframe_records: [{ id: 1, 'e-mail': '***' }] },
    ],
    [
      'SQL',
      { columns: [{ name: 'id', type: 'bigint' }, { name: 'u.email' }], rows: [[1, 'a@b']] },
      { columns: [{ name: 'id', type: 'bigint' }, { name: 'u.email' }], rows: [[1, '***']] },
    ],
    [
      'Databricks SQL',
      {
        manifest: { schema: { column_count: 2, columns: [{ name: 'id' }, { name: 'email' }] } },
        result: { data_array: [['1', 'a@b']] },
      },
      {
        manifest: { schema: { column_count: 2, columns: [{ name: 'id' }, { name: 'email' }] } },
        result: { data_array: [['1', '***']] },
      },
    ],
    [
      'BigQuery',
      {
        schema: {
          fields: [
            { name: 'email', type: 'STRING' },
            { name: 'n', type: 'INTEGER' },
          ],
        },
        rows: [{ f: [{ v: 'a@b' }, { v: '3' }] }],
      },
      {
        schema: {
          fields: [
            { name: 'email', type: 'STRING' },
            { name: 'n', type: 'INTEGER' },
          ],
        },
        rows: [{ f: [{ v: '***' }, { v: '3' }] }],
      },
    ],
    [
      'the runs of MLflow',
      {
        runs: [
          {
            data: {
              params: [
                { key: 'email', value: 'a@b' },
                { key: 'k', value: '1' },
              ],
            },
          },
        ],
      },
      {
        runs: [
          {
            data: {
              params: [
                { key: 'email', value: '***' },
                { key: 'k', value: '1' },
              ],
            },
          },
        ],
      },
    ],
    [
      'the Feature Store of SageMaker',
      { Record: [{ FeatureName: 'email', ValueAsString: 'a@b' }] },
      { Record: [{ FeatureName: 'email', ValueAsString: '***' }] },
    ],
    [
      'the feature store of Vertex AI',
      { keyValues: { features: [{ name: 'email', value: { stringValue: 'a@b' } }] } },
      { keyValues: { features: [{ name: 'email', value: { stringValue: '***' } }] } },
    ],
    [
      'the older feature store of Vertex AI',
      {
        header: { featureDescriptors: [{ id: 'age' }, { id: 'email' }] },
        entityView: { data: [{ value: { int64Value: '4' } }, { value: { stringValue: 'a@b' } }] },
      },
      {
        header: { featureDescriptors: [{ id: 'age' }, { id: 'email' }] },
        entityView: { data: [{ value: { int64Value: '4' } }, { value: { stringValue: '***' } }] },
      },
    ],
    [
      'a first row of names',
      {
        values: [
          ['id', 'email'],
          [1, 'a@b'],
        ],
      },
      {
        values: [
          ['id', 'email'],
          [1, '***'],
        ],
      },
    ],
  ])('is found in the shape of %s', (_, before, after) => {
    expect(treated(before, MASK)).toEqual(after)
  })

  it('is named with a view, and matches the feature alone', () => {
    const fields = { 'people:email': 'mask' }
    const before = { email: 'a', 'people:email': 'b', people__email: 'c', 'other:email': 'd' }
    const after = { email: '***', 'people:email': '***', people__email: '***', 'other:email': 'd' }
    expect(treated(before, fields)).toEqual(after)
  })

  it('leaves aggregates of it alone', () => {
    const before = {
      email_count: 3,
      stats: { email: { count: 3, distinct: 2, histogram: { bins: [1, 2], counts: [3, 4] } } },
      'mean(email)': 2,
      schema: [{ name: 'email', type: 'string', nulls: 4 }],
    }
    expect(treat(JSON.stringify(before), MASK).text).toBe(JSON.stringify(before))
    const listed = {
      name: 'age',
      count: 3,
      mean: 40.5,
      min: 20,
      '50%': 40,
      topValues: [{ value: 20 }],
    }
    expect(treated({ columns: [listed] }, { age: 'mask' })).toEqual({
      columns: [
        { name: 'age', count: 3, mean: 40.5, min: null, '50%': null, topValues: [{ value: null }] },
      ],
    })
    expect(treated([listed, { name: 'x', min: 1 }], { age: 'remove' })).toEqual([
      { name: 'age', count: 3, mean: 40.5 },
      { name: 'x', min: 1 },
    ])
    const described = { age: { count: 3, mean: 40.5, min: 20, max: 61, '50%': 40 } }
    expect(treated(described, { age: 'mask' })).toEqual({
      age: { count: 3, mean: 40.5, min: null, max: null, '50%': null },
    })
    expect(treated({ email: { count: 'a@b' } }, MASK)).toEqual({ email: null })
  })

  it('refuses columns whose cells cannot be told', () => {
    for (const [document, isPart] of [
      ['{"columns":["id","email"],"data":[[1],[2,"a@b",3]]}', false],
      ['{"columns":["email"],"data":"QVJST1cxAAA="}', false],
      ['["id","email"]', true],
      ['{"columns":["id","email"]}', true],
    ] as const) {
      expect(treat(document, MASK, isPart).text).toBeUndefined()
    }
    expect(treat('{"columns":["id","email"]}', MASK).text).toBeDefined()
  })

  it('does not take one table for another', () => {
    const table = (columns: string[], data: unknown[][]) => ({ columns, data })
    const before = {
      a: table(['x', 'email'], [[1, 'a@b']]),
      b: table(['p', 'q', 'r'], [[1, 2, 3]]),
    }
    const after = { a: table(['x', 'email'], [[1, '***']]), b: table(['p', 'q', 'r'], [[1, 2, 3]]) }
    expect(treated(before, MASK)).toEqual(after)
  })
})
