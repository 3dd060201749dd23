/**
 * How the bytes of model weights begin. Only signatures that are reliable by themselves are here;
 * formats without one (raw tensors, compressed archives, TensorRT plans) are stopped by route and
 * media type instead. Each matcher is total, bounded by the window it is given, and also says when
 * it has seen too little.
 */

/** Whether the window begins a file of the format; `more` when it is too short to tell. */
export type Match = 'yes' | 'no' | 'more'

/** One format. */
export interface WeightSignature {
  /** Stable name, for records and metrics. */
  readonly format: string
  /** Also used for data that is not weights: not applied where a route declares a binary answer. */
  readonly isAlsoData: boolean
  /** The first byte, where the format fixes it: most answers are ruled out by it alone. */
  readonly firstByte: number | undefined
  match(window: Buffer): Match
}

/** Bytes of an answer that are looked at, from its first. */
export const WINDOW_BYTES = 4096

const MAGIC: readonly (readonly [format: string, bytes: readonly number[]])[] = [
  ['pytorch-legacy', [0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20]],
  ['xgboost-ubj', [0x7b, 0x4c, 0, 0, 0, 0, 0, 0, 0, 7, ...ascii('learner')]],
  ['xgboost-json', ascii('{"learner":{')],
  ['lightgbm', ascii('tree\nversion=v')],
]

/** Printable magic: what follows must be binary, so that a text about the format is not one. */
const PRINTABLE_MAGIC: readonly (readonly [format: string, text: string])[] = [
  ['ggml', 'lmgg'],
  ['ggml', 'fmgg'],
  ['ggml', 'tjgg'],
  ['ggml-lora', 'algg'],
  ['ggml-state', 'nsgg'],
  ['ggml-state', 'qsgg'],
  ['catboost', 'CBM1'],
]

const HDF5: readonly number[] = [0x89, 0x48, 0x44, 0x46, 0x0d, 0x0a, 0x1a, 0x0a]

/** FlatBuffers file identifiers, at offset 4 behind a small root offset. */
const FLATBUFFER: readonly (readonly [format: string, id: string])[] = [
  ['tflite', 'TFL3'],
  ['onnxruntime', 'ORTM'],
  ['executorch', 'ET12'],
]

/** Members by which a zip archive is known to hold weights. */
const ZIP_MEMBERS: readonly Buffer[] = [
  '/data.pkl',
  '/constants.pkl',
  '/.data/serialization_id',
  'model.weights.h5',
  'MAR-INF/MANIFEST.json',
].map((name) => Buffer.from(name))

/** Producers that exporters to ONNX write at the start of a model. */
const ONNX_PRODUCERS = ['pytorch', 'tf2onnx', 'skl2onnx', 'onnx', 'keras2onnx', 'paddle', 'OnnxML']

/** The table, in the order of likelihood. */
export const WEIGHT_SIGNATURES: readonly WeightSignature[] = [
  weights('safetensors', undefined, matchSafetensors),
  weights('gguf', 0x47, matchGguf),
  weights('zip-weights', 0x50, matchZip),
  ...MAGIC.map(([format, bytes]) => weights(format, bytes[0], (w) => matchBytes(w, bytes))),
  weights('pickle', 0x80, matchPickle),
  { ...weights('npy', 0x93, matchNpy), isAlsoData: true },
  { ...weights('hdf5', 0x89, (w) => matchBytes(w, HDF5)), isAlsoData: true },
  ...PRINTABLE_MAGIC.map(([format, text]) => printable(format, ascii(text))),
  ...FLATBUFFER.map(([format, id]) => flatBuffer(format, ascii(id))),
  weights('onnx', 0x08, matchOnnx),
]

const BY_FIRST_BYTE: readonly (readonly WeightSignature[])[] = Array.from({ length: 256 }, (_, i) =>
  WEIGHT_SIGNATURES.filter(({ firstByte }) => firstByte === undefined || firstByte === i),
)

/** The signatures that an answer with this first byte can still match. */
export function signaturesFor(firstByte: number): readonly WeightSignature[] {
  return BY_FIRST_BYTE[firstByte] ?? WEIGHT_SIGNATURES
}

function weights(
  format: string,
  firstByte: number | undefined,
  match: WeightSignature['match'],
): WeightSignature {
  return { format, isAlsoData: false, firstByte, match }
}

function printable(format: string, bytes: readonly number[]): WeightSignature {
  return weights(format, bytes[0], (window) =>
    all(matchBytes(window, bytes), () => binaryAt(window, 4)),
  )
}

function flatBuffer(format: string, id: readonly number[]): WeightSignature {
  return weights(format, undefined, (window) =>
    all(matchBytes(window, [0, 0], 2), () => matchBytes(window, id, 4)),
  )
}

function ascii(text: string): number[] {
  return [...Buffer.from(text, 'latin1')]
}

function all(first: Match, second: () => Match): Match {
  return first === 'yes' ? second() : first
}

function matchBytes(window: Buffer, bytes: readonly number[], offset = 0): Match {
  for (let i = 0; i < bytes.length; i++) {
    if (offset + i >= window.length) return 'more'
    if (window[offset + i] !== bytes[i]) return 'no'
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
  return all(matchBytes(window, [0, 0, 0], 5), () => {
    const headerBytes = window.readUIntLE(0, 5)
    if (headerBytes < 2 || headerBytes > 100_000_000) return 'no'
    return matchBytes(window, ascii('{'), 8)
  })
}

/** `GGUF`, then a version from 1 to 255 in either byte order. */
function matchGguf(window: Buffer): Match {
  return all(matchBytes(window, ascii('GGUF')), () => {
    if (window.length < 8) return 'more'
    const little = window.readUInt32LE(4)
    const big = window.readUInt32BE(4)
    return (little > 0 && little < 256) || (big > 0 && big < 256) ? 'yes' : 'no'
  })
}

function matchZip(window: Buffer): Match {
  return all(matchBytes(window, [0x50, 0x4b, 0x03, 0x04]), () => {
    if (ZIP_MEMBERS.some((member) => window.includes(member))) return 'yes'
    return window.length < WINDOW_BYTES ? 'more' : 'no'
  })
}

/** Protocol 4 or 5 with a first frame under 1 TiB; lower protocols have no reliable start. */
function matchPickle(window: Buffer): Match {
  const protocol = window[1] === 5 ? 5 : 4
  return all(matchBytes(window, [0x80, protocol, 0x95]), () => matchBytes(window, [0, 0, 0], 8))
}

function matchNpy(window: Buffer): Match {
  return all(matchBytes(window, [0x93, ...ascii('NUMPY')]), () => {
    if (window.length < 8) return 'more'
    const [major, minor] = window.subarray(6, 8)
    return minor === 0 && major !== undefined && major >= 1 && major <= 3 ? 'yes' : 'no'
  })
}

/** ModelProto: ir_version 1 to 13, then the producer's name. */
function matchOnnx(window: Buffer): Match {
  const start = matchBytes(window, [0x08])
  if (start !== 'yes') return start
  if (window.length < 16) return 'more'
  const [, version = 0, tag, length = 0] = window
  if (version < 1 || version > 13 || tag !== 0x12 || length > 64) return 'no'
  const producer = window.subarray(4, 4 + length).toString('latin1')
  return ONNX_PRODUCERS.some((name) => producer.startsWith(name)) ? 'yes' : 'no'
}
