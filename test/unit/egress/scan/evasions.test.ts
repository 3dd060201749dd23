/** Ways around the scan that need little skill, and bodies that are made to cost much. */
import { deflateSync, gzipSync } from 'node:zlib'
import { describe, expect, it } from '@jest/globals'
import { bytes, noise, u16, u32 } from '../../../support/artifacts/bytes.ts'
import { zip } from '../../../support/artifacts/containers.ts'
import { scan } from '../../../support/artifacts/found-table.ts'
import { gguf, onnx, safetensors, torchZip } from '../../../support/artifacts/weights.ts'
import { framedPickle } from '../../../support/artifacts/pickles.ts'

const OCTETS = 'application/octet-stream'
const JSON_TYPE = 'application/json'
const PNG = bytes('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', Buffer.alloc(17, 8))
const PIECES = [[1 << 20], [1], [7, 1, 60, 13]]

const MODELS = [
  ['safetensors', safetensors()],
  ['GGUF', gguf()],
  ['PyTorch', torchZip()],
  ['ONNX', onnx()],
  ['pickle', framedPickle(4)],
] as const

/** A gzip member with the flag and what it announces behind the fixed header. */
const gzipWith = (flag: number, field: Buffer) => (model: Buffer) => {
  const whole = gzipSync(model)
  whole[3] = flag
  return bytes(whole.subarray(0, 10), field, whole.subarray(10))
}
const longExtra = gzipWith(4, bytes(u16(60_000), Buffer.alloc(60_000, 1)))
const longName = gzipWith(8, bytes('n'.repeat(5_000), [0]))
/** As JSON may write a letter: every n-th. */
const escaped = (model: Buffer, every: number) =>
  Array.from(model.toString('base64'), (char, i) =>
    i % every === 0 ? `\\u00${char.charCodeAt(0).toString(16)}` : char,
  ).join('')
const inLines = (data: Buffer) => data.toString('base64').replace(/.{76}/g, '$&\n')
/** As a writer that cannot go back does it: sizes behind a member that is not packed. */
const behindUnknown = (model: Buffer) => {
  const head = bytes('PK\x03\x04', u16(20), u16(8), Buffer.alloc(18), u16(1), u16(0), 'a')
  const sizes = bytes('PK\x07\x08', u32(0), u32(100_000), u32(100_000))
  return bytes(head, noise(100_000, 9), sizes, zip([{ name: 'b', data: model, isDeflated: true }]))
}
const decoys = Buffer.concat(
  Array.from({ length: 8 }, () =>
    bytes([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3], Buffer.alloc(24, 255)),
  ),
)

/** As `json.dumps(data.decode('latin-1'))` writes it. */
const latin = (model: Buffer) =>
  Buffer.from(
    JSON.stringify({ data: model.toString('latin1') }).replace(
      /[\x7f-\xff]/g,
      (char) => `\\u00${char.charCodeAt(0).toString(16)}`,
    ),
  )

