/** Trainings over stand-ins: the route pack of OpenAI or MLflow, a grant, a journal in memory. */
import type { Grant } from '../../gateway/domain/access.ts'
import type { ForwardClient, Forwarder, OutboundRequest } from '../../gateway/domain/ports.ts'
import { isRefusal } from '../../gateway/domain/refusal.ts'
import type { LivingRegistrations } from '../../gateway/access/versions/living.ts'
import { createUnwritten, type UnwrittenVersions } from '../../gateway/access/versions/unwritten.ts'
import { createClassifier } from '../../gateway/classify/classifier.ts'
import { builtInPack } from '../unit/classify/support.ts'
import { createMemoryReplica, livingOver, type MemoryReplica } from './memory-replica.ts'
import { entryOf, holdingsOf, PERMIT, startPipeline, type TestPipeline } from './pipeline.ts'
import { rawExchange } from './raw-client.ts'

const NOW = 1_700_000_000_000
const JSON_TYPE = 'Content-Type: application/json'

/** A digest of the tests. */
export const digestOfNothing = (digit: string): string => `sha256:${digit.repeat(64)}`

/** What the grant of the tests is for. */
export const TERMS = {
  datasets: [
    { name: 'file-train', digest: digestOfNothing('a') },
    { name: 'file-check', digest: digestOfNothing('b') },
  ],
  base: 'model:gpt-base',
  destination: 'model:fraud',
} as const

const GRANT_OF_ANY: Grant = {
  id: 'grant-1',
  to: ['user:dev/alice'],
  actions: ['retrain'],
  resources: [{ kind: 'model', name: 'gpt-base' }],
  startsAt: 0,
  expiresAt: NOW + 3_600_000,
  approvals: [
    { by: 'user:dev/bob', holds: [], at: NOW - 1_000 },
    { by: 'user:dev/carol', holds: [], at: NOW - 500 },
  ],
}

/** The grant of the tests. */
export const GRANT: Grant = { ...GRANT_OF_ANY, training: TERMS }

/** Exactly what the grant is for. */
export const BODY = {
  model: 'gpt-base',
  training_file: 'file-train',
  validation_file: 'file-check',
  suffix: 'fraud',
  seed: 7,
}

/** The same for any training of the model. */
export const FREE_GRANT: Grant = GRANT_OF_ANY

/** What the catalog of the tests knows of datasets. */
export const REGISTERED: Readonly<Record<string, object>> = {
  'file-train': { tags: [], digest: digestOfNothing('a'), classification: 'internal' },
  'file-check': { tags: [], digest: digestOfNothing('b'), training: 'allowed' },
}

/** What differs from a training that is as granted. */
export interface TrainingWorldOptions {
  readonly pack?: string
  readonly grant?: Grant | undefined
  readonly datasets?: Readonly<Record<string, object>>
  readonly zone?: readonly string[]
  readonly required?: boolean
  readonly answer?: { readonly status: number; readonly body: string }
  readonly isReplicaAbsent?: boolean
  readonly append?: (type: string) => void
  /** Called when a request has come to the stand-in upstream, before it answers. */
  readonly onForwarded?: () => void
  /** What forwards; a stand-in that answers by itself when absent. */
  readonly forwarder?: Forwarder
}

/** A listener behind which a training is permitted, and what came through it. */
export interface TrainingWorld {
  readonly pipeline: TestPipeline
  readonly replica: MemoryReplica
  readonly unwritten: UnwrittenVersions
  /** Nothing of it is due by itself. */
  readonly registrations: LivingRegistrations
  /** Bodies that were forwarded. */
  readonly forwarded: string[]
  /** Sends a JSON body; answers status and problem or answer. */
  post(path: string, body: unknown, ...lines: string[]): Promise<Answered>
  /** The same with any method and path: `PUT /v2/m/manifests/v3`. */
  send(request: string, body: unknown, ...lines: string[]): Promise<Answered>
}

/** What a client got. */
export interface Answered {
  readonly status: number
  readonly body: string
  readonly reason: string | undefined
  readonly detail: string
}

