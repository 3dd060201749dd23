/**
 * Stage 3: what a request really does, as the route pack of its upstream says. Never "pass
 * through": a method and path that no pack knows are refused (I7, I22), and so is every request
 * that two readers could take for two different things.
 */
import type { ClassifiableRequest, Classifier } from '../domain/ports.ts'
import { isRefusal, refuse, type Refusal } from '../domain/refusal.ts'
import type { Classification, RequestTarget } from '../domain/request.ts'
import type { CompiledPack, CompiledRow, MethodGroup } from './pack/compiled-pack.ts'
import { classifyCall } from './grpc/classify-call.ts'
import { watchMessages } from './body/message-watch.ts'
import { readBody, type BodyRest } from './body/request-body.ts'
import { headerDisposition } from './target/request-headers.ts'
import { hasStranger, readQueryFields, saysTwice } from './target/query-fields.ts'
import {
  classifyRow,
  fixedClassification,
  isFixed,
  rowFor,
  type RequestFields,
} from './pack/rows.ts'
import { rowForStart, withRest } from './pack/start-of-body.ts'

/** What a classifier needs. */
export interface ClassifierOptions {
  readonly pack: CompiledPack
  /** The configured name of the upstream; the name of its `server:` resource. */
  readonly upstream: string
  /** Bodies that decide a request are held to this bound; of longer ones the rest is watched. */
  readonly peekBytesMax: number
}

const NO_VALUES: ReadonlyMap<string, never> = new Map<string, never>()

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
  const reading = {
    peekBytesMax: options.peekBytesMax,
    ignoresContentType: pack.ignoresContentType,
    requestCodings: pack.requestCodings,
  }
  const conclude = (
    request: ClassifiableRequest,
    group: MethodGroup,
    fields: RequestFields,
    rest?: BodyRest,
  ): Classification | Refusal => {
    const row = rest === undefined ? rowFor(group, fields) : rowForStart(group, fields, rest)
    if (isRefusal(row)) return row
    // Known and never served is answered like unknown.
    if (row === undefined || row.refused) return refuse('unclassified')
    if (request.upgrade && !row.upgrade) return refuse('upgrade_invalid')
    const said = (isFixed(row) ? fixed.get(row) : undefined) ?? classifyRow(row, pack.name, fields)
    const classified = rest === undefined ? said : withRest(said, rest, { row, group, fields })
    if (row.frames === undefined || isRefusal(classified)) return classified
    return { ...classified, frames: watchMessages(row.frames) }
  }
  return {
    classify: (request) => {
      const routed = route(request, pack)
      if (isRefusal(routed)) return routed
      const { group, captures } = routed
      const query = readQuery(request, group, pack)
      if (isRefusal(query)) return query
      const { headers } = request
      const known = { captures, query, headers, upstream }
      if (request.transport === 'grpc') {
        return classifyCall(request, group, {
          peekBytesMax: options.peekBytesMax,
          meaning: (proto) =>
            conclude(request, group, fieldsOf(known, NO_VALUES, NO_VALUES, proto)),
        })
      }
      const judged = readBody(request, group, reading, ({ body, form, rest }) =>
        conclude(request, group, fieldsOf(known, body, form, NO_VALUES), rest),
      )
      if (judged !== undefined) return judged
      return conclude(request, group, fieldsOf(known, NO_VALUES, NO_VALUES, NO_VALUES))
    },
  }
}

/** Written out: a spread of a second object costs as much as all the rest of a classification. */
function fieldsOf(
  { captures, query, headers, upstream }: Omit<RequestFields, 'body' | 'form' | 'proto'>,
  body: RequestFields['body'],
  form: RequestFields['form'],
  proto: RequestFields['proto'],
): RequestFields {
  return { captures, query, headers, upstream, body, form, proto }
}

function route(request: ClassifiableRequest, pack: CompiledPack): Routed | Refusal {
  const { target } = request
  if (!pack.decodesPath && target.path.includes('%')) return refuse('target_invalid')
  if (!takes(pack, target)) return refuse('target_invalid')
  const routed = request.transport === 'grpc' ? callOf(request, pack) : routeOf(request, pack)
  if (isRefusal(routed)) return routed
  if (target.encoded !== '' && !isPlain(routed, target.encoded)) return refuse('target_invalid')
  const { pairs } = request.headers
  for (let at = 0; at < pairs.length; at += 2) {
    const name = pairs[at] ?? ''
    if (headerDisposition(name) === 'select' && !routed.group.headerNames.has(name)) {
      return refuse('header_invalid')
    }
  }
  return routed
}

interface Routed {
  readonly group: MethodGroup
  readonly captures: readonly string[]
}

function callOf({ target }: ClassifiableRequest, pack: CompiledPack): Routed | Refusal {
  const group = target.query === undefined ? pack.calls.get(target.path) : undefined
  return group === undefined ? refuse('unclassified') : { group, captures: [] }
}

function routeOf({ target, method }: ClassifiableRequest, pack: CompiledPack): Routed | Refusal {
  const match = pack.matcher.match(target.segments)
  if (match === undefined) return refuse('unclassified')
  if (pack.verbs && hidesVerb(target, match.captures)) return refuse('unclassified')
  const path = match.value
  const group = path.firstMethod === method ? path.firstGroup : path.methods.get(method)
  if (group === undefined) return refuse('method_not_allowed', { allow: path.allow })
  return { group, captures: match.captures }
}

/** Whether no parameter that must be plain holds a character that is encoded in the target. */
function isPlain({ group, captures }: Routed, encoded: string): boolean {
  return group.plainCaptures.every((index) => {
    const text = captures[index] ?? ''
    return !Array.from(encoded).some((character) => text.includes(character))
  })
}

/** A verb that no route has, taken for part of a name: `models/m:unheardOf` is no model. */
function hidesVerb({ segments }: RequestTarget, captures: readonly string[]): boolean {
  return segments.at(-1)?.includes(':') === true && captures.at(-1)?.includes(':') === true
}

/** What was let pass for the sake of some upstream is not for all of them. */
function takes(pack: CompiledPack, { encoded, emptySegments }: RequestTarget): boolean {
  if (emptySegments && !pack.emptySegments) return false
  for (const character of encoded) if (!pack.encodable.includes(character)) return false
  return true
}

const STRANGER = 'The query holds a parameter that this upstream is not sent.'

function readQuery(
  request: ClassifiableRequest,
  group: MethodGroup,
  pack: CompiledPack,
): ReadonlyMap<string, string> | Refusal {
  const { query } = request.target
  if (query === undefined) return NO_VALUES
  if (pack.knowsQuery !== undefined && hasStranger(query, pack.knowsQuery)) {
    return refuse('target_invalid', { detail: STRANGER })
  }
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
