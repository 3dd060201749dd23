/**
 * Finds the handler of a request. Like Starlette (which MLServer, KServe and vLLM stand on), it
 * decodes percent-encoding first and routes afterwards, so `/v2/models%2Firis` is a spelling of
 * `/v2/models/iris`. A gateway in front must know that many spellings reach one route.
 */
import { HttpError } from './http-error.ts'

/** Values of the `{name}` segments of a route. */
export type PathParameters = Readonly<Record<string, string>>

/** One line of the route table. */
export interface Route<Handler> {
  readonly methods: readonly string[]
  /** `/v2/models/{model}`: `{name}` stands for one segment that is not empty. */
  readonly path: string
  readonly handler: Handler
}

/**
 * The handler for `method` on `target` (as it stands in the request line).
 * @throws HttpError 400 when the target cannot be decoded, 404 when no route has this path, 405
 * (with `Allow`) when one has, but not with this method.
 */
export function findRoute<Handler>(
  routes: readonly Route<Handler>[],
  method: string,
  target: string,
): { readonly handler: Handler; readonly parameters: PathParameters } {
  const segments = decodePath(target).split('/')
  const allowed = new Set<string>()
  for (const route of routes) {
    const parameters = match(route.path.split('/'), segments)
    if (parameters === undefined) continue
    if (route.methods.includes(method)) return { handler: route.handler, parameters }
    for (const other of route.methods) allowed.add(other)
  }
  if (allowed.size === 0) throw new HttpError(404, 'Not Found')
  throw new HttpError(405, 'Method Not Allowed', { allow: [...allowed].join(', ') })
}

function decodePath(target: string): string {
  try {
    return decodeURIComponent(target.split('?', 1)[0] ?? '')
  } catch {
    throw new HttpError(400, 'the path is not percent-encoded UTF-8')
  }
}

function match(
  pattern: readonly string[],
  segments: readonly string[],
): PathParameters | undefined {
  if (pattern.length !== segments.length) return undefined
  const parameters: Record<string, string> = {}
  for (const [i, expected] of pattern.entries()) {
    const segment = segments[i] ?? ''
    if (expected.startsWith('{') && segment !== '') parameters[expected.slice(1, -1)] = segment
    else if (expected !== segment) return undefined
  }
  return parameters
}
