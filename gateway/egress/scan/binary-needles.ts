import { archive, weights } from './finding.ts'
import {
  compileNeedles,
  LOOK_BEHIND,
  type Match,
  type Needle,
  type NeedleTable,
} from './needle-search.ts'
import { namesWeights } from './member-names.ts'
import { isPickleImport } from './pickle-context.ts'
import { isBeforeNumberRun } from './number-runs.ts'

/** What decides which needles a binary body is searched for. */
export interface BinaryTableOptions {
  /** Whether text of people may lie in it raw (protobuf, msgpack): what a text may mention is no needle. */
  readonly hasProse: boolean
  /** Formats of data that are expected here. */
  readonly expects: ReadonlySet<string>
}

/** Bytes of each needle that are hashed. */
const WINDOW = 6

const text = (value: string): Buffer => Buffer.from(value, 'latin1')
const needle = (format: string, value: string, confirm?: Needle['confirm']): Needle => ({
  finding: weights(format),
  bytes: text(value),
  ...(confirm === undefined ? {} : { confirm }),
})
const packed = (format: string, value: string): Needle => ({
  finding: archive(format),
  bytes: text(value),
})

const GGUF = [1, 2, 3, 4, 5, 6, 7].flatMap((version) => {
  const byte = String.fromCharCode(version)
  return [needle('gguf', `GGUF${byte}\0\0\0`), needle('gguf', `GGUF\0\0\0${byte}`)]
})

const GGML = [1, 2, 3].flatMap((version) =>
  ['fmgg', 'tjgg', 'algg', 'nsgg', 'qsgg'].map((magic) =>
    needle('ggml', `${magic}${String.fromCharCode(version)}\0\0\0`),
  ),
)

/** Names that exporters to ONNX write as the producer, behind the version of the format. */
const ONNX = [
  'pytorch',
  'tf2onnx',
  'skl2onnx',
  'keras2onnx',
  'OnnxMLTools',
  'onnx.quantize',
  'onnx-example',
  'PaddlePaddle',
  'onnx-mlir',
  'onnx.compose.merge_models',
  'neural-compressor',
].map((name) => needle('onnx', `\x12${String.fromCharCode(name.length)}${name}`, isOnnxStart))

/** Operators of ONNX that compute, as the fourth field of a node: known whoever wrote the file. */
const ONNX_NODES = [
  'Gemm',
  'Conv',
  'MatMul',
  'MatMulInteger',
  'MatMulNBits',
  'Constant',
  'Identity',
  'Relu',
  'LSTM',
  'DequantizeLinear',
  'QLinearConv',
  'TreeEnsembleClassifier',
  'TreeEnsembleRegressor',
  'LinearClassifier',
  'LinearRegressor',
  'SVMClassifier',
  'SVMRegressor',
].map((name) => needle('onnx', `\x22${String.fromCharCode(name.length)}${name}`, isOnnxNode))

/** Modules that pickles of models import. */
const PICKLED = [
  'sklearn.',
  'numpy.core.multiarray',
  'numpy._core.multiarray',
  'numpy.random',
  'torch._utils',
  'torch.storage',
  'torch._tensor',
  'torch.nn.',
  'joblib.numpy_pickle',
  'cloudpickle.cloudpickle',
  'xgboost.',
  'lightgbm.',
  'catboost.',
  'tensorflow.',
  'transformers.',
  'statsmodels.',
  'scipy.sparse',
  'pandas.core',
  'mlflow.',
  'paddle.',
  'collections\n',
  '_codecs\nencode',
  'copyreg\n',
  'copy_reg\n',
].map((module) => needle('pickle', module, isPickleImport))

/** Members of zip archives by which formats are known, wherever the archive begins. */
const ZIPPED = [
  '/data.pkl',
  '/constants.pkl',
  '.data/serialization_id',
  'model.weights.h5',
  'MAR-INF/MANIFEST.json',
  'weights/weight.bin',
  '.safetensors',
  'saved_model.pb',
].map((name) => needle('zip-weights', name, isMemberName))

const BZIP2 = Array.from({ length: 9 }, (_, i) => packed('bzip2', `BZh${i + 1}1AY&SY`))

