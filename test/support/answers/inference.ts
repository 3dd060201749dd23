/** Answers of inference servers and clouds to predict, infer, metadata and statistics. */
import { floatArray, floats, latin, le32, noise, prose, randomOf } from './bytes.ts'
import { field, int } from '../grpc-messages.ts'

const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value))

/** Open Inference Protocol, tensors as JSON. */
export function oipJson({ values = 100, seed = 1, datatype = 'FP32', text = false } = {}): Buffer {
  const data = text
    ? Array.from({ length: values }, (_, i) => prose(40, i + 1))
    : [...floatArray(values, seed)]
  const output = { name: 'output', datatype: text ? 'BYTES' : datatype, shape: [1, values], data }
  return json({ model_name: 'iris', model_version: '1', id: 'a1', outputs: [output] })
}

/** The same with tensors as bytes behind the JSON. */
export function oipBinary({
  values = 1_000,
  seed = 1,
  kind = 'fp32',
}: {
  readonly values?: number
  readonly seed?: number
  readonly kind?: string
} = {}): { readonly header: number; readonly body: Buffer } {
  const tensor = tensorOf(kind, values, seed)
  const parameters = { binary_data_size: tensor.length }
  const output = { name: 'output', datatype: kind.toUpperCase(), shape: [1, values], parameters }
  const head = json({ model_name: 'iris', model_version: '1', outputs: [output] })
  return { header: head.length, body: Buffer.concat([head, tensor]) }
}

/** The bytes of a tensor. */
export function tensorOf(kind: string, values: number, seed = 1): Buffer {
  const random = randomOf(seed)
  switch (kind) {
    case 'fp32':
      return floats(values, seed)
    case 'fp64':
      return Buffer.from(Float64Array.from(floatArray(values, seed)).buffer)
    case 'int64':
      return Buffer.from(
        BigInt64Array.from({ length: values }, (_, i) => BigInt((i * 37) % 1_000)).buffer,
      )
    case 'int32':
      return Buffer.from(
        Int32Array.from({ length: values }, () => Math.floor(random() * 32_000)).buffer,
      )
    case 'uint8':
      return noise(values, seed)
    case 'fp16':
      return Buffer.concat(
        Array.from({ length: values }, () => Buffer.of(Math.floor(random() * 256), 0x3c)),
      )
    case 'bool':
      return Buffer.from(Array.from({ length: values }, () => (random() < 0.5 ? 1 : 0)))
    case 'zeros':
      return Buffer.alloc(values * 4)
    default:
      return Buffer.concat(
        Array.from({ length: values }, (_, i) => {
          const text = latin(prose(30, i + seed))
          return Buffer.concat([le32(text.length), text])
        }),
      )
  }
}

/** A ModelInferResponse of the Open Inference Protocol over gRPC. */
export function inferResponse({ values = 100, seed = 1, kind = 'fp32', tensors = 1 } = {}): Buffer {
  const head = [field(1, 'iris'), field(2, '1'), field(3, `r-${seed}`)]
  const names = Array.from({ length: tensors }, (_, i) =>
    field(
      5,
      Buffer.concat([field(1, `output_${i}`), field(2, kind.toUpperCase()), int(3, values)]),
    ),
  )
  const raw = Array.from({ length: tensors }, (_, i) => field(6, tensorOf(kind, values, seed + i)))
  return Buffer.concat([...head, ...names, ...raw])
}

/** A PredictResponse of TensorFlow Serving. */
export function predictResponse({ values = 50, seed = 1 } = {}): Buffer {
  const tensor = Buffer.concat([
    int(1, 1),
    field(2, field(2, int(1, values))),
    field(5, floats(values, seed)),
  ])
  const spec = Buffer.concat([field(1, 'resnet'), field(2, int(1, 3)), field(3, 'serving_default')])
  return Buffer.concat([
    field(2, spec),
    field(1, Buffer.concat([field(1, 'scores'), field(2, tensor)])),
  ])
}

