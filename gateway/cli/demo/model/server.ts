/**
 * A small model server with a real model: the upstream of `modelgate demo`. It has no access
 * control of its own and hands its weights to whoever asks, which is why it listens on loopback
 * only and why a gateway stands in front of it.
 */
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { loadClassifier } from './classifier.ts'
import { loadIris } from './dataset.ts'
import { sendError } from './messages.ts'
import { createRecorder } from './recorder.ts'
import type { RequestRecorder } from './recorder.ts'
import { findRoute } from './router.ts'
import { modelRoutes } from './routes.ts'

/** Where to listen, and what to serve. */
export interface ModelServerOptions {
  readonly host: '127.0.0.1' | '::1'
  /** 0 lets the operating system choose one. */
  readonly port: number
  /** The bytes of a weight file; `readShippedWeights()` gives the shipped ones. */
  readonly weights: Buffer
  /** Called with one line per response: `POST /v2/models/iris-classifier/infer 200`. */
  readonly log?: (line: string) => void
}

/** A model server that is listening. */
export interface ModelServer {
  /** `http://127.0.0.1:<port>`, without a slash at the end. */
  readonly url: string
  /** What has arrived so far. */
  readonly requests: RequestRecorder
  /** Stops listening and ends every connection; resolves when all are gone. */
  close(): Promise<void>
}

/** Idle connections outlive those of a gateway's pool, so that the gateway closes them first. */
const KEEP_ALIVE_MS = 65_000

/**
 * Starts a model server; it answers from the moment this resolves.
 * @throws SafetensorsError when `weights` are not a weight file; Error when the port is taken.
 */
export async function startModelServer(options: ModelServerOptions): Promise<ModelServer> {
  const { host, port, weights, log } = options
  const routes = modelRoutes({
    model: loadClassifier(weights),
    weights,
    dataset: await loadIris(),
  })
  const recorder = createRecorder()
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = '', url = '' } = request
    recorder.record(request)
    try {
      const { handler, parameters } = findRoute(routes, method, url)
      await handler(request, response, parameters)
    } catch (error) {
      sendError(response, error)
    }
    log?.(`${method} ${url} ${response.statusCode}`)
  }
  const server = createServer({ keepAliveTimeout: KEEP_ALIVE_MS }, (request, response) => {
    void answer(request, response)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(port, host, resolve)
  })
  const address = server.address() as AddressInfo
  return {
    url: `http://${host === '::1' ? '[::1]' : host}:${address.port}`,
    requests: recorder.requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
