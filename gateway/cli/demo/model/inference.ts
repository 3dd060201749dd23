/**
 * The inference request and response of the Open Inference Protocol v2: tensors as JSON, or as raw
 * bytes behind the JSON (the binary tensor data extension, which tritonclient uses by default).
 */
import type { Classifier, Prediction } from './classifier.ts'
import { HttpError } from './http-error.ts'

/** Most flowers in one request. */
export const ROWS_MAX = 4096

/** Names of the tensors, as the model's metadata tells them. */
export const TENSORS = {
  input: 'features',
  probabilities: 'probabilities',
  label: 'label',
} as const

type Json = Readonly<Record<string, unknown>>
type OutputName = 'probabilities' | 'label'

/** A request that has been checked. */
export interface InferenceRequest {
  readonly id?: string
  /** Parameters of the request: scalars by name. */
  readonly parameters: Readonly<Record<string, string | number | boolean>>
  readonly rows: readonly (readonly number[])[]
  readonly outputs: readonly { readonly name: OutputName; readonly binary: boolean }[]
}

/** Tensor in a response; `bytes` when its data goes behind the JSON. */
interface OutputTensor {
  readonly name: OutputName
  readonly datatype: 'FP32' | 'BYTES'
  readonly shape: readonly number[]
  readonly data: readonly (number | string)[]
  readonly bytes?: Buffer
}

/**
 * Reads an inference request for a model of `features` inputs. `jsonBytes` is the value of
 * `Inference-Header-Content-Length`: how much of the body is JSON; without it, all of it is.
 * @throws HttpError 400 that says what is wrong.
 */
export function parseInference(
  body: Buffer,
  jsonBytes: number | undefined,
  features: number,
): InferenceRequest {
  const json = parseJson(body.subarray(0, jsonBytes))
  const parameters = scalars(json['parameters'])
  const id = json['id']
  if (id !== undefined && typeof id !== 'string') throw bad('"id" is not a string')
  return {
    ...(id === undefined ? {} : { id }),
    parameters,
    rows: parseInput(json['inputs'], body.subarray(jsonBytes ?? body.length), features),
    outputs: parseOutputs(json['outputs'], parameters['binary_data_output'] === true),
  }
}

/** Parses a body that must be one JSON object. @throws HttpError 400 */
export function parseJson(body: Buffer): Json {
  let json: unknown
  try {
    json = JSON.parse(body.toString('utf8'))
  } catch {
    throw bad('the body is not JSON')
  }
  return asObject(json, 'the body')
}

/** The response to `request`: JSON, and the raw bytes that follow it, if any were asked for. */
export function inferenceResponse(
  model: Classifier,
  request: InferenceRequest,
  predictions: readonly Prediction[],
): { json: Json; binary: Buffer } {
  const tensors = request.outputs.map(({ name, binary }) => output(name, binary, predictions))
  const json = {
    model_name: model.name,
    model_version: model.version,
    ...(request.id === undefined ? {} : { id: request.id }),
    ...(Object.keys(request.parameters).length === 0 ? {} : { parameters: request.parameters }),
    outputs: tensors.map(({ bytes, data, ...tensor }) =>
      bytes ? { ...tensor, parameters: { binary_data_size: bytes.length } } : { ...tensor, data },
    ),
  }
  return { json, binary: Buffer.concat(tensors.flatMap(({ bytes }) => bytes ?? [])) }
}

function parseInput(inputs: unknown, binary: Buffer, features: number): number[][] {
  if (!Array.isArray(inputs) || inputs.length !== 1) throw bad('"inputs" must hold one tensor')
  const input = asObject(inputs[0], 'the input')
  if (input['name'] !== TENSORS.input) throw bad(`the input must be named "${TENSORS.input}"`)
  if (input['datatype'] !== 'FP32') throw bad('the datatype of the input must be FP32')
  const rows = parseShape(input['shape'], features)
  const binaryBytes = scalars(input['parameters'])['binary_data_size']
  const data =
    binaryBytes === undefined ? flatten(input['data']) : readFloats(binary, Number(binaryBytes))
  if (data.length !== rows * features) {
    throw bad(`the shape asks for ${rows * features} numbers and the data has ${data.length}`)
  }
  return Array.from({ length: rows }, (_, i) => data.slice(i * features, (i + 1) * features))
}

