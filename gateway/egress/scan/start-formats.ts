import { archive, mismatch, weights, type ScanFinding } from './finding.ts'
import type { Match } from './needle-search.ts'
import { isBarePickle, isFramedPickle, isPlainPickle } from './pickle-context.ts'

/** A format by how its files begin. */
interface StartFormat {
  readonly finding: ScanFinding
  /** Name by which it may be expected as data. */
  readonly data?: string
  readonly match: (window: Buffer) => Match
}

/** Bytes of a stream that its start is told by, at most. */
export const START_BYTES = 64

const MAGIC: readonly (readonly [format: string, magic: string])[] = [
  ['pytorch-legacy', '\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20'],
  ['xgboost-ubj', '{L\0\0\0\0\0\0\0\x07learner'],
  ['xgboost-json', '{"learner":{'],
  ['lightgbm', 'tree\nversion=v'],
  // The mark alone could be a token (274) in 64 bits; eight zeros are reserved behind it, then a count.
  ['mxnet', '\x12\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0'],
  ['fasttext', '\xba\x16\x4f\x2f'],
]

/** Printable magic: what follows must be binary, so that a text about the format is not one. */
const PRINTABLE: readonly (readonly [format: string, magic: string])[] = [
  ['ggml', 'lmgg'],
  ['ggml', 'fmgg'],
  ['ggml', 'tjgg'],
  ['ggml-lora', 'algg'],
  ['ggml-state', 'nsgg'],
  ['ggml-state', 'qsgg'],
  ['catboost', 'CBM1'],
  ['xgboost-binf', 'binf'],
  ['tensorrt', 'ftrt'],
  ['tensorrt', 'ptrt'],
]

const FLATBUFFER: readonly (readonly [format: string, id: string])[] = [
  ['tflite', 'TFL3'],
  ['onnxruntime', 'ORTM'],
  ['executorch', 'ET12'],
]

/** Packings that are not looked into. */
const PACKED: readonly (readonly [format: string, magic: string])[] = [
  ['zstd', '\x28\xb5\x2f\xfd'],
  ['lz4', '\x04\x22\x4d\x18'],
  ['lz4', '\x02\x21\x4c\x18'],
  ['xz', '\xfd7zXZ\0'],
  ['7z', '7z\xbc\xaf\x27\x1c'],
  ['rar', 'Rar!\x1a\x07'],
  ['git-pack', 'PACK\0\0\0'],
  ['lzip', 'LZIP\x01'],
  ['lzop', '\x89LZO\0\r\n\x1a\n'],
  ['lzma', '\x5d\0\0\x80\0\xff\xff\xff\xff'],
  ['snappy', '\xff\x06\0\0sNaPpY'],
]

const DATA: readonly (readonly [format: string, magic: string])[] = [
  ['hdf5', '\x89HDF\r\n\x1a\n'],
  ['parquet', 'PAR1'],
  ['parquet', 'PARE'],
  ['arrow', 'ARROW1\0\0'],
]

const FORMATS: readonly StartFormat[] = [
  { finding: weights('safetensors'), match: matchSafetensors },
  { finding: weights('gguf'), match: matchGguf },
  ...MAGIC.map(([format, magic]) => ({
    finding: weights(format),
    match: (window: Buffer) => matchText(window, magic),
  })),
  { finding: weights('pickle'), match: matchPickle },
  { finding: weights('npy'), data: 'npy', match: matchNpy },
  ...DATA.map(([format, magic]) => ({
    finding: format === 'hdf5' ? weights(format) : mismatch(format),
    data: format,
    match: (window: Buffer) => matchText(window, magic),
  })),
  ...PRINTABLE.map(([format, magic]) => ({
    finding: weights(format),
    match: (window: Buffer) => all(matchText(window, magic), () => binaryAt(window, 4)),
  })),
  ...FLATBUFFER.map(([format, id]) => ({
    finding: weights(format),
    match: (window: Buffer) => all(matchText(window, '\0\0', 2), () => matchText(window, id, 4)),
  })),
  { finding: weights('onnx'), match: matchOnnx },
  ...PACKED.map(([format, magic]) => ({
    finding: archive(format),
    match: (window: Buffer) => matchText(window, magic),
  })),
  { finding: archive('bzip2'), match: matchBzip2 },
  { finding: archive('zstd'), match: matchSkippable },
]

/** What the first bytes of a stream say: a finding, nothing, or nothing yet. */
export type Start = ScanFinding | 'none' | 'more'

/**
 * Judges the first bytes of a stream of bytes, {@link START_BYTES} at most.
 *
 * @param expects formats of data that may pass
 */
