/** A gateway with a gRPC listener in front of a small inference server. */
import type { SecureClientSessionOptions } from 'node:http2'
import { startGrpcUpstream, type CallHandler, type GrpcUpstream } from './grpc-upstream.ts'
import { connectGrpc, type GrpcClient } from './grpc-client.ts'
import { startWorld, type World, type WorldOptions } from './world.ts'

/** The service of the Open Inference Protocol. */
export const SERVICE = '/inference.GRPCInferenceService'

/** Its methods that the tests need, each with another place for the name. */
export const OIP_PACK = `pack: oip
title: an inference server over gRPC
routes:
  - { methods: [POST], transport: grpc, path: ${SERVICE}/ServerLive, action: read }
  - { methods: [POST], transport: grpc, path: ${SERVICE}/ModelInfer, action: infer, model: [{ proto: '1' }], version: [{ proto: '2' }] }
  - { methods: [POST], transport: grpc, path: ${SERVICE}/ModelStreamInfer, action: infer, model: [{ proto: '1' }], version: [{ proto: '2' }], body: stream, streams: messages }
  - { methods: [POST], transport: grpc, path: ${SERVICE}/RepositoryModelLoad, action: deploy, model: [{ proto: '2' }] }
  - { methods: [POST], transport: grpc, path: ${SERVICE}/RepositoryModelDownload, action: export, model: [{ proto: '1' }] }
  - { methods: [POST], transport: grpc, path: /tensorflow.serving.PredictionService/Predict, action: infer, model: [{ proto: '1.1' }], version: [{ proto: '1.2:int-message' }, { proto: '1.4' }] }
  - { methods: [POST], path: /over-http, action: read }
`

/** What only some may do, on models of their own. */
const POLICY = `p, role:reader, read, model:*, always, allow
p, role:reader, read, server:*, always, allow
p, role:inference, infer, model:iris*, always, allow
p, role:deployer, deploy, model:*, always, allow
p, role:exporter, export, model:*, always, allow
`

/** The world, with its upstream and one client. */
export interface GrpcWorld {
  readonly world: World
  readonly upstream: GrpcUpstream
  /** `http://127.0.0.1:<port>` of the gRPC listener. */
  readonly url: string
  readonly port: number
  readonly client: GrpcClient
  close(): Promise<void>
}

/** What differs from the default. */
export interface GrpcWorldOptions extends WorldOptions {
  readonly calls?: CallHandler
  readonly upstreamTls?: Parameters<typeof startGrpcUpstream>[1]
  /** `tls` of the upstream in gateway.yaml. */
  readonly trust?: Readonly<Record<string, string>>
  /** `tls` of the gRPC listener in gateway.yaml. */
  readonly listenerTls?: Readonly<Record<string, string>>
  /** What the client of the world connects with. */
  readonly connect?: SecureClientSessionOptions
}

/** Starts it. Both upstreams, the gRPC one and the recording HTTP one, use the pack `oip`. */
export async function startGrpcWorld(options: GrpcWorldOptions = {}): Promise<GrpcWorld> {
  const upstream = await startGrpcUpstream(options.calls, options.upstreamTls)
  const world = await startWorld({
    policy: POLICY,
    ...options,
    upstreams: options.upstreams?.map((one) => ({ url: upstream.url, ...one })) ?? [
      {
        name: 'calls',
        pack: 'oip',
        protocol: 'grpc',
        url: upstream.url,
        ...(options.trust === undefined ? {} : { tls: options.trust }),
      },
      { name: 'plain', pack: 'oip' },
    ],
    rules: { 'routes/oip.yaml': OIP_PACK, ...options.rules },
    config: {
      listen: {
        data: { host: '127.0.0.1', port: 0 },
        control: { host: '127.0.0.1', port: 0 },
        grpc: {
          host: '127.0.0.1',
          port: 0,
          ...(options.listenerTls === undefined ? {} : { tls: options.listenerTls }),
        },
      },
      ...options.config,
    },
  }).catch(async (error: unknown) => {
    await upstream.close()
    throw error
  })
  const port = world.gateway.grpcPort ?? 0
  const url = `${options.listenerTls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`
  const client = await connectGrpc(url, options.connect)
  return {
    world,
    upstream,
    url,
    port,
    client,
    async close() {
      await client.close()
      await world.close()
      await upstream.close()
    },
  }
}
