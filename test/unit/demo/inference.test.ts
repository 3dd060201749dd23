import { describe, expect, it } from '@jest/globals'
import { loadClassifier, readShippedWeights } from '../../../gateway/cli/demo/model/classifier.ts'
import { inferenceResponse, parseInference } from '../../../gateway/cli/demo/model/inference.ts'

const model = loadClassifier(await readShippedWeights())
const row = [5.1, 3.5, 1.4, 0.2]
const input = { name: 'features', shape: [1, 4], datatype: 'FP32', data: row }

const parse = (value: unknown) => parseInference(Buffer.from(JSON.stringify(value)), undefined, 4)

/** JSON and raw bytes in one body, as tritonclient sends them. */
function parseBinary(json: unknown, bytes: Buffer) {
  const head = Buffer.from(JSON.stringify(json))
  return parseInference(Buffer.concat([head, bytes]), head.length, 4)
}

describe('reading an inference request', () => {
  it('takes data flat or one array per row', () => {
    const two = { ...input, shape: [2, 4] }
    expect(parse({ inputs: [{ ...two, data: [...row, ...row] }] }).rows).toEqual([row, row])
    expect(parse({ inputs: [{ ...two, data: [row, row] }] }).rows).toEqual([row, row])
  })

  it('takes data as bytes behind the JSON', () => {
    const bytes = Buffer.from(Float32Array.of(1, 2, 3, 4.5).buffer)
    const binary = { ...input, data: undefined, parameters: { binary_data_size: 16 } }
    expect(parseBinary({ inputs: [binary] }, bytes).rows).toEqual([[1, 2, 3, 4.5]])
    expect(() => parseBinary({ inputs: [binary] }, bytes.subarray(4))).toThrow('binary_data_size')
    const infinite = Buffer.from(Float32Array.of(1, 2, 3, Infinity).buffer)
    expect(() => parseBinary({ inputs: [binary] }, infinite)).toThrow('finite')
  })

  it.each([
    ['no JSON', 'x', 'not JSON'],
    ['no object', '[]', 'the body is not a JSON object'],
    ['an id that is no string', { id: 1, inputs: [input] }, '"id"'],
    ['no inputs', {}, '"inputs"'],
    ['two inputs', { inputs: [input, input] }, '"inputs"'],
    ['an input that is no object', { inputs: [7] }, 'the input is not'],
    ['another name', { inputs: [{ ...input, name: 'x' }] }, 'named "features"'],
    ['another datatype', { inputs: [{ ...input, datatype: 'INT64' }] }, 'FP32'],
    ['no shape', { inputs: [{ ...input, shape: undefined }] }, 'shape'],
    ['another width', { inputs: [{ ...input, shape: [1, 5] }] }, 'must be [n, 4]'],
    ['no rows', { inputs: [{ ...input, shape: [0, 4], data: [] }] }, '1 to 4096 rows'],
    ['too many rows', { inputs: [{ ...input, shape: [4097, 4] }] }, '1 to 4096 rows'],
    ['no data', { inputs: [{ ...input, data: undefined }] }, '"data"'],
    ['data that is no number', { inputs: [{ ...input, data: ['1', 2, 3, 4] }] }, 'numbers'],
    [
      'too little data',
      { inputs: [{ ...input, data: [1, 2, 3] }] },
      '4 numbers and the data has 3',
    ],
    ['an unknown output', { inputs: [input], outputs: [{ name: 'weights' }] }, 'the outputs are'],
    ['too many outputs', { inputs: [input], outputs: [1, 2, 3] }, '"outputs"'],
    ['parameters that nest', { inputs: [input], parameters: { a: [] } }, 'parameters must be'],
  ])('refuses %s', (_, value, message) => {
    const body = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
    const attempt = () => parseInference(body, undefined, 4)
    expect(attempt).toThrow(message)
    expect(attempt).toThrow(expect.objectContaining({ status: 400 }))
  })

  it('refuses numbers too large for JavaScript', () => {
    const text = JSON.stringify({ inputs: [input] }).replace('5.1', '1e999')
    expect(() => parseInference(Buffer.from(text), undefined, 4)).toThrow('numbers')
  })
})

describe('the inference response', () => {
  const respond = (value: unknown) => {
    const request = parse(value)
    return inferenceResponse(model, request, model.predict(request.rows))
  }

  it('echoes id and parameters and gives both tensors', () => {
    const { json, binary } = respond({ id: 'a', parameters: { trace: 1 }, inputs: [input] })
    expect(binary).toHaveLength(0)
    expect(json).toEqual({
      model_name: 'iris-classifier',
      model_version: '1',
      id: 'a',
      parameters: { trace: 1 },
      outputs: [
        {
          name: 'probabilities',
          datatype: 'FP32',
          shape: [1, 3],
          data: model.predict([row])[0]?.probabilities,
        },
        { name: 'label', datatype: 'BYTES', shape: [1], data: ['setosa'] },
      ],
    })
  })

  it('gives only the outputs asked for', () => {
    const { json } = respond({ inputs: [input], outputs: [{ name: 'label' }] })
    expect(json['outputs']).toEqual([
      { name: 'label', datatype: 'BYTES', shape: [1], data: ['setosa'] },
    ])
  })

  it('gives outputs as bytes where asked to', () => {
    const parameters = { binary_data_output: true }
    const { json, binary } = respond({ parameters, inputs: [input] })
    expect(json['outputs']).toEqual([
      {
        name: 'probabilities',
        datatype: 'FP32',
        shape: [1, 3],
        parameters: { binary_data_size: 12 },
      },
      { name: 'label', datatype: 'BYTES', shape: [1], parameters: { binary_data_size: 10 } },
    ])
    expect(binary.readFloatLE(0)).toBe(model.predict([row])[0]?.probabilities[0])
    expect(binary.subarray(12)).toEqual(Buffer.from('\x06\0\0\0setosa'))
  })

  it('lets one output differ from the rest', () => {
    const outputs = [{ name: 'label', parameters: { binary_data: false } }]
    const { binary } = respond({
      inputs: [input],
      outputs,
      parameters: { binary_data_output: true },
    })
    expect(binary).toHaveLength(0)
  })
})