const WAYS: readonly (readonly [string, string, (model: Buffer) => Buffer])[] = [
  ['gzip with a long extra field', OCTETS, longExtra],
  ['the same behind a picture', 'image/png', (model) => bytes(PNG, longExtra(model))],
  ['gzip with a long name', OCTETS, longName],
  ['gzip behind decoys', 'image/png', (model) => bytes(PNG, decoys, gzipSync(model))],
  ['zlib of a small window', OCTETS, (model) => deflateSync(model, { windowBits: 10 })],
  ['hexadecimal behind 0x', JSON_TYPE, (model) => bytes(`{"a":"0x${model.toString('hex')}"}`)],
  [
    'hexadecimal behind a path',
    JSON_TYPE,
    (model) => bytes(`{"a":"/models/llama/blobs/main/original/file/${model.toString('hex')}"}`),
  ],
  [
    'hexadecimal behind digits that end',
    JSON_TYPE,
    (model) => bytes(`{"a":"xy${'0a'.repeat(40)}xyz${model.toString('hex')}"}`),
  ],
  ['base64 in escapes', JSON_TYPE, (model) => bytes(`{"a":"${escaped(model, 1)}"}`)],
  ['base64 with some escapes', JSON_TYPE, (model) => bytes(`{"a":"${escaped(model, 20)}"}`)],
  [
    'base64 in lines, in a text in a text',
    JSON_TYPE,
    (model) => bytes(JSON.stringify(JSON.stringify(inLines(bytes(noise(50), gzipSync(model)))))),
  ],
  [
    'base64 behind much else, one character off',
    JSON_TYPE,
    (model) => bytes(`{"a":"x${bytes(noise(9_000), model).toString('base64')}"}`),
  ],
  [
    'a string of Latin-1',
    JSON_TYPE,
    (model) => Buffer.from(JSON.stringify([model.toString('latin1')])),
  ],
  ['a string of Latin-1 in ASCII', JSON_TYPE, latin],
  [
    'before a multipart',
    'multipart/mixed',
    (model) => bytes(model, '\r\n--a\r\n\r\nx\r\n--a--\r\n'),
  ],
  ['behind a multipart', 'multipart/mixed', (model) => bytes('--a\r\n\r\nx\r\n--a--\r\n', model)],
  [
    'in fields of a part',
    'multipart/mixed',
    (model) => bytes('--a\r\nX: ', model, '\r\n\r\nx\r\n--a--'),
  ],
]

describe.each(WAYS)('%s', (_, type, dress) => {
  it.each(MODELS)('gives %s away', (_model, model) => {
    for (const pieces of PIECES) expect(scan(dress(model), type, pieces).found).toBeDefined()
  })
})

it.each(MODELS)('a member of unknown length hides no %s behind it', (_, model) => {
  for (const pieces of [[1 << 20], [511, 2]]) {
    expect(scan(behindUnknown(model), OCTETS, pieces).found).toBeDefined()
  }
})

describe('packings that are not looked into', () => {
  it.each([
    ['a skipped frame of zstd', '\x50\x2a\x4d\x18\x04\0\0\0abcd\x28\xb5\x2f\xfd'],
    ['LZ4, the old frame', '\x02\x21\x4c\x18\0\0\0\0'],
    ['lzip', 'LZIP\x01\x0c'],
    ['LZMA alone', '\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff'],
  ])('are refused: %s', (_, start) => {
    const body = bytes(start, noise(4_000))
    for (const pieces of PIECES) {
      expect(scan(body, OCTETS, pieces).found).toMatchObject({ how: 'archive' })
    }
  })

  it('are refused behind a preamble too, where their marks are long', () => {
    for (const mark of ['Rar!\x1a\x07\x01\0', '\x89LZO\0\r\n\x1a\n', '\xff\x06\0\0sNaPpY']) {
      const body = bytes(PNG, mark, noise(4_000))
      expect(scan(body, 'image/png', [64]).found).toMatchObject({ how: 'archive' })
    }
  })
})

describe('a body that is made to cost much', () => {
  const run = `"${'abcdefghijkl'.repeat(5)}",`
  const part = gzipSync(Buffer.alloc(900 * 1024))

  it.each([
    ['runs of base64, inflated', gzipSync(Buffer.alloc(6 << 20, run))],
    ['gzip in gzip', gzipSync(Buffer.concat(Array.from({ length: 60 }, () => part)))],
    ['marks of gzip', bytes(PNG, Buffer.alloc(60_000, bytes([0x1f, 0x8b, 8, 0], 'ab')))],
  ])('is refused: %s', (_, body) => {
    expect(scan(body, body[1] === 0x50 ? 'image/png' : OCTETS, [1 << 16]).found).toMatchObject({
      how: 'archive',
    })
  })

  it('is not an archive of many documents, nor a text of many digests', () => {
    const text = noise(64_000, 5).toString('hex').replace(/.{64}/g, '$& model.bin, size 12\n')
    const members = Array.from({ length: 120 }, (_, i) => ({
      name: `page-${i}.csv`,
      data: Buffer.from(text),
      isDeflated: true,
    }))
    expect(scan(zip(members), OCTETS, [1 << 16]).found).toBeUndefined()
    expect(scan(Buffer.from(text.repeat(20)), 'text/plain', [1 << 16]).found).toBeUndefined()
  })
})
