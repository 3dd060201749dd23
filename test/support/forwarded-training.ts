/** Trainings and registrations that really go upstream: the real forwarder, and every byte kept. */
import { createForwarder } from '../../gateway/forward/http-forwarder.ts'
import { createUpstreams } from '../../gateway/forward/upstream-pools.ts'
import {
  startRecordingUpstream,
  type RawHandler,
  type RecordingUpstream,
} from './recording-upstream.ts'
import { startTrainingWorld, type TrainingWorld, type TrainingWorldOptions } from './training.ts'

/** A world with its upstream. */
export interface ForwardedWorld {
  readonly world: TrainingWorld
  readonly upstream: RecordingUpstream
  readonly close: () => Promise<void>
}

/** Starts one; `headersTimeoutMs`: how long the upstream may take. */
export async function startForwardedWorld(
  handler: RawHandler,
  {
    headersTimeoutMs = 5_000,
    ...options
  }: TrainingWorldOptions & { readonly headersTimeoutMs?: number } = {},
): Promise<ForwardedWorld> {
  const upstream = await startRecordingUpstream(handler)
  const upstreams = createUpstreams({
    upstreams: [
      {
        name: 'up',
        origin: upstream.url,
        connections: 4,
        privilegedConnections: 4,
        connectTimeoutMs: 2_000,
        headersTimeoutMs,
        idleTimeoutMs: 500,
        queueMax: 4,
        queueTimeoutMs: 2_000,
      },
    ],
  })
  const world = await startTrainingWorld({ ...options, forwarder: createForwarder({ upstreams }) })
  return {
    world,
    upstream,
    async close() {
      await world.pipeline.close()
      await upstreams.destroy()
      await upstream.close()
    },
  }
}

/** An answer in JSON, as its bytes. */
export function jsonAnswer(text: string, status = '200 OK'): string {
  const fields = `Content-Type: application/json\r\nContent-Length: ${text.length}`
  return `HTTP/1.1 ${status}\r\n${fields}\r\n\r\n${text}`
}