/** Reliable by themselves: 56 bits at least, or what surrounds them is checked. */
const ALWAYS: readonly Needle[] = [
  ...GGUF,
  ...GGML,
  ...ONNX,
  ...ONNX_NODES,
  ...PICKLED,
  ...ZIPPED,
  ...BZIP2,
  needle('safetensors', '":{"dtype":"', isFirstTensor),
  needle('safetensors', '": {"dtype": "', isFirstTensor),
  needle('safetensors', '":{"shape":[', isFirstTensor),
  needle('safetensors', '": {"shape": [', isFirstTensor),
  needle('safetensors', '":{"data_offsets":[', isFirstTensor),
  needle('safetensors', '{"__metadata__":', isBehindLength),
  needle('pytorch-legacy', '\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20'),
  { ...needle('xgboost-ubj', '{L\0\0\0\0\0\0\0\x07learner'), windowAt: 8 },
  needle('fasttext', '\xba\x16\x4f\x2f\x0c\0\0\0'),
  needle('tf-checkpoint', '\x57\xfb\x80\x8b\x24\x75\x47\xdb'),
  needle('tf-checkpoint', '_CHECKPOINTABLE_OBJECT_GRAPH'),
  // Of a node of a graph: the attribute that says of what type a constant or a variable is.
  needle('tensorflow-graph', '\x0a\x05dtype\x12\x020'),
  needle('xet', 'XETBLOB'),
  needle('tflite', '\0\0TFL3', isFlatBuffer),
  needle('onnxruntime', '\0\0ORTM', isFlatBuffer),
  needle('executorch', '\0\0ET12', isFlatBuffer),
  { ...needle('tar-weights', 'ustar\x0000', isTarHeader) },
  { ...needle('tar-weights', 'ustar  \0', isTarHeader) },
  packed('git-pack', 'PACK\0\0\0\x02'),
  packed('rar', 'Rar!\x1a\x07\0'),
  packed('rar', 'Rar!\x1a\x07\x01\0'),
  packed('lzop', '\x89LZO\0\r\n\x1a\n'),
  packed('snappy', '\xff\x06\0\0sNaPpY'),
  ...['\x01', '\x04', '\x0a', '\0'].map((check) => packed('xz', `\xfd7zXZ\0\0${check}`)),
  ...['\x02', '\x03', '\x04'].map((minor) => packed('7z', `7z\xbc\xaf\x27\x1c\0${minor}`)),
]

/** Formats that data comes in as well. */
const ALSO_DATA: readonly Needle[] = [
  needle('npy', '\x93NUMPY\x01\0'),
  needle('npy', '\x93NUMPY\x02\0'),
  needle('npy', '\x93NUMPY\x03\0'),
  needle('hdf5', '\x89HDF\r\n\x1a\n'),
]

/** What a text could say as well: only where the body cannot be one. */
const WORDS: readonly Needle[] = [
  needle('safetensors', '"data_offsets":[', hasDtype),
  needle('safetensors', '"data_offsets": [', hasDtype),
  needle('lightgbm', 'tree\nversion=v'),
  needle('xgboost-json', '{"learner":{"'),
  needle('xgboost-json', '"learner_model_param":{'),
  needle('catboost-json', '"oblivious_trees":[{'),
]

/** Text of models within messages: where a text could mention it, numbers have to follow. */
const IN_PROSE: readonly Needle[] = [
  needle('lightgbm', '\nTree=0\nnum_leaves=', isBeforeNumberRun),
  needle('xgboost-json', '"split_conditions":[', isBeforeNumberRun),
  needle('xgboost-json', '"split_conditions": [', isBeforeNumberRun),
  needle('catboost-json', '"oblivious_trees":[{', isBeforeNumberRun),
]

/** In HDF5 that is expected as data: attributes that only models have. */
const KERAS: readonly Needle[] = [
  needle('keras-h5', 'keras_version'),
  needle('keras-h5', 'model_weights'),
  needle('keras-h5', 'weight_names'),
]

const tables: (NeedleTable | undefined)[] = []

