/**
 * Stage 3: what a request really does, as the route pack of its upstream says. Never "pass
 * through": a method and path that no pack knows are refused (I7, I22), and so is every request
 * that two readers could take for two different things.
 */
import type { ClassifiableRequest, Classifier } from '../domain/ports.ts'
import { isRefusal, refuse, type Refusal } from '../domain/refusal.ts'
import type { Classification, RequestTarget } from '../domain/request.ts'
import type { CompiledPack, CompiledRow, MethodGroup } from './pack/compiled-pack.ts'
import { readBody } from './body/request-body.ts'
import { headerDisposition } from './target/request-headers.ts'
import { readQueryFields, saysTwice } from './target/query-fields.ts'
import { classifyRow, fixedClassification, rowFor, type RequestFields } from './pack/rows.ts'

/** What a classifier needs. */
export interface ClassifierOptions {
  readonly pack: CompiledPack
  /** The configured name of the upstream; the name of its `server:` resource. */
  readonly upstream: string
  /** Bodies that decide a request are read to this bound; longer ones are refused. */
  readonly peekBytesMax: number
}

const NO_VALUES: ReadonlyMap<string, never> = new Map<string, never>()
const NO_BODY = { body: NO_VALUES, form: NO_VALUES, proto: NO_VALUES }

/**
 * A classifier for one upstream. Answers at once when no body has to be read. Refuses with
 * `unclassified`, `method_not_allowed`, `upgrade_invalid`, `header_invalid` (a header that selects
 * a model on a route that does not authorise by it), `target_invalid` (percent-encoding towards an
 * upstream that does not decode), `body_*` and `model_*`.
 */
export function createClassifier(options: ClassifierOptions): Classifier {
  const { pack, upstream } = options
  const fixed = new Map<CompiledRow, Classification>()
  for (const { row } of pack.routes) {
    const classification = fixedClassification(row, pack.name, upstream)
    if (classification !== undefined) fixed.set(row, classification)
  }
  const conclude = (
    request: ClassifiableRequest,
    group: MethodGroup,
    fields: RequestFields,
  ): Classification | Refusal => {
    const row = rowFor(group, fields)
    // Known and never served is answered like unknown.
    if (row === undefined || row.refused) return refuse('unclassified')
    if (request.upgrade && !row.upgrade) return refuse('upgrade_invalid')
    return fixed.get(row) ?? classifyRow(row, pack.name, fields)
  }
  return {
    classify: (request) => {
      const routed = route(request, pack)
      if (isRefusal(routed)) return routed
      const { group, captures } = routed
      const query = readQuery(request, group, pack)
      if (isRefusal(query)) return query
      const { headers } = request
      const body = readBody(request, group, {
        peekBytesMax: options.peekBytesMax,
        ignoresContentType: pack.ignoresContentType,
      })
      if (isRefusal(body)) return body
      if (body === undefined) {
        const fields = { captures, query, headers, upstream, ...NO_BODY }
        return conclude(request, group, fields)
      }
      return body.then((read) => {
        if (isRefusal(read)) return read
        return conclude(request, group, { captures, query, headers, upstream, ...read })
      })
    },
  }
}

function route(
  request: ClassifiableRequest,
  pack: CompiledPack,
): { readonly group: MethodGroup; readonly captures: readonly string[] } | Refusal {
  const { target } = request
  if (!pack.decodesPath && target.path.includes('%')) return refuse('target_invalid')
  if (!takes(pack, target)) return refuse('target_invalid')
  if (request.transport === 'grpc') {
    const call = pack.calls.get(target.path)
    return call === undefined ? refuse('unclassified') : { group: call, captures: [] }
  }
  const match = pack.matcher.match(request.target.segments)
  if (match === undefined) return refuse('unclassified')
  const { methods, allow } = match.value
  const group = methods.get(request.method)
  if (group === undefined) return refuse('method_not_allowed', { allow })
  const { pairs } = request.headers
  for (let at = 0; at < pairs.length; at += 2) {
    const name = pairs[at] ?? ''
    if (headerDisposition(name) === 'select' && !group.headerNames.has(name)) {
      return refuse('header_invalid')
    }
  }
  return { group, captures: match.captures }
}

/** What was let pass for the sake of some upstream is not for all of them. */
function takes(pack: CompiledPack, { encoded, emptySegments }: RequestTarget): boolean {
  if (emptySegments && !pack.emptySegments) return false
  for (const character of encoded) if (!pack.encodable.includes(character)) return false
  return true
}

function readQuery(
  request: ClassifiableRequest,
  group: MethodGroup,
  pack: CompiledPack,
): ReadonlyMap<string, string> | Refusal {
  const { query } = request.target
  if (query === undefined) return NO_VALUES
  if (pack.exclusiveQuery.size > 0 && saysTwice(query, pack.exclusiveQuery)) {
    return refuse('target_invalid')
  }
  if (group.queryNames.size === 0) return NO_VALUES
  const values = readQueryFields(query, group.queryNames)
  if (isRefusal(values)) return values
  // The body decides here. A query that says it too is read instead by some versions of some
  // upstreams, and a check on the one would authorise the wrong object.
  return group.bodyOnlyNames.some((name) => values.has(name)) ? refuse('model_conflict') : values
}
