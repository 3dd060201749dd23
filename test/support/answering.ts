/** A world whose upstream answers as the test says next, and callers who may not export. */
import { rawExchange, type RawResponse } from './raw-client.ts'
import { HOSTS, request, startAttackWorld, type RequestText } from './attack.ts'
import type { World } from './world.ts'

/** What the upstream says next: a status line, header lines, and a body. */
export interface NextAnswer {
  readonly status?: string
  readonly lines?: readonly string[]
  readonly body?: string | Buffer
  /** Instead of the above: every byte of it. */
  readonly raw?: string | Buffer
}

/** A running world, and how to ask in it. */
export interface AnsweringWorld {
  readonly world: World
  /** Sends `parts` as a caller with `roles`, and has the upstream answer with `next`. */
  ask(next: NextAnswer, parts: RequestText, roles?: readonly string[]): Promise<Asked>
  close(): Promise<void>
}

/** What the client got. */
export interface Asked {
  readonly raw: string
  readonly response: RawResponse | undefined
  readonly text: string
}

/** A prediction, a read of a registry, and an export. */
export const INFER: RequestText = {
  method: 'POST',
  target: '/v2/models/iris/infer',
  host: HOSTS.models,
  lines: ['Content-Type: application/json'],
  body: '{}',
}
export const READ: RequestText = {
  target: '/api/2.0/mlflow/registered-models/get?name=iris',
  host: HOSTS.registry,
}
export const EXPORT: RequestText = {
  target: '/model-versions/get-artifact?name=iris&version=1&path=model.safetensors',
  host: HOSTS.registry,
}

/** A file of weights as safetensors writes it: one tensor of one number. */
export function safetensors(): Buffer {
  const header = '{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(header.length))
  return Buffer.concat([length, Buffer.from(header), Buffer.alloc(4)])
}

/** Starts it. */
export async function startAnsweringWorld(): Promise<AnsweringWorld> {
  let next: NextAnswer = {}
  const world = await startAttackWorld({ handler: () => bytesOf(next) })
  return {
    world,
    async ask(answer, parts, roles = ['inference', 'reader']) {
      next = answer
      const token = await world.token(roles)
      const { raw, responses } = await rawExchange(world.port, request({ token, ...parts }))
      const [response] = responses
      return { raw: raw.toString('latin1'), response, text: response?.body.toString() ?? '' }
    },
    close: () => world.close(),
  }
}

function bytesOf({ raw, status = '200 OK', lines = [], body = '' }: NextAnswer): string | Buffer {
  if (raw !== undefined) return raw
  const bytes = Buffer.from(body)
  const head = [`HTTP/1.1 ${status}`, ...lines, `content-length: ${bytes.length}`]
  return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), bytes])
}
