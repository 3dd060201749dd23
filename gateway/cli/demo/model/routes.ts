/**
 * Everything the model server can be asked. The routes are those of the Open Inference Protocol v2
 * (KServe, Triton, MLServer), and two that are the reason to put a gateway in front: one hands out
 * the weights, one trains.
 */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { artifactResponse, createArtifact } from './artifact.ts'
import type { Classifier } from './classifier.ts'
import type { Dataset } from './dataset.ts'
import { HttpError } from './http-error.ts'
import { inferenceResponse, parseInference, parseJson, TENSORS } from './inference.ts'
import type { InferenceRequest } from './inference.ts'
import { readBody, sendJson } from './messages.ts'
import type { PathParameters, Route } from './router.ts'
import { evaluate, train } from './train.ts'

/** Answers one request. What it throws becomes an error response. */
export type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  parameters: PathParameters,
) => void | Promise<void>

/** What the routes serve. */
export interface Served {
  readonly model: Classifier
  /** The weight file that `model` was loaded from. */
  readonly weights: Buffer
  /** What `/train` trains on. */
  readonly dataset: Dataset
}

const EPOCHS_MAX = 50
/** Gentle, since training goes on from weights that are already good. */
const LEARNING_RATE = 0.002
const STREAM_PAUSE_MS_MAX = 1000

/** The route table of a server for one model. */
export function modelRoutes(served: Served): readonly Route<Handler>[] {
  const { model } = served
  const route = (methods: readonly string[], path: string, handler: Handler): Route<Handler> => ({
    methods,
    path,
    handler: forModel(model, handler),
  })
  /** A route of the model, reachable with and without naming a version. */
  const versioned = (method: string, rest: string, handler: Handler) => [
    route([method], `/v2/models/{model}${rest}`, handler),
    route([method], `/v2/models/{model}/versions/{version}${rest}`, handler),
  ]
  return [
    route(['GET'], '/v2', json({ name: 'modelgate-demo', version: '1', extensions: EXTENSIONS })),
    route(['GET'], '/v2/health/live', json({ live: true })),
    route(['GET'], '/v2/health/ready', json({ ready: true })),
    route(['GET'], '/v2/models', json({ models: [model.name] })),
    route(['POST'], '/v2/repository/index', json([indexEntry(model)])),
    ...versioned('GET', '', json(metadata(model))),
    ...versioned('GET', '/ready', json({ name: model.name, ready: true })),
    ...versioned('POST', '/infer', infer(served)),
    ...versioned('POST', '/infer_stream', inferStream(model)),
    route(['GET', 'HEAD'], '/v2/models/{model}/artifacts/{file}', download(served)),
    route(['POST'], '/v2/models/{model}/train', retrain(served)),
  ]
}

const EXTENSIONS = ['binary_tensor_data']

function metadata(model: Classifier) {
  return {
    name: model.name,
    versions: [model.version],
    platform: 'modelgate_mlp',
    inputs: [{ name: TENSORS.input, datatype: 'FP32', shape: [-1, model.features] }],
    outputs: [
      { name: TENSORS.probabilities, datatype: 'FP32', shape: [-1, model.labels.length] },
      { name: TENSORS.label, datatype: 'BYTES', shape: [-1] },
    ],
  }
}

function indexEntry(model: Classifier) {
  return { name: model.name, version: model.version, state: 'READY', reason: '' }
}

function json(value: unknown): Handler {
  return (_, response) => sendJson(response, 200, value)
}

/** Answers 404 to a path that names another model, or another version of it. */
function forModel(model: Classifier, handler: Handler): Handler {
  return (request, response, parameters) => {
    const { model: name = model.name, version = model.version } = parameters
    if (name !== model.name) throw new HttpError(404, 'there is no such model')
    if (version !== model.version) throw new HttpError(404, 'the model has no such version')
    return handler(request, response, parameters)
  }
}

async function readInference(
  request: IncomingMessage,
  model: Classifier,
): Promise<InferenceRequest> {
  const header = request.headers['inference-header-content-length']
  const jsonBytes = header === undefined ? undefined : Number(header)
  const body = await readBody(request)
  if (jsonBytes !== undefined && !(Number.isInteger(jsonBytes) && jsonBytes >= 0)) {
    throw new HttpError(400, 'Inference-Header-Content-Length is not a number of bytes')
  }
  return parseInference(body, jsonBytes, model.features)
}

/**
 * Predicts. The request parameter `dump_state` is a switch that a developer left in, and adds the
 * weight file to the answer in base64: nothing about path, method or status tells.
 */
function infer({ model, weights }: Served): Handler {
  return async (request, response) => {
    const inference = await readInference(request, model)
    const answer = inferenceResponse(model, inference, model.predict(inference.rows))
    if (inference.parameters['dump_state'] === true) {
      sendJson(response, 200, { ...answer.json, state: weights.toString('base64') })
      return
    }
    if (answer.binary.length === 0) {
      sendJson(response, 200, answer.json)
      return
    }
    const head = Buffer.from(JSON.stringify(answer.json))
    response.writeHead(200, {
      'content-type': 'application/octet-stream',
      'inference-header-content-length': head.length,
      'content-length': head.length + answer.binary.length,
    })
    response.end(Buffer.concat([head, answer.binary]))
  }
}

/**
 * One server-sent event per row, each a response of its own. The request parameter `interval_ms`
 * slows the stream down, so that one can watch it being cut.
 */
function inferStream(model: Classifier): Handler {
  return async (request, response) => {
    const inference = await readInference(request, model)
    const outputs = inference.outputs.map(({ name }) => ({ name, binary: false }))
    const pauseMs = Math.min(Number(inference.parameters['interval_ms']) || 0, STREAM_PAUSE_MS_MAX)
    response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
    for (const [i, prediction] of model.predict(inference.rows).entries()) {
      if (i > 0 && pauseMs > 0) await pause(pauseMs, undefined, { ref: false })
      if (response.destroyed) return
      const answer = inferenceResponse(model, { ...inference, outputs }, [prediction])
      response.write(`data: ${JSON.stringify(answer.json)}\n\n`)
    }
    response.end()
  }
}

function download({ model, weights }: Served): Handler {
  const artifact = createArtifact(`${model.name}.safetensors`, weights)
  return (request, response, { file }) => {
    if (file !== artifact.name) throw new HttpError(404, 'there is no such artifact')
    const head = request.method === 'HEAD'
    const answer = artifactResponse(artifact, head ? {} : request.headers)
    response.writeHead(answer.status, answer.headers).end(head ? undefined : answer.body)
  }
}

/** Trains a copy of the model; the one that is served, and its weight file, stay as they are. */
function retrain({ model, dataset }: Served): Handler {
  return async (request, response) => {
    const { dataset: name, into = model.name, epochs } = parseJson(await readBody(request))
    if (name !== 'iris') throw new HttpError(400, '"dataset" must be "iris"')
    if (typeof into !== 'string') throw new HttpError(400, '"into" must be the name of a model')
    if (
      typeof epochs !== 'number' ||
      !Number.isInteger(epochs) ||
      epochs < 1 ||
      epochs > EPOCHS_MAX
    ) {
      throw new HttpError(400, `"epochs" must be a whole number from 1 to ${EPOCHS_MAX}`)
    }
    const trained = train(model.network, dataset, { epochs, learningRate: LEARNING_RATE })
    const [before, after] = [evaluate(model.network, dataset), evaluate(trained, dataset)]
    sendJson(response, 200, { model_name: into, dataset: name, epochs, before, ...after })
  }
}
