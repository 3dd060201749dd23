import { describe, expect, it } from '@jest/globals'
import {
  signaturesFor,
  WEIGHT_SIGNATURES,
  WINDOW_BYTES,
} from '../../../gateway/egress/weight-signatures.ts'

const u64 = (value: number) => {
  const bytes = Buffer.alloc(8)
  bytes.writeUInt32LE(value)
  return bytes
}

const bytes = (...parts: (string | number[] | Buffer)[]) =>
  Buffer.concat(
    parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part))),
  )

const zip = (name: string) =>
  bytes([0x50, 0x4b, 3, 4], Buffer.alloc(22), [name.length, 0, 0, 0], name, Buffer.alloc(32))

const torchLegacy = '80028a0a6cfc9c46f9206aa850192e80024de9032e'

const SAMPLES: readonly (readonly [string, Buffer])[] = [
  ['safetensors', bytes(u64(120), '{"__metadata__":{}')],
  ['gguf', bytes('GGUF', [3, 0, 0, 0], u64(291), u64(30))],
  ['gguf', bytes('GGUF', [0, 0, 0, 3], u64(291), u64(30))],
  ['ggml', bytes('tjgg', [3, 0, 0, 0, 0, 125, 0, 0])],
  ['zip-weights', zip('archive/data.pkl')],
  ['zip-weights', zip('a-model-with-quite-a-long-name-of-its-own/data.pkl')],
  ['pytorch-legacy', Buffer.from(torchLegacy, 'hex')],
  ['pickle', bytes([0x80, 4, 0x95], u64(1_000), '\x8c')],
  ['pickle', bytes([0x80, 5, 0x95], u64(1_000), '\x8c')],
  ['npy', bytes([0x93], 'NUMPY', [1, 0, 0x76, 0], "{'descr'")],
  ['hdf5', bytes([0x89], 'HDF\r\n', [0x1a, 0x0a], Buffer.alloc(8))],
  ['tflite', bytes([0x1c, 0, 0, 0], 'TFL3')],
  ['onnxruntime', bytes([0x24, 0, 0, 0], 'ORTM')],
  ['executorch', bytes([0x24, 0, 0, 0], 'ET12')],
  ['catboost', bytes('CBM1', [0x60, 2, 0, 0])],
  ['xgboost-ubj', bytes([0x7b, 0x4c, 0, 0, 0, 0, 0, 0, 0, 7], 'learner')],
  ['xgboost-json', bytes('{"learner":{"attributes":{}')],
  ['lightgbm', bytes('tree\nversion=v4\nnum_class=1')],
  ['onnx', bytes([8, 7, 0x12, 7], 'pytorch', [0x1a, 3], '2.1', Buffer.alloc(4))],
]

/** What real answers begin with; none of it is weights. */
const ANSWERS: readonly (readonly [string, Buffer])[] = [
  ['a completion', bytes('{"id":"cmpl-1","object":"text_completion"}')],
  ['a prediction', bytes('{"predictions":[0.1,0.9]}')],
  ['an event stream', bytes('data: {"choices":[]}\n\n')],
  ['a text about GGUF', bytes('GGUF is a format for models.')],
  ['a text about TFLite', bytes('The TFL3 identifier comes after the root offset.')],
  ['a text about CatBoost', bytes('CBM1 files hold CatBoost models.')],
  ['a text about trees', bytes('tree\nversions of it')],
  ['a PNG', bytes([0x89], 'PNG\r\n', [0x1a, 0x0a], Buffer.alloc(WINDOW_BYTES))],
  ['a WAV', bytes('RIFF', [0x24, 8, 0, 0], 'WAVEfmt ', Buffer.alloc(WINDOW_BYTES))],
  ['a document in a zip', bytes(zip('word/document.xml'), Buffer.alloc(WINDOW_BYTES))],
  ['an Arrow stream', bytes([255, 255, 255, 255, 0x10, 1, 0, 0], Buffer.alloc(WINDOW_BYTES))],
  ['a Parquet file', bytes('PAR1', [0x15, 4, 0x15, 0x20], Buffer.alloc(WINDOW_BYTES))],
  ['another protobuf', bytes([8, 1, 0x12, 5], 'hello', Buffer.alloc(WINDOW_BYTES))],
  ['zeros', Buffer.alloc(WINDOW_BYTES)],
]

const found = (window: Buffer) =>
  signaturesFor(window[0] ?? 0)
    .filter((signature) => signature.match(window) === 'yes')
    .map((signature) => signature.format)

describe('WEIGHT_SIGNATURES', () => {
  it.each(SAMPLES)('knows %s (%#)', (format, sample) => {
    expect(found(sample)).toContain(format)
  })

  it.each(SAMPLES)('does not rule %s out before it has seen enough (%#)', (format, sample) => {
    for (let length = 0; length < sample.length; length++) {
      const matches = WEIGHT_SIGNATURES.filter((signature) => signature.format === format).map(
        (signature) => signature.match(sample.subarray(0, length)),
      )
      expect(matches.some((match) => match !== 'no')).toBe(true)
    }
  })

  it.each(ANSWERS)('lets %s pass', (_, answer) => {
    expect(found(answer)).toEqual([])
  })
})
