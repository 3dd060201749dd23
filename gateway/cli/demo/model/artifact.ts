/**
 * Hands out the weight file over HTTP, whole or in ranges, as object stores and model registries
 * do (RFC 9110 §13, §14). Nobody is asked who they are: that is the gateway's job.
 */
import { createHash } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'

/** A file as HTTP sees it. */
export interface Artifact {
  readonly name: string
  readonly bytes: Buffer
  /** Strong validator: the SHA-256 of the bytes, in quotes. */
  readonly etag: string
}

/** What to answer. */
export interface ArtifactResponse {
  readonly status: 200 | 206 | 304 | 416
  readonly headers: Readonly<Record<string, string | number>>
  readonly body: Buffer
}

/** Makes `bytes` available as a file called `name`, which is plain ASCII without quotes. */
export function createArtifact(name: string, bytes: Buffer): Artifact {
  return { name, bytes, etag: `"${createHash('sha256').update(bytes).digest('hex')}"` }
}

/** The response to a GET with these request headers; for HEAD, drop the body and pass none. */
export function artifactResponse(
  artifact: Artifact,
  request: IncomingHttpHeaders,
): ArtifactResponse {
  const { bytes, etag, name } = artifact
  const headers = {
    'accept-ranges': 'bytes',
    'content-disposition': `attachment; filename="${name}"`,
    'content-type': 'application/octet-stream',
    etag,
  }
  if (request['if-none-match'] === etag) {
    return { status: 304, headers: { etag }, body: Buffer.alloc(0) }
  }
  const whole = {
    status: 200,
    headers: { ...headers, 'content-length': bytes.length },
    body: bytes,
  } as const
  const ifRange = request['if-range']
  if (ifRange !== undefined && ifRange !== etag) return whole
  const range = parseRange(request.range, bytes.length)
  if (range === undefined) return whole
  if (range === 'unsatisfiable') {
    const unsatisfied = { 'content-range': `bytes */${bytes.length}`, 'content-length': 0 }
    return { status: 416, headers: unsatisfied, body: Buffer.alloc(0) }
  }
  const body = bytes.subarray(range.first, range.last + 1)
  const contentRange = `bytes ${range.first}-${range.last}/${bytes.length}`
  return {
    status: 206,
    headers: { ...headers, 'content-length': body.length, 'content-range': contentRange },
    body,
  }
}

/** Both positions are inclusive. */
interface ByteRange {
  readonly first: number
  readonly last: number
}

/**
 * The one `bytes` range that `header` asks for, over `size` bytes. `undefined` when there is none,
 * or several, or it is malformed: RFC 9110 §14.2 lets a server ignore those.
 */
function parseRange(
  header: string | undefined,
  size: number,
): ByteRange | 'unsatisfiable' | undefined {
  const [, from = '', to = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(header ?? '') ?? []
  if (from === '') return to === '' ? undefined : clipRange(size - Number(to), size - 1, size)
  if (to === '') return clipRange(Number(from), size - 1, size)
  return Number(to) < Number(from) ? undefined : clipRange(Number(from), Number(to), size)
}

function clipRange(first: number, last: number, size: number): ByteRange | 'unsatisfiable' {
  if (first >= size) return 'unsatisfiable'
  return { first: Math.max(0, first), last: Math.min(last, size - 1) }
}
