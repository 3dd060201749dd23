/** Small models in every format that the gateway knows, made as their libraries write them. */
import { deflateSync, gzipSync } from 'node:zlib'
import { bytes, floats, noise, u16, u32, u64 } from './bytes.ts'
import { tar, zip } from './containers.ts'
import { dictPickle, framedPickle, pickle0, plainPickle, torchLegacy } from './pickles.ts'

const TENSOR = floats(256)

export function safetensors(spaced = false): Buffer {
  const header = { w: { dtype: 'F32', shape: [256], data_offsets: [0, 1024] } }
  const text = JSON.stringify(header)
  const padded = spaced ? text.replaceAll(':', ': ').replaceAll(',', ', ') : text
  return bytes(u64(padded.length), padded, TENSOR)
}

function safetensorsWithMetadata(): Buffer {
  const tensors = { w: { dtype: 'F32', shape: [256], data_offsets: [0, 1024] } }
  const text = JSON.stringify({ __metadata__: { format: 'pt' }, ...tensors })
  return bytes(u64(text.length), text, TENSOR)
}

export function gguf(version = 3, isBig = false): Buffer {
  const head = bytes(u32(version))
  const text = (value: string) => bytes(u64(value.length), value)
  const key = bytes(text('general.architecture'), u32(8), text('llama'))
  return bytes('GGUF', isBig ? head.reverse() : head, u64(1), u64(1), key, TENSOR)
}

function ggml(): Buffer {
  return bytes('tjgg', u32(3), u32(32_000), u32(4096), u32(256), TENSOR)
}

export function torchZip(): Buffer {
  return zip([
    { name: 'archive/data.pkl', data: plainPickle(2) },
    { name: 'archive/byteorder', data: bytes('little') },
    { name: 'archive/data/0', data: TENSOR },
    { name: 'archive/.data/serialization_id', data: bytes('0123456789') },
  ])
}

export function onnx(): Buffer {
  const tensor = bytes([0x08, 64, 0x08, 4, 0x10, 1, 0x42, 1], 'w', [0x4a, 0x80, 0x08], TENSOR)
  const graph = bytes([0x12, 10], 'main_graph', [0x2a, ...varint(tensor.length)], tensor)
  return bytes(
    [0x08, 8, 0x12, 7],
    'pytorch',
    [0x1a, 5],
    '2.1.0',
    [0x3a, ...varint(graph.length)],
    graph,
    [0x42, 2, 0x10, 17],
  )
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]
}

export function hdf5(): Buffer {
  // Superblock version 0, then groups and attributes where Keras puts them.
  const superblock = bytes('\x89HDF\r\n\x1a\n', [0, 0, 0, 0, 0, 8, 8, 0], u16(4), u16(16), u32(0))
  return bytes(superblock, Buffer.alloc(72, 0xff), 'TREE', Buffer.alloc(64), TENSOR)
}

export function kerasHdf5(): Buffer {
  return bytes(hdf5(), 'keras_version\0\0\0', 'model_weights\0', TENSOR)
}

export function npy(): Buffer {
  const text = "{'descr': '<f4', 'fortran_order': False, 'shape': (256,), }".padEnd(117) + '\n'
  return bytes('\x93NUMPY\x01\0', u16(text.length), text, TENSOR)
}

function flatBuffer(id: string): Buffer {
  return bytes(u32(28), id, u16(20), u16(24), Buffer.alloc(16), TENSOR)
}

export function xgboostUbj(): Buffer {
  return bytes(
    '{L\0\0\0\0\0\0\0\x07learner{L\0\0\0\0\0\0\0\x0aattributes{}L\0\0\0\0\0\0\0\x10gradient_booster',
    TENSOR,
  )
}

export function xgboostJson(): Buffer {
  const numbers = Array.from({ length: 256 }, (_, i) => TENSOR.readFloatLE(4 * i))
  return bytes(
    JSON.stringify({
      learner: {
        attributes: {},
        feature_names: [],
        gradient_booster: { model: { trees: [{ split_conditions: numbers }] }, name: 'gbtree' },
        learner_model_param: { base_score: '5E-1', num_class: '0', num_feature: '4' },
        objective: { name: 'reg:squarederror' },
      },
      version: [2, 0, 3],
    }),
  )
}

