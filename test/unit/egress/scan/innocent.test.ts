import { describe, expect, it } from '@jest/globals'
import { deflateSync, gzipSync } from 'node:zlib'
import { createBodyScanner } from '../../../../gateway/egress/scan/body-scanner.ts'
import { bytes, floats, noise, u32, u64 } from '../../../support/artifacts/bytes.ts'
import { multipart, zip } from '../../../support/artifacts/containers.ts'
import { scan } from '../../../support/artifacts/found-table.ts'
import { gguf, hdf5, kerasHdf5, npy, safetensors } from '../../../support/artifacts/weights.ts'

const PNG = bytes(
  '\x89PNG\r\n\x1a\n',
  [0, 0, 0, 13],
  'IHDR',
  Buffer.alloc(17),
  deflateSync(noise(4000)),
)
const FACTS = `A safetensors file begins with a u64, then {"__metadata__":{},"w":{"dtype":"F32",
"shape":[1],"data_offsets":[0,4]}}. GGUF files begin with GGUF and a version. XGBoost writes
{"learner":{"learner_model_param":{...}}}, LightGBM "tree\nversion=v4\n\nTree=0\nnum_leaves=3", zip
files of PyTorch have archive/data.pkl, pickles import sklearn.linear_model; ONNX says pytorch. TFL3.`

/** What answers carry that is no model. */
const INNOCENT: readonly (readonly [string, string, Buffer])[] = [
  ['an assistant that explains', 'application/json', Buffer.from(JSON.stringify({ text: FACTS }))],
  ['the same as an event', 'text/event-stream', Buffer.from(`data: ${JSON.stringify(FACTS)}\n\n`)],
  ['the same in protobuf', 'application/x-protobuf', bytes([10, 200, 4], FACTS)],
  ['a picture', 'image/png', PNG],
  ['a picture in JSON', 'application/json', bytes(`{"b64_json":"${PNG.toString('base64')}"}`)],
  ['embeddings', 'application/json', bytes(`{"embedding":"${floats(3072).toString('base64')}"}`)],
  [
    'digests',
    'application/json',
    bytes(`["${noise(32).toString('hex')}","${noise(64).toString('hex')}"]`),
  ],
  ['tensors', 'application/octet-stream', bytes('{"outputs":[{"name":"y"}]}', floats(4096))],
  [
    'tokens as int64',
    'application/octet-stream',
    bytes(...[5, 123, 8827, 34].map((one) => u64(one))),
  ],
  ['a sound', 'audio/wav', bytes('RIFF', u32(1000), 'WAVEfmt ', noise(5000))],
  ['Parquet', 'application/vnd.apache.parquet', bytes('PAR1', noise(5000), 'PAR1')],
  ['Arrow', 'application/vnd.apache.arrow.stream', bytes('\xff\xff\xff\xff', noise(5000))],
  [
    'a document',
    'application/zip',
    zip([{ name: 'a.xml', data: bytes('<a/>'), isDeflated: true }]),
  ],
  [
    'JSON in gzip',
    'application/gzip',
    gzipSync(JSON.stringify({ text: FACTS.replaceAll('\n', ' ') }).slice(0, 40)),
  ],
  ['parts', 'multipart/mixed', multipart(bytes('{"a":1}'), 'application/json')],
  ['npy that is declared', 'application/x-npy', npy()],
  ['HDF5 that is declared', 'application/x-hdf5', hdf5()],
  ['nothing', 'application/octet-stream', Buffer.alloc(0)],
  ['zeros', 'application/octet-stream', Buffer.alloc(10_000)],
]

describe('what is no model', () => {
  it.each(INNOCENT)('passes whole: %s', (_, type, body) => {
    for (const pieces of [[body.length || 1], [1], [100, 3]]) {
      expect(scan(body, type, pieces)).toEqual({ found: undefined, passedBytes: body.length })
    }
  })
})

describe('createBodyScanner', () => {
  const found = (type: string, body: Buffer) => scan(body, type, [body.length]).found

  it('says what text and pictures are not', () => {
    expect(found('text/plain', Buffer.from([0x61, 0xff]))).toEqual({
      found: 'text',
      how: 'type-mismatch',
    })
    expect(found('application/json', Buffer.from('{}\0'))).toMatchObject({ how: 'type-mismatch' })
    expect(found('image/png', Buffer.from('<html>'))).toMatchObject({ found: 'image/png' })
    expect(found('image/png', PNG.subarray(0, 5))).toMatchObject({ how: 'type-mismatch' })
  })

  it('names weights that come as text', () => {
    expect(found('text/plain', safetensors())).toEqual({ found: 'safetensors', how: 'weights' })
  })

  it('takes other charsets for text as long as they have no control characters', () => {
    const scanner = () =>
      createBodyScanner({ type: 'text/html', mayHold: true, charset: 'iso-8859-1' })
    expect(scanner().push(Buffer.from([0xe9, 0x20, 0x0a]))).toBeUndefined()
    expect(scanner().push(Buffer.from([0xe9, 0x02]))).toMatchObject({ how: 'type-mismatch' })
  })

  it('refuses what it cannot look into', () => {
    const octets = 'application/octet-stream'
    expect(found(octets, bytes('\x28\xb5\x2f\xfd', noise(80)))).toEqual({
      found: 'zstd',
      how: 'archive',
    })
    expect(found(octets, bytes('\xfd7zXZ\0\0\x04', noise(80)))).toMatchObject({ how: 'archive' })
    const secret = zip([{ name: 'a', data: noise(80), isEncrypted: true }])
    expect(found(octets, secret)).toEqual({ found: 'zip-encrypted', how: 'archive' })
    const bomb = gzipSync(Buffer.alloc(8 * 1024 * 1024))
    expect(found(octets, bomb)).toEqual({ found: 'gzip', how: 'archive' })
    let nested = noise(80)
    for (let depth = 0; depth < 5; depth++) nested = gzipSync(nested)
    expect(found(octets, nested)).toEqual({ found: 'nested', how: 'archive' })
  })

  it('finds a model in HDF5 that is expected as data', () => {
    expect(found('application/x-hdf5', kerasHdf5())).toEqual({ found: 'keras-h5', how: 'weights' })
  })

  it('lets pass what is expected, and nothing else', () => {
    const expects = new Set(['npy'])
    const octets = { type: 'application/octet-stream', mayHold: true, expects }
    expect(createBodyScanner(octets).push(npy())).toBeUndefined()
    expect(createBodyScanner(octets).push(hdf5())).toMatchObject({ found: 'hdf5' })
  })

  it('holds 64 bytes at most, of bytes alone, and none where it may not', () => {
    const start = Buffer.from([0x80])
    expect(createBodyScanner({ type: 'application/octet-stream', mayHold: true }).push(start)).toBe(
      'hold',
    )
    expect(
      createBodyScanner({ type: 'application/octet-stream', mayHold: false }).push(start),
    ).toBeUndefined()
    expect(
      createBodyScanner({ type: 'application/json', mayHold: true }).push(Buffer.from('{')),
    ).toBeUndefined()
    const model = createBodyScanner({ type: 'image/png', mayHold: true })
    const verdicts = [...gguf()].map((byte) => model.push(Buffer.from([byte])))
    expect(verdicts.indexOf(undefined)).toBe(-1)
  })

  it('stays with what it found', () => {
    const scanner = createBodyScanner({ type: 'text/plain', mayHold: true })
    const first = scanner.push(gguf())
    expect(scanner.push(Buffer.from('more'))).toBe(first)
    expect(scanner.end()).toBe(first)
  })
})