function parseShape(shape: unknown, features: number): number {
  const [rows, columns] = Array.isArray(shape) && shape.length === 2 ? (shape as unknown[]) : []
  if (columns !== features || typeof rows !== 'number' || !Number.isInteger(rows)) {
    throw bad(`the shape of the input must be [n, ${features}]`)
  }
  if (rows < 1 || rows > ROWS_MAX) throw bad(`the input must have 1 to ${ROWS_MAX} rows`)
  return rows
}

/** Data may come flat or one array per row. */
function flatten(data: unknown): number[] {
  if (!Array.isArray(data)) throw bad('the input has no "data"')
  const flat: unknown[] = data.flat()
  if (!flat.every((value) => typeof value === 'number' && Number.isFinite(value))) {
    throw bad('the data of the input must be numbers, flat or one array per row')
  }
  return flat as number[]
}

function readFloats(binary: Buffer, size: number): number[] {
  if (size !== binary.length || size % 4 !== 0) {
    throw bad('"binary_data_size" is not the number of bytes behind the JSON')
  }
  const data = Array.from({ length: size / 4 }, (_, i) => binary.readFloatLE(i * 4))
  if (!data.every(Number.isFinite)) throw bad('the data of the input must be finite numbers')
  return data
}

function parseOutputs(outputs: unknown, binary: boolean): InferenceRequest['outputs'] {
  if (outputs === undefined) {
    return [
      { name: TENSORS.probabilities, binary },
      { name: TENSORS.label, binary },
    ]
  }
  if (!Array.isArray(outputs) || outputs.length > 2) throw bad('"outputs" must hold 0 to 2 tensors')
  return outputs.map((value: unknown) => {
    const { name, parameters } = asObject(value, 'an output')
    if (name !== TENSORS.probabilities && name !== TENSORS.label) {
      throw bad(`the outputs are "${TENSORS.probabilities}" and "${TENSORS.label}"`)
    }
    return { name, binary: (scalars(parameters)['binary_data'] ?? binary) === true }
  })
}

function output(
  name: OutputName,
  binary: boolean,
  predictions: readonly Prediction[],
): OutputTensor {
  const count = predictions.length
  if (name === 'label') {
    const data = predictions.map(({ label }) => label)
    const tensor = { name, datatype: 'BYTES', shape: [count], data } as const
    return binary ? { ...tensor, bytes: Buffer.concat(data.map(lengthPrefixed)) } : tensor
  }
  const data = predictions.flatMap(({ probabilities }) => probabilities)
  const tensor = { name, datatype: 'FP32', shape: [count, data.length / count], data } as const
  return binary ? { ...tensor, bytes: Buffer.from(Float32Array.from(data).buffer) } : tensor
}

function lengthPrefixed(text: string): Buffer {
  const bytes = Buffer.from(`\0\0\0\0${text}`)
  bytes.writeUInt32LE(bytes.length - 4)
  return bytes
}

function scalars(value: unknown): Record<string, string | number | boolean> {
  if (value === undefined) return {}
  const entries = Object.entries(asObject(value, '"parameters"'))
  const isScalar = (entry: [string, unknown]): entry is [string, string | number | boolean] =>
    ['string', 'number', 'boolean'].includes(typeof entry[1])
  if (!entries.every(isScalar)) throw bad('parameters must be strings, numbers or booleans')
  return Object.fromEntries(entries)
}

function asObject(value: unknown, what: string): Json {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Json
  throw bad(`${what} is not a JSON object`)
}

function bad(message: string): HttpError {
  return new HttpError(400, message)
}
