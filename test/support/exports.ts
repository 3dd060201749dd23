/** A gateway before a registry, with grants, for tests of exports. */
import { createHash } from 'node:crypto'
import { request, type ClientRequest, type IncomingMessage, type ServerResponse } from 'node:http'
import { startHttpUpstream, type HttpUpstream } from './http-upstream.ts'
import { startWorld, type World, type WorldOptions } from './world.ts'

/** The model that is exported. */
export const MODEL = 'm-1'

/** Where its file is. */
export const PATH = `/api/2.0/mlflow-artifacts/artifacts/models/${MODEL}/artifacts/model.safetensors`

/** Rows and conditions under which only a grant lets anybody export. */
export const GRANTED_RULES = {
  policy:
    'p, role:exporter, export, model:*, granted, allow\np, role:exporter, read, *, always, allow\n',
  conditions: 'conditions:\n  granted:\n    kind: grant\n',
}

/** What a test gives. */
export type Grants = Readonly<Record<string, Readonly<Record<string, unknown>>>>

/** A grant of the model to alice for an hour, and what differs. */
export function grantOf(more: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return {
    to: ['user:dev/alice'],
    actions: ['export'],
    resources: [`model:${MODEL}`],
    expires: new Date(Date.now() + 3_600_000).toISOString(),
    ...more,
  }
}

/** The file `grants.yaml` that gives these. */
export const grantsFile = (grants: Grants): string => JSON.stringify({ grants })

/** What came of one download. */
export interface Downloaded {
  readonly status: number
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
  /** Whether the end of it came. */
  readonly isWhole: boolean
}

/** A download that is under way. */
export interface Download {
  readonly done: Promise<Downloaded>
  /** Resolves when so many bytes of the body are here. */
  got(bytes: number): Promise<void>
  abort(): void
}

/** Begins to download from a gateway on 127.0.0.1. */
export function download(
  port: number,
  token: string,
  options: {
    readonly path?: string
    readonly method?: string
    readonly headers?: Readonly<Record<string, string>>
  } = {},
): Download {
  const chunks: Buffer[] = []
  let [bytes, notify] = [0, (): void => undefined]
  const { path = PATH, method = 'GET', headers = {} } = options
  let outgoing: ClientRequest | undefined
  const done = new Promise<Downloaded>((resolve, reject) => {
    const authorization = `Bearer ${token}`
    const target = { host: '127.0.0.1', port, path, method, agent: false as const }
    outgoing = request({ ...target, headers: { authorization, ...headers } }, (answer) => {
      const end = (isWhole: boolean): void => {
        const { statusCode: status = 0 } = answer
        resolve({ status, headers: answer.headers, body: Buffer.concat(chunks), isWhole })
        notify()
      }
      answer.on('data', (chunk: Buffer) => {
        chunks.push(chunk)
        bytes += chunk.length
        notify()
      })
      answer.on('end', () => end(answer.complete))
      answer.on('error', () => end(false))
    })
    outgoing.on('error', reject)
    outgoing.end()
  })
  done.catch(() => undefined)
  return {
    done,
    got: (wanted) =>
      new Promise((resolve) => {
        notify = () => {
          if (bytes >= wanted) resolve()
        }
        notify()
      }),
    abort: () => outgoing?.destroy(),
  }
}

/** A registry that gives `body`, whole or in part, and can be told to stop in the middle. */
export interface Registry extends HttpUpstream {
  /** Bytes after which it waits. */
  pauseAt: number
  /** Lets what waits go on. */
  resume(): void
  /** Answers in its place, when set. */
  answer: ((request: IncomingMessage, response: ServerResponse) => void) | undefined
}

/** Starts it. */
export async function startRegistry(body: Buffer): Promise<Registry> {
  const waiting: (() => void)[] = []
  const state: Pick<Registry, 'pauseAt' | 'resume' | 'answer'> = {
    pauseAt: Infinity,
    resume: () => {
      for (const go of waiting.splice(0)) go()
    },
    answer: undefined,
  }
  const upstream = await startHttpUpstream((incoming, response) => {
    if (state.answer !== undefined) {
      state.answer(incoming, response)
      return
    }
    const match = /^bytes=(\d+)-$/.exec(incoming.headers.range ?? '')
    const from = match === null ? 0 : Number(match[1])
    const rest = body.subarray(from)
    response.writeHead(match === null ? 200 : 206, {
      'content-type': 'application/octet-stream',
      'content-length': String(rest.length),
      etag: `"${createHash('sha256').update(body).digest('hex').slice(0, 8)}"`,
      ...(match === null
        ? {}
        : { 'content-range': `bytes ${from}-${body.length - 1}/${body.length}` }),
    })
    if (state.pauseAt >= rest.length || incoming.method === 'HEAD') response.end(rest)
    else {
      const at = state.pauseAt
      response.write(rest.subarray(0, at))
      waiting.push(() => response.end(rest.subarray(at)))
    }
  })
  return Object.assign(state, upstream)
}

/** A world before `registry` in which alice may export what `grants` give. */
export function startExportWorld(
  registry: HttpUpstream,
  grants: Grants,
  more: WorldOptions = {},
): Promise<World> {
  return startWorld({
    policy: GRANTED_RULES.policy,
    upstreams: [{ name: 'registry', pack: 'mlflow', url: registry.url }],
    ...more,
    rules: {
      'conditions.yaml': GRANTED_RULES.conditions,
      'grants.yaml': grantsFile(grants),
      ...more.rules,
    },
  })
}
