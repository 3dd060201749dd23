/**
 * A server shaped like the Hugging Face Hub, with one public and one other model: what the clients
 * ask for, answered as the Hub answers. Large files are a redirect to another host, which takes the
 * signed URL for the permission.
 */
import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { startHttpUpstream } from '../http-upstream.ts'

const COMMIT = '0123456789abcdef0123456789abcdef01234567'
const CONFIG = Buffer.from('{"model_type": "bert"}\n')
const WEIGHTS_HEADER = Buffer.from('{"w":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}}')

/** A safetensors file: 8 bytes of length, a header, four numbers. */
function weights(): Buffer {
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(WEIGHTS_HEADER.length))
  return Buffer.concat([length, WEIGHTS_HEADER, Buffer.alloc(16, 1)])
}

/** A running hub. */
export interface HubServer {
  readonly url: string
  /** Requests that came to the host of the large files. */
  readonly cdnRequests: readonly IncomingMessage[]
  /** The size of `model.safetensors`. */
  readonly weightsBytes: number
  close(): Promise<void>
}

/** Starts it. @param models names such as `acme/fraud` */
export async function startHub(models: readonly string[]): Promise<HubServer> {
  const large = weights()
  const cdn = await startHttpUpstream((request, response) => {
    if (new URL(request.url ?? '', 'http://cdn').searchParams.get('signature') !== 'good') {
      response.writeHead(403).end()
    } else {
      response.setHeader('etag', `"${createHash('sha256').update(large).digest('hex')}"`)
      sendBytes(request, response, large)
    }
  })
  const files = new Map([
    ['config.json', CONFIG],
    ['model.safetensors', large],
  ])
  const hub = await startHttpUpstream((request, response) => {
    const { pathname } = new URL(request.url ?? '', 'http://hub')
    const parts = pathname.split('/').slice(1)
    if (pathname.startsWith('/api/models')) {
      api(response, { parts: parts.slice(2), models, files })
      return
    }
    const [owner = '', repo = '', verb, , file = ''] = parts
    const content = files.get(file)
    if (!models.includes(`${owner}/${repo}`)) missing(response, 'RepoNotFound')
    else if (verb !== 'resolve' || content === undefined) missing(response, 'EntryNotFound')
    else resolveFile(request, response, { content, cdn: cdn.url })
  })
  return {
    url: hub.url,
    cdnRequests: cdn.requests,
    weightsBytes: large.length,
    close: async () => {
      await Promise.all([hub.close(), cdn.close()])
    },
  }
}

/** `/api/models`, `/api/models/<name>`, `/api/models/<name>/tree/<revision>`. */
function api(
  response: ServerResponse,
  asked: {
    readonly parts: readonly string[]
    readonly models: readonly string[]
    readonly files: ReadonlyMap<string, Buffer>
  },
): void {
  const { parts, models, files } = asked
  const [owner, repo, verb] = parts
  const name = `${owner ?? ''}/${repo ?? ''}`
  if (owner === undefined) json(response, models.map(facts))
  else if (!models.includes(name)) missing(response, 'RepoNotFound')
  else if (verb === 'tree') json(response, [...files].map(treeEntry))
  else json(response, { ...facts(name), siblings: [...files.keys()].map(sibling) })
}

/** Small files are the answer; large ones are a signed URL, with their facts in headers. */
function resolveFile(
  request: IncomingMessage,
  response: ServerResponse,
  { content, cdn }: { readonly content: Buffer; readonly cdn: string },
): void {
  response.setHeader('x-repo-commit', COMMIT)
  response.setHeader('accept-ranges', 'bytes')
  if (content === CONFIG) {
    response.setHeader('etag', `"${createHash('sha1').update(content).digest('hex')}"`)
    sendBytes(request, response, content)
    return
  }
  const digest = createHash('sha256').update(content).digest('hex')
  response.setHeader('x-linked-size', String(content.length))
  response.setHeader('x-linked-etag', `"${digest}"`)
  response.setHeader('etag', `"${digest}"`)
  response.writeHead(302, { location: `${cdn}/${digest}?signature=good` }).end()
}

function sendBytes(request: IncomingMessage, response: ServerResponse, content: Buffer): void {
  const range = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '')
  const [, first = '0', last = ''] = range ?? []
  const from = Number(first)
  const to = last === '' ? content.length - 1 : Math.min(content.length - 1, Number(last))
  const part = content.subarray(from, to + 1)
  response.setHeader('content-type', 'application/octet-stream')
  response.setHeader('content-length', String(part.length))
  if (range !== null) response.setHeader('content-range', `bytes ${from}-${to}/${content.length}`)
  response.writeHead(range === null ? 200 : 206).end(request.method === 'HEAD' ? undefined : part)
}

function facts(name: string): Readonly<Record<string, unknown>> {
  return {
    _id: createHash('md5').update(name).digest('hex').slice(0, 24),
    id: name,
    modelId: name,
    author: name.split('/')[0],
    sha: COMMIT,
    lastModified: '2026-01-02T03:04:05.000Z',
    private: true,
    gated: false,
    disabled: false,
    downloads: 1,
    likes: 1,
    tags: ['safetensors'],
    pipeline_tag: 'text-classification',
  }
}

function sibling(rfilename: string): { readonly rfilename: string } {
  return { rfilename }
}

function treeEntry([path, content]: readonly [string, Buffer]): Readonly<Record<string, unknown>> {
  const oid = createHash('sha1').update(content).digest('hex')
  const entry = { type: 'file', oid, size: content.length, path }
  if (content === CONFIG) return entry
  const digest = createHash('sha256').update(content).digest('hex')
  return { ...entry, lfs: { oid: digest, size: content.length, pointerSize: 134 } }
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(value))
}

function missing(response: ServerResponse, code: string): void {
  response.writeHead(404, { 'x-error-code': code }).end()
}
