/**
 * The routes a server says it has, in the notation of route packs, whoever wrote them down: OpenAPI
 * and FastAPI (`{x}`, `{x:path}`), Flask (`<path:x>`), axum (`{*x}`).
 */
import type { Diagnostic, Loaded } from '../../domain/diagnostics.ts'
import { METHODS } from '../../domain/request.ts'
import { nothingListed, type ListedOperation } from '../../settings/route-lists.ts'

/** One method and path that a server answers. */
export interface ServedRoute {
  /** Upper case. A method that the gateway does not know is possible. */
  readonly method: string
  /** `/v2/models/{model}`; `{path*}` is one or more segments. */
  readonly path: string
  /** What the server says it does: texts for people, not trusted. */
  readonly tags: readonly string[]
  readonly summary: string
  /** Who lists it: `/openapi.json`, or the name of a file. */
  readonly source: string
}

/** More than any server has; a longer list is cut, and the report says so. */
export const ROUTES_MAX = 16_384

/** Bounds one foreign path; longer ones are cut, which makes them unmapped. */
const PATH_MAX = 2048

/** The operations of a document, below `basePath`. */
export function fromOperations(
  operations: readonly ListedOperation[],
  source: string,
  basePath = '',
): ServedRoute[] {
  return operations.map(({ method, path, tags, summary }) => ({
    method,
    path: templateOf(basePath + path),
    tags,
    summary,
    source,
  }))
}

/** A list of lines `METHOD /path`; `#` begins a comment, `*` is every method the gateway knows. */
export function parseRouteLines(file: string, text: string): Loaded<ServedRoute[]> {
  const routes: ServedRoute[] = []
  const diagnostics: Diagnostic[] = []
  for (const [index, written] of text.split('\n').entries()) {
    const line = written.replace(/#.*$/, '').trim()
    if (line === '') continue
    const match = /^([A-Za-z*]{1,16}(?:,[A-Za-z]{1,16}){0,16})[ \t]+(\/\S*)$/.exec(line)
    if (match === null) {
      diagnostics.push(malformed(file, index + 1))
      continue
    }
    const [, methods = '', path = ''] = match
    const named = methods === '*' ? METHODS : methods.toUpperCase().split(',')
    for (const method of named) {
      routes.push({ method, path: templateOf(path), tags: [], summary: '', source: file })
    }
  }
  if (diagnostics.length > 0) return { ok: false, diagnostics }
  if (routes.length === 0) return { ok: false, diagnostics: [nothingListed(file)] }
  return { ok: true, value: routes, warnings: [] }
}

function malformed(file: string, line: number): Diagnostic {
  return {
    file,
    line,
    column: 1,
    severity: 'error',
    code: 'malformed-route',
    message: 'expected a method and a path',
    remedy: 'Write lines such as `GET /v1/models/{model}`; `*` is every method.',
  }
}

/** One notation for the parameters of all. A path that begins without `/` is given one. */
function templateOf(written: string): string {
  const path = written.slice(0, PATH_MAX)
  const segments = path.replace(/^\//, '').split('/').map(segmentOf)
  return `/${segments.join('/')}`
}

function segmentOf(segment: string): string {
  return segment
    .replace(/<([^<>]{0,128})>/g, (_, inner: string) => flaskParameter(inner))
    .replace(/\$?\{([^{}]{0,128})\}/g, (_, inner: string) => parameter(inner))
}

/** `path:x` and `x`; what stands before the colon is the converter. */
function flaskParameter(inner: string): string {
  const [first = '', second] = inner.split(':')
  if (second === undefined) return parameter(first)
  return first === 'path' ? parameter(`${second}*`) : parameter(second)
}

/** `x`, `x:path`, `x:int`, `*x`, `x*`. */
function parameter(inner: string): string {
  const [name = '', converter] = inner.split(':')
  const rest = converter === 'path' || name.startsWith('*') || name.endsWith('*')
  const plain = name.toLowerCase().replaceAll(/[^a-z0-9_]/g, '')
  const safe = /^[a-z]/.test(plain) ? plain.slice(0, 64) : `x${plain.slice(0, 63)}`
  return rest ? `{${safe}*}` : `{${safe}}`
}
