/** Formats in the forms that other writers than the usual ones give them. */
import { describe, expect, it } from '@jest/globals'
import { bytes, u32, u64 } from '../../../support/artifacts/bytes.ts'
import { scan } from '../../../support/artifacts/found-table.ts'
import { lightgbm, xgboostJson } from '../../../support/artifacts/weights.ts'

const OCTETS = 'application/octet-stream'
const PIECES = [[1 << 20], [1], [7, 1, 60, 13]]

const field = (tag: number, data: Buffer | string) => {
  const length = Buffer.byteLength(data)
  const size = length < 128 ? [length] : [(length & 0x7f) | 0x80, length >> 7]
  return bytes([tag, ...size], data)
}
const NODE = bytes(field(0x0a, 'x'), field(0x0a, 'w'), field(0x12, '/fc/y'), field(0x22, 'MatMul'))
const GRAPH = bytes(field(0x0a, NODE), field(0x12, 'main'), field(0x2a, Buffer.alloc(1024, 7)))
const CONST = bytes(
  field(0x0a, 'w'),
  field(0x12, 'Const'),
  field(0x2a, bytes(field(0x0a, 'dtype'), field(0x12, bytes([0x30, 1])))),
)
const FLOATS = Buffer.concat(Array.from({ length: 64 }, () => bytes('G', u64(0x3fd5_5555))))

/** Pickles without a class: as `pickletools.optimize` leaves them, tuples, and protocol 1. */
const PICKLES = [2, 3].flatMap((protocol) => [
  [`optimised dict, protocol ${protocol}`, bytes([0x80, protocol], '}(U\x01w](', FLOATS, 'eu.')],
  [`optimised list, protocol ${protocol}`, bytes([0x80, protocol], '](', FLOATS, 'e.')],
  [`tuple, protocol ${protocol}`, bytes([0x80, protocol], '(]q\0(', FLOATS, 'eK\x03t.')],
]) as (readonly [string, Buffer])[]

const FORMS: readonly (readonly [string, string, string, Buffer])[] = [
  ['ONNX that names no producer', 'onnx', OCTETS, bytes([8, 8], field(0x3a, GRAPH))],
  [
    'ONNX of a tool of one’s own',
    'onnx',
    OCTETS,
    bytes([8, 9], field(0x12, 'x'), field(0x3a, GRAPH)),
  ],
  [
    'a graph of TensorFlow',
    'tensorflow-graph',
    OCTETS,
    bytes(field(0x0a, CONST), Buffer.alloc(99)),
  ],
  ...PICKLES.map(([name, body]) => [name, 'pickle', OCTETS, body] as const),
  ['a dict, protocol 1', 'pickle', OCTETS, bytes('}q\0(X', u32(1), 'wq\x01]q\x02(', FLOATS, 'eu.')],
  ['MXNet', 'mxnet', OCTETS, bytes([0x12, 1], Buffer.alloc(14), u64(1), FLOATS)],
  ['LightGBM in a message', 'lightgbm', 'application/grpc', bytes('\x12\x01a', lightgbm())],
  ['XGBoost in a message', 'xgboost-json', 'application/grpc', bytes('\x12\x01a', xgboostJson())],
]

describe('a format in another form', () => {
  it.each(FORMS)('is known: %s', (_, found, type, body) => {
    for (const pieces of PIECES) expect(scan(body, type, pieces).found).toMatchObject({ found })
  })

  it('is none where only the words are the same', () => {
    const text =
      'Nodes say op_type "MatMul" or "Gemm"; a tree has \nTree=0\nnum_leaves=3\n and ends.'
    const said = bytes(field(0x0a, 'fc'), field(0x22, 'MatMul and Gemm'), field(0x0a, text))
    const ids = Buffer.concat([274, 11, 892, 0].map((id) => u64(id)))
    expect(scan(said, 'application/grpc', [64]).found).toBeUndefined()
    expect(scan(ids, OCTETS, [64]).found).toBeUndefined()
    for (const text of ['}q\0', ']q', '}', ']']) {
      expect(scan(bytes(text), OCTETS, [1]).found).toBeUndefined()
    }
  })

  it.each(['sidx', 'emsg', 'mdat', 'wide'])('is a film where a segment begins with %s', (box) => {
    expect(scan(bytes([0, 0, 0, 44], box, Buffer.alloc(900)), 'video/mp4', [64]).found).toBe(
      undefined,
    )
  })
})