/** What a server says of a model. */
export function modelMetadata({ inputs = 2, server = 'triton' } = {}): Buffer {
  const tensor = (i: number) => ({ name: `input_${i}`, datatype: 'FP32', shape: [-1, 224, 224, 3] })
  const tensors = Array.from({ length: inputs }, (_, i) => tensor(i))
  const platform = server === 'triton' ? 'onnxruntime_onnx' : 'sklearn_v1'
  return json({
    name: 'iris',
    versions: ['1', '2'],
    platform,
    inputs: tensors,
    outputs: [tensor(0)],
  })
}

/** Triton: the configuration of a model, which names files. */
export function tritonConfig(): Buffer {
  return json({
    name: 'iris',
    platform: 'onnxruntime_onnx',
    backend: 'onnxruntime',
    default_model_filename: 'model.onnx',
    max_batch_size: 8,
    instance_group: [{ name: 'iris', kind: 'KIND_CPU', count: 1 }],
    parameters: { EXECUTION_ENV_PATH: { string_value: '$$TRITON_MODEL_DIRECTORY/env.tar.gz' } },
    model_warmup: [],
  })
}

/** Triton: counts and times. */
export function tritonStatistics({ models = 3 } = {}): Buffer {
  const duration = { count: 12, ns: 48_211_123_551 }
  const stats = { success: duration, fail: duration, queue: duration, compute_infer: duration }
  const one = (i: number) => ({
    name: `m${i}`,
    version: '1',
    inference_count: i,
    inference_stats: stats,
  })
  return json({ model_stats: Array.from({ length: models }, (_, i) => one(i)) })
}

/** TensorFlow Serving over REST. */
export function predictions({
  rows = 4,
  columns = 10,
  seed = 1,
  key = 'predictions',
} = {}): Buffer {
  const values = Array.from({ length: rows }, (_, i) => [...floatArray(columns, seed + i)])
  return json({ [key]: values })
}

/** TensorFlow Serving: the signatures of a model, with types of protobuf. */
export function servingMetadata(): Buffer {
  const tensor = { dtype: 'DT_FLOAT', tensor_shape: { dim: [{ size: '-1' }] }, name: 'x:0' }
  const signature = { inputs: { x: tensor }, outputs: { y: tensor }, method_name: 'predict' }
  const type = 'type.googleapis.com/tensorflow.serving.SignatureDefMap'
  const map = { '@type': type, signature_def: { serving_default: signature } }
  return json({ model_spec: { name: 'm', version: '3' }, metadata: { signature_def: map } })
}

/** TorchServe: a class map, and the description of a model, which names its archive. */
export function torchServe({ what = 'predict' } = {}): Buffer {
  if (what === 'predict') return json({ tabby: 0.91, tiger_cat: 0.05, lynx: 0.01 })
  if (what === 'list')
    return json({ nextPageToken: '2', models: [{ modelName: 'noop', modelUrl: 'noop.mar' }] })
  return json([
    {
      modelName: 'noop',
      modelVersion: '1.0',
      modelUrl: 'noop.mar',
      engine: 'Torch',
      minWorkers: 1,
    },
  ])
}

/** Answers of clouds. */
export function cloud({ of = 'vertex', rows = 5, seed = 1 } = {}): Buffer {
  const values = Array.from({ length: rows }, (_, i) => ({ scores: [...floatArray(3, seed + i)] }))
  switch (of) {
    case 'vertex':
      return json({
        predictions: values,
        deployedModelId: '123',
        model: 'projects/p/locations/l/models/m',
        modelDisplayName: 'm',
      })
    case 'gemini':
      return json({
        candidates: [{ content: { role: 'model', parts: [{ text: prose(300) }] } }],
        usageMetadata: { totalTokenCount: 9 },
      })
    case 'bedrock':
      return json({
        output: { message: { role: 'assistant', content: [{ text: prose(300) }] } },
        stopReason: 'end_turn',
      })
    case 'claude':
      return json({
        type: 'message',
        role: 'assistant',
        content: [{ type: 'text', text: prose(300) }],
        stop_reason: 'end_turn',
      })
    case 'titan-image':
      return json({ images: [noise(9_000, seed).toString('base64')], error: null })
    case 'sagemaker':
      return json([[...floatArray(rows, seed)]])
    case 'azureml':
      return json({ Inputs: [], Results: values })
    default:
      return json({ jsondata: { names: ['p'], ndarray: values }, meta: { tags: {}, routing: {} } })
  }
}