/** The needles of a binary body; compiled once for each combination. */
export function binaryNeedles({ hasProse, expects }: BinaryTableOptions): NeedleTable {
  const [npy, hdf5] = [expects.has('npy'), expects.has('hdf5')]
  const key = (hasProse ? 4 : 0) + (npy ? 2 : 0) + (hdf5 ? 1 : 0)
  const known = tables[key]
  if (known !== undefined) return known
  const data = ALSO_DATA.filter(({ finding }) => !expects.has(finding.found))
  const own = [...ALWAYS, ...data, ...(hasProse ? IN_PROSE : WORDS), ...(hdf5 ? KERAS : [])]
  const table = compileNeedles(own, WINDOW)
  tables[key] = table
  return table
}

/** The identifier of a FlatBuffer, behind a root offset from 8 to 255. */
function isFlatBuffer(data: Buffer, at: number): Match {
  return at >= 2 && data[at - 1] === 0 && (data[at - 2] ?? 0) >= 8 ? 'yes' : 'no'
}

/** The version of the format comes before the producer. */
function isOnnxStart(data: Buffer, at: number): Match {
  const version = data[at - 1] ?? 0
  return data[at - 2] === 0x08 && version >= 1 && version <= 13 ? 'yes' : 'no'
}

/** Longest name of an output or a node that is looked over; its length is one byte. */
const NODE_NAME_MAX = 127

/** Behind the last output of a node, or its name; attributes, a domain or what comes next follow. */
function isOnnxNode(data: Buffer, at: number): Match {
  const end = at + 2 + (data[at + 1] ?? 0)
  if (end >= data.length) return 'more'
  if (!BEHIND_OPERATOR.has(data[end] ?? 0)) return 'no'
  for (let length = 1; length <= NODE_NAME_MAX && at - length - 2 >= 0; length++) {
    if ((data[at - length] ?? 0) < 0x20) return 'no'
    const tag = data[at - length - 2]
    if (data[at - length - 1] === length && (tag === 0x12 || tag === 0x1a)) return 'yes'
  }
  return 'no'
}

/** Tags of the next node or the name of the graph, of attributes, a description, a domain. */
const BEHIND_OPERATOR: ReadonlySet<number> = new Set([0x0a, 0x12, 0x2a, 0x32, 0x3a])

/** Behind the length of a safetensors header, whose upper bytes are zero. */
function isBehindLength(data: Buffer, at: number): Match {
  return data[at - 1] === 0 && data[at - 2] === 0 && data[at - 3] === 0 ? 'yes' : 'no'
}

/** Longest name of a tensor that is looked over. */
const TENSOR_NAME_MAX = 512

/** Whether the member whose name ends here is the first of an object behind a header length. */
function isFirstTensor(data: Buffer, at: number): Match {
  for (let i = at - 1; i > 3 && i > at - TENSOR_NAME_MAX; i--) {
    if (data[i] === 0x22) return data[i - 1] === 0x7b ? isBehindLength(data, i - 1) : 'no'
    if ((data[i] ?? 0) < 0x20) return 'no'
  }
  return 'no'
}

function hasDtype(data: Buffer, at: number): Match {
  const around = data.subarray(Math.max(0, at - 300), at + 300)
  if (around.includes('"dtype"')) return 'yes'
  return data.length < at + 300 ? 'more' : 'no'
}

/** Whether the needle lies in the name of a member, in a local header or in the directory. */
function isMemberName(data: Buffer, at: number): Match {
  return isNameIn(data, at, LOCAL) || isNameIn(data, at, CENTRAL) ? 'yes' : 'no'
}

const LOCAL = { magic: text('PK\x03\x04'), bytes: 30, lengthAt: 26 }
const CENTRAL = { magic: text('PK\x01\x02'), bytes: 46, lengthAt: 28 }

function isNameIn(data: Buffer, at: number, header: typeof LOCAL): boolean {
  // No further back than what is kept of earlier pieces: else many names would each search them all.
  const first = Math.max(0, at - LOOK_BEHIND)
  const start = first + data.subarray(first, at).lastIndexOf(header.magic)
  if (start < first || start + header.bytes > at) return false
  const end = start + header.bytes + data.readUInt16LE(start + header.lengthAt)
  return at < end
}

/** The header of a tar member whose name is one of weights: the name is 257 bytes before the mark. */
function isTarHeader(data: Buffer, at: number): Match {
  if (at < 257) return 'no'
  const field = data.subarray(at - 257, at - 157)
  const end = field.indexOf(0)
  return namesWeights(field.subarray(0, end < 0 ? 100 : end).toString('latin1')) ? 'yes' : 'no'
}