/** Starts one; to be closed by its `pipeline.close()`. */
export async function startTrainingWorld(
  options: TrainingWorldOptions = {},
): Promise<TrainingWorld> {
  const { grant = GRANT, datasets = REGISTERED, zone = ['up'] } = options
  const pack = await builtInPack(options.pack ?? 'openai')
  const classifier = createClassifier({ pack, upstream: 'up', peekBytesMax: 65_536 })
  const replica = createMemoryReplica(NOW)
  const unwritten = createUnwritten(replica, () => undefined)
  const registrations = livingOver(replica)
  const forwarded: string[] = []
  const { answer = { status: 200, body: '{"id":"ftjob-1"}' } } = options
  const pipeline = await startPipeline({
    ...(options.isReplicaAbsent === true ? {} : { replica }),
    ...{ unwritten, registrations },
    append: ({ type }) => options.append?.(type),
    runtime: {
      training: {
        zone: new Set(zone),
        classifications: new Set(['internal']),
        required: options.required ?? false,
      },
      upstreams: { select: (_, target) => ({ entry: entryOf({ classifier }), target }) },
      policy: {
        decisionPoint: { revision: 'sha256:00', decide: () => PERMIT },
        holdingsOf,
        resources: {
          attributesOf: ({ kind, name }) =>
            kind === 'dataset' && Object.hasOwn(datasets, name)
              ? (datasets[name] as { tags: [] })
              : undefined,
        },
        ...('grant' in options && options.grant === undefined
          ? {}
          : { grants: { find: () => ({ grant }) } }),
      },
      forwarder: options.forwarder ?? {
        forward: async (request, client) => {
          forwarded.push(await bytesOf(request.body))
          options.onForwarded?.()
          return relay(client, answer)
        },
      },
    },
  })
  const send = async (request: string, body: unknown, ...lines: string[]): Promise<Answered> => {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const head = [
      `${request} HTTP/1.1`,
      'Host: a',
      ...(lines.some((line) => line.startsWith('Content-Type')) ? [] : [JSON_TYPE]),
      `Content-Length: ${Buffer.byteLength(text)}`,
      ...lines,
    ]
    const { responses } = await rawExchange(pipeline.port, `${head.join('\r\n')}\r\n\r\n${text}`)
    const said = responses[0]?.body.toString() ?? ''
    const told = problemIn(said)
    return { status: responses[0]?.status ?? 0, body: said, ...told }
  }
  const post: TrainingWorld['post'] = (path, ...more) => send(`POST ${path}`, ...more)
  return { pipeline, replica, unwritten, registrations, forwarded, post, send }
}

function problemIn(text: string): Pick<Answered, 'reason' | 'detail'> {
  if (!text.startsWith('{')) return { reason: undefined, detail: '' }
  const value = JSON.parse(text) as {
    readonly reason?: string
    readonly detail?: string
    readonly error?: { readonly code?: string; readonly message?: string }
  }
  const { error } = value
  return {
    reason: value.reason ?? error?.code,
    detail: value.detail ?? error?.message ?? '',
  }
}

async function bytesOf(body: OutboundRequest['body']): Promise<string> {
  if (body === null) return ''
  if (Buffer.isBuffer(body)) return body.toString()
  const parts: Buffer[] = []
  for await (const part of body) parts.push(part as Buffer)
  return Buffer.concat(parts).toString()
}

/** As the forwarder does it: the end leaves when the guard is ready, and not on a refusal. */
async function relay(
  client: ForwardClient,
  answer: { readonly status: number; readonly body: string },
) {
  const { guard, response } = client
  client.onHead?.(answer.status)
  const head = guard.head({
    status: answer.status,
    headers: ['content-type', 'application/json', 'content-length', `${answer.body.length}`],
  })
  if (isRefusal(head)) return head
  const verdict = guard.chunk(Buffer.from(answer.body))
  if (isRefusal(verdict)) return verdict
  let text = verdict instanceof Buffer ? verdict.toString() : answer.body
  let last = guard.end()
  while (!isRefusal(last) && guard.keeps?.() === true) {
    await guard.ready?.()
    last = guard.end()
  }
  if (isRefusal(last)) return last
  text += last?.toString() ?? ''
  response.writeHead(head.status, { 'content-type': 'application/json' }).end(text)
  const counts = { requestBytes: 0, responseBytes: text.length }
  return { status: head.status, ...counts, endedBy: 'upstream' as const }
}