export function judgeStart(window: Buffer, expects: ReadonlySet<string>): Start {
  let isOpen = false
  for (const { finding, data, match } of FORMATS) {
    if (data !== undefined && expects.has(data)) continue
    const verdict = match(window)
    if (verdict === 'yes') return finding
    if (verdict === 'more') isOpen = true
  }
  return isOpen && window.length < START_BYTES ? 'more' : 'none'
}

function all(first: Match, second: () => Match): Match {
  return first === 'yes' ? second() : first
}

/** Whether the window has these latin-1 characters at `offset`. */
export function matchText(window: Buffer, magic: string, offset = 0): Match {
  for (let i = 0; i < magic.length; i++) {
    if (offset + i >= window.length) return 'more'
    if (window[offset + i] !== magic.charCodeAt(i)) return 'no'
  }
  return 'yes'
}

/** Whether one of the four bytes at `offset` cannot be in a text. */
function binaryAt(window: Buffer, offset: number): Match {
  if (window.length < offset + 4) return 'more'
  return window.subarray(offset, offset + 4).some((byte) => byte < 0x09) ? 'yes' : 'no'
}

/** u64 length of a JSON header, at most 100,000,000, then the header itself. */
function matchSafetensors(window: Buffer): Match {
  return all(matchText(window, '\0\0\0', 5), () => {
    const headerBytes = window.readUIntLE(0, 5)
    if (headerBytes < 2 || headerBytes > 100_000_000) return 'no'
    return all(matchText(window, '{', 8), () => {
      // Three more of text: as int64 they are beyond any vocabulary, so that tokens are no header.
      const next = window.subarray(9, 12)
      if (next.some((byte) => (byte < 0x20 && byte !== 0x0a) || byte > 0x7e)) return 'no'
      return next.length === 3 ? 'yes' : 'more'
    })
  })
}

/** `GGUF`, then a version from 1 to 255 in either byte order. */
function matchGguf(window: Buffer): Match {
  return all(matchText(window, 'GGUF'), () => {
    if (window.length < 8) return 'more'
    const little = window.readUInt32LE(4)
    const big = window.readUInt32BE(4)
    return (little > 0 && little < 256) || (big > 0 && big < 256) ? 'yes' : 'no'
  })
}

function matchPickle(window: Buffer): Match {
  const [marker, protocol = 0] = window
  if (marker !== 0x80) return marker === undefined ? 'more' : isBarePickle(window)
  if (window.length < 3) return 'more'
  if (protocol === 2 || protocol === 3) return isPlainPickle(window, 0)
  if (protocol !== 4 && protocol !== 5) return 'no'
  return window[2] === 0x95 ? isFramedPickle(window, 0) : 'no'
}

function matchNpy(window: Buffer): Match {
  return all(matchText(window, '\x93NUMPY'), () => {
    if (window.length < 8) return 'more'
    const [major = 0, minor] = window.subarray(6, 8)
    return minor === 0 && major >= 1 && major <= 3 ? 'yes' : 'no'
  })
}

/** Producers of ONNX at the start, where their names may also be beginnings (`onnx.quantize`). */
const PRODUCERS = ['pytorch', 'tf2onnx', 'skl2onnx', 'onnx', 'keras2onnx', 'paddle', 'OnnxML']

/** ModelProto: ir_version 1 to 13, then the producer's name. */
function matchOnnx(window: Buffer): Match {
  const [tag, version = 1, next = 0x12, length = 0] = window
  if (tag === undefined) return 'more'
  if (tag !== 0x08 || version < 1 || version > 13 || next !== 0x12 || length > 64) return 'no'
  if (window.length < 16) return 'more'
  const producer = window.subarray(4, 4 + length).toString('latin1')
  return PRODUCERS.some((name) => producer.startsWith(name)) ? 'yes' : 'no'
}

/** A frame that readers of zstd and LZ4 skip (RFC 8878 §3.1.2), less than 16 MiB: what follows is packed. */
function matchSkippable(window: Buffer): Match {
  const first = window[0] ?? 0x50
  if (first < 0x50 || first > 0x5f) return 'no'
  return all(matchText(window, '\x2a\x4d\x18', 1), () => matchText(window, '\0', 7))
}

/** `BZh`, a digit, then the start of a block (the digits of pi) or of the end (of its root). */
function matchBzip2(window: Buffer): Match {
  return all(matchText(window, 'BZh'), () => {
    if (window.length < 10) return 'more'
    const mark = window.subarray(4, 10).toString('hex')
    return mark === '314159265359' || mark === '177245385090' ? 'yes' : 'no'
  })
}