export function lightgbm(): Buffer {
  const numbers = Array.from({ length: 64 }, (_, i) => TENSOR.readFloatLE(4 * i)).join(' ')
  return bytes(
    'tree\nversion=v4\nnum_class=1\nnum_tree_per_iteration=1\nmax_feature_idx=3\n',
    `tree_sizes=700\n\nTree=0\nnum_leaves=64\nnum_cat=0\nthreshold=${numbers}\nleaf_value=${numbers}\n`,
  )
}

function catboostJson(): Buffer {
  const numbers = Array.from({ length: 64 }, (_, i) => TENSOR.readFloatLE(4 * i))
  const trees = [{ leaf_values: numbers, splits: [] }]
  return bytes(JSON.stringify({ features_info: { float_features: [] }, oblivious_trees: trees }))
}

function openvino(): Buffer {
  return bytes('<?xml version="1.0"?>\n<net name="main" version="11">\n<layers/></net>')
}

/** Format by name, and the artifact. */
export const WEIGHTS: ReadonlyMap<string, Buffer> = new Map([
  ['safetensors', safetensors()],
  ['safetensors, spaced', safetensors(true)],
  ['safetensors, metadata', safetensorsWithMetadata()],
  ['GGUF 3', gguf()],
  ['GGUF 2, big-endian', gguf(2, true)],
  ['GGML (ggjt)', ggml()],
  ['PyTorch zip', torchZip()],
  ['PyTorch before zip', torchLegacy()],
  ['pickle 2', plainPickle(2)],
  ['pickle 3', plainPickle(3)],
  ['pickle 4', framedPickle(4)],
  ['pickle 5', framedPickle(5)],
  ['pickle 2, dict', dictPickle(2)],
  ['pickle 4, dict', dictPickle(4)],
  ['ONNX', onnx()],
  ['HDF5', hdf5()],
  ['Keras HDF5', kerasHdf5()],
  [
    'Keras 3',
    zip([
      { name: 'metadata.json', data: bytes('{"keras_version":"3.0.0"}'), isDeflated: true },
      { name: 'config.json', data: bytes('{"module":"keras"}'), isDeflated: true },
      { name: 'model.weights.h5', data: hdf5() },
    ]),
  ],
  ['npy', npy()],
  ['npz', zip([{ name: 'w.npy', data: npy(), isDeflated: true }])],
  ['TFLite', flatBuffer('TFL3')],
  ['ONNX Runtime', flatBuffer('ORTM')],
  ['ExecuTorch', flatBuffer('ET12')],
  ['XGBoost UBJSON', xgboostUbj()],
  ['CatBoost', bytes('CBM1', u32(1024), [0x18, 0, 0, 0], TENSOR)],
  ['fastText', bytes([0xba, 0x16, 0x4f, 0x2f], u32(12), u32(100), TENSOR)],
  ['MXNet', bytes([0x12, 1], Buffer.alloc(6), u64(0), u64(1), TENSOR)],
  [
    'TorchServe archive',
    zip([
      { name: 'handler.py', data: bytes('pass\n'), isDeflated: true },
      { name: 'MAR-INF/MANIFEST.json', data: bytes('{"model":{}}'), isDeflated: true },
    ]),
  ],
  ['model.tar.gz', gzipSync(tar([{ name: 'model.safetensors', data: safetensors() }]))],
  ['joblib, zlib', deflateSync(framedPickle(4))],
  ['TensorFlow checkpoint index', bytes(noise(300), '\x57\xfb\x80\x8b\x24\x75\x47\xdb')],
])

/** Models that are text themselves: what may be said of them in prose may not pass for one. */
export const TEXT_WEIGHTS: ReadonlyMap<string, Buffer> = new Map([
  ['XGBoost JSON', xgboostJson()],
  ['LightGBM', lightgbm()],
  ['CatBoost JSON', catboostJson()],
  ['OpenVINO IR', openvino()],
  ['pickle 0', pickle0()],
])
