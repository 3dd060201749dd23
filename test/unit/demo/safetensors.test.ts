import { describe, expect, it } from '@jest/globals'
import {
  readSafetensors,
  SafetensorsError,
  writeSafetensors,
} from '../../../gateway/cli/demo/model/safetensors.ts'

/** Bytes of a file, put together by hand: length, header as given, payload of `floats`. */
function file(header: unknown, floats: readonly number[] = [], length?: bigint): Buffer {
  const json = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header))
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(length ?? BigInt(json.length))
  return Buffer.concat([size, json, Buffer.from(Float32Array.from(floats).buffer)])
}

const f32 = (shape: unknown, offsets: unknown) => ({ dtype: 'F32', shape, data_offsets: offsets })

describe('reading safetensors', () => {
  it('reads tensors and metadata from handmade bytes', () => {
    const header = { __metadata__: { a: 'b' }, w: f32([2, 1], [0, 8]), s: f32([], [8, 12]) }
    const { tensors, metadata } = readSafetensors(file(header, [1.5, -2, 7]))
    expect([...metadata]).toEqual([['a', 'b']])
    expect(tensors.get('w')).toEqual({ shape: [2, 1], data: Float32Array.of(1.5, -2) })
    expect(tensors.get('s')).toEqual({ shape: [], data: Float32Array.of(7) })
  })

  it('reads exactly the bytes the format prescribes', () => {
    const bytes = Buffer.concat([
      Buffer.from([0x38, 0, 0, 0, 0, 0, 0, 0]),
      Buffer.from('{"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}  '),
      Buffer.from([0, 0, 0x80, 0x3f]),
    ])
    expect(readSafetensors(bytes).tensors.get('x')?.data).toEqual(Float32Array.of(1))
  })

  it('reads empty tensors and padded headers', () => {
    const { tensors } = readSafetensors(
      file('{"x":{"dtype":"F32","shape":[0,3],"data_offsets":[0,0]}}   '),
    )
    expect(tensors.get('x')).toEqual({ shape: [0, 3], data: new Float32Array() })
  })

  it.each([
    ['fewer than eight bytes', Buffer.alloc(7), 'shorter than'],
    ['a huge header length', file('{}', [], 2n ** 63n), 'too long'],
    ['a header past the end', file('{}', [], 3n), 'reaches past the end'],
    ['an empty header', file(''), 'does not start with'],
    ['a header that starts with a space', file(' {}'), 'does not start with'],
    ['a header that is not JSON', file('{"x"'), 'not JSON'],
    ['metadata that is no object', file({ __metadata__: [] }), 'metadata'],
    ['metadata that is no text', file({ __metadata__: { a: 1 } }), 'metadata "a"'],
    ['a tensor that is no object', file({ x: null }), 'tensor "x"'],
    ['an unknown key', file({ x: { ...f32([], [0, 4]), y: 1 } }, [1]), 'unknown key "y"'],
    ['another dtype', file({ x: { ...f32([1], [0, 4]), dtype: 'F16' } }, [1]), 'dtype'],
    ['a negative size', file({ x: f32([-1], [0, 4]) }, [1]), 'shape'],
    ['a broken size', file({ x: f32([0.5], [0, 4]) }, [1]), 'shape'],
    ['a rank too high', file({ x: f32([1, 1, 1, 1, 1, 1, 1, 1, 1], [0, 4]) }, [1]), 'shape'],
    ['one offset', file({ x: f32([1], [0]) }, [1]), 'offsets'],
    ['offsets that disagree with the shape', file({ x: f32([2], [0, 4]) }, [1]), 'disagree'],
    ['offsets backwards', file({ x: f32([1], [4, 0]) }, [1]), 'disagree'],
    ['overlapping tensors', file({ x: f32([1], [0, 4]), y: f32([1], [0, 4]) }, [1]), 'overlaps'],
    ['a gap', file({ x: f32([1], [4, 8]) }, [1, 2]), 'gap'],
    ['tensors past the end', file({ x: f32([2], [0, 8]) }, [1]), 'past the end'],
    ['bytes behind the tensors', file({ x: f32([1], [0, 4]) }, [1, 2]), 'belong to no tensor'],
  ])('refuses %s', (_, bytes, message) => {
    expect(() => readSafetensors(bytes)).toThrow(SafetensorsError)
    expect(() => readSafetensors(bytes)).toThrow(message)
  })

  it('refuses bytes in the header that are not UTF-8', () => {
    const bytes = file('{"x":"?"}')
    bytes[14] = 0xff
    expect(() => readSafetensors(bytes)).toThrow('not JSON in UTF-8')
  })

  it('treats the names of object prototypes as any other name', () => {
    const bytes = file('{"__proto__":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}', [3])
    expect(readSafetensors(bytes).tensors.get('__proto__')?.data).toEqual(Float32Array.of(3))
  })
})

describe('writing safetensors', () => {
  const content = {
    tensors: new Map([
      ['first', { shape: [2, 2], data: Float32Array.of(1, 2, 3, 4) }],
      ['second', { shape: [1], data: Float32Array.of(-0.5) }],
    ]),
    metadata: new Map([['name', 'test']]),
  }

  it('writes what it reads back', () => {
    expect(readSafetensors(writeSafetensors(content))).toEqual(content)
  })

  it('pads the header with spaces so that tensors start on a multiple of eight', () => {
    const bytes = writeSafetensors({ ...content, metadata: new Map([['name', 'padded']]) })
    const length = Number(bytes.readBigUInt64LE())
    expect(length % 8).toBe(0)
    expect(bytes.subarray(8, 8 + length).toString()).toMatch(/^\{.*\} *$/)
  })

  it('refuses a shape that disagrees with its data', () => {
    const tensors = new Map([['x', { shape: [3], data: Float32Array.of(1) }]])
    expect(() => writeSafetensors({ tensors, metadata: new Map() })).toThrow('disagree')
  })
})
