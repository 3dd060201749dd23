/** Ends of file names that are those of weights, whatever is in the file. */
const EXTENSIONS: readonly string[] = [
  '.safetensors',
  '.gguf',
  '.ggml',
  '.pt',
  '.pth',
  '.ckpt',
  '.pkl',
  '.pickle',
  '.joblib',
  '.dill',
  '.onnx',
  '.onnx_data',
  '.ort',
  '.keras',
  '.weights.h5',
  '.tflite',
  '.pte',
  '.engine',
  '.plan',
  '.mlmodel',
  '.cbm',
  '.ubj',
  '.lgb',
  '.nemo',
  '.pdparams',
  '.pdiparams',
  '.params',
  '.msgpack',
  '.skops',
  '/data.pkl',
  'pytorch_model.bin',
  'saved_model.pb',
  'variables.index',
  'mar-inf/manifest.json',
  '.data/serialization_id',
  'weights/weight.bin',
  'xgboost-model',
]

/** Beginnings of the last part of a name: shards (`variables.data-00000-of-00001`), exports. */
const PREFIXES: readonly string[] = [
  'variables.data-',
  'pytorch_model-',
  'ggml-model',
  'openvino_model.bin',
  'adapter_model.bin',
]

/** Whether a file of this name (of an archive, of a part) is one of weights. */
export function namesWeights(name: string): boolean {
  const lower = name.toLowerCase().replaceAll('\\', '/')
  if (EXTENSIONS.some((extension) => lower.endsWith(extension))) return true
  const last = lower.slice(lower.lastIndexOf('/') + 1)
  return PREFIXES.some((prefix) => last.startsWith(prefix))
}
