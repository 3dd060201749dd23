/** Reads what a route needs of a request body, within bounds, or refuses. */
import type { ClassifiableRequest } from '../../domain/ports.ts'
import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import type { MethodGroup, Origin, RequestCoding } from '../pack/compiled-pack.ts'
import type { FieldTree, FieldValue } from './body-fields.ts'
import { NO_VALUES, tooFarBack, type BodyScanner } from './body-scanner.ts'
import { codingOf, undoCoding } from './content-coding.ts'
import { JsonBodyScanner, readJsonFields } from './json-fields.ts'
import { isJson, isNdjson, parseMediaType } from './media-type.ts'
import { multipartScanner } from './multipart.ts'
import { NdjsonScanner } from './ndjson.ts'
import { isUrlencoded, UrlencodedScanner } from './urlencoded.ts'

/** The wanted values of a body. */
export interface BodyFields {
  readonly body: ReadonlyMap<string, FieldValue>
  readonly form: ReadonlyMap<string, string>
  readonly proto: ReadonlyMap<string, FieldValue>
  /** Present when there is more of the body than could be held. */
  readonly rest?: BodyRest
}

/** A body of which the first part has been read. */
export interface BodyRest {
  readonly scanner: BodyScanner
  /** Bytes that the scanner has seen. */
  readonly seenBytes: number
}

/** How bodies are read. */
export interface BodyReading {
  readonly peekBytesMax: number
  /** Whether the upstream parses JSON whatever the content type says. */
  readonly ignoresContentType: boolean
  /** Content codings that the upstream undoes. */
  readonly requestCodings: readonly RequestCoding[]
}

/** Whether a value of that origin could still come in the rest of the body. */
export function isOpen({ scanner }: BodyRest, origin: Origin): boolean {
  return (origin.kind === 'body' || origin.kind === 'form') && scanner.isOpen(origin.name)
}

/**
 * What `conclude` makes of the wanted values, or `undefined` when there are none to read. Refuses a
 * body with GET, HEAD, OPTIONS, and where the route takes none (`body_unexpected`: MLflow takes the
 * parameters of a GET from its body); a content coding, or a media type, that the upstream would
 * read otherwise (`body_encoding`); a body past the bound whose start cannot be judged alone
 * (`body_over_peek`). A body at hand costs one turn of the queue of promises.
 */
export function readBody<T>(
  request: ClassifiableRequest,
  group: MethodGroup,
  reading: BodyReading,
  conclude: (read: BodyFields) => T,
): Promise<T | Refusal> | Refusal | undefined {
  if (!request.hasBody) return undefined
  if (group.body === 'none' || isBodiless(request.method)) return refuse('body_unexpected')
  if (group.body === 'any') return undefined
  const coding = codingOf(request.headers.get('content-encoding'), reading.requestCodings)
  if (isRefusal(coding)) return coding
  if (!isReadable(request, group, reading)) return refuse('body_encoding')
  if (group.bodyTree === undefined && group.formNames.size === 0) return undefined
  const bytesMax = reading.peekBytesMax
  const settle = (read: BodyFields | Refusal) => (isRefusal(read) ? read : conclude(read))
  return request.peekBody(bytesMax).then((peeked) => {
    if (isRefusal(peeked)) return peeked
    const { bytes, complete } = peeked
    const contentType = request.headers.get('content-type')
    if (coding === undefined) {
      // What came in the same piece is not looked at: where the pieces end says nothing.
      const start = complete ? undefined : bytes.subarray(0, bytesMax)
      return settle(
        start === undefined
          ? readWhole(bytes, group, contentType)
          : readStart(start, group, contentType),
      )
    }
    if (!complete) return refuse('body_over_peek', { detail: CODED })
    return undoCoding(bytes, coding, bytesMax).then((decoded) =>
      settle(isRefusal(decoded) ? decoded : readWhole(decoded, group, contentType)),
    )
  })
}

const CODED = 'Send a smaller body, or one without Content-Encoding.'

/** Whether the content type says what the route expects. */
function isReadable(
  { headers }: ClassifiableRequest,
  { body }: MethodGroup,
  { ignoresContentType }: BodyReading,
): boolean {
  if (ignoresContentType || (body !== 'json' && body !== 'ndjson')) return body !== 'proto'
  const contentType = headers.get('content-type')
  const media = contentType === undefined ? undefined : parseMediaType(contentType)
  return media !== undefined && (body === 'json' ? isJson(media) : isNdjson(media))
}

function isBodiless(method: ClassifiableRequest['method']): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
}

function readWhole(
  bytes: Buffer,
  group: MethodGroup,
  contentType: string | undefined,
): BodyFields | Refusal {
  if (group.bodyTree !== undefined && group.body !== 'ndjson') {
    const body = readJsonFields(bytes, group.bodyTree)
    return isRefusal(body) ? body : { body, form: NO_VALUES, proto: NO_VALUES }
  }
  const scanner = scannerFor(group, contentType)
  if (isRefusal(scanner)) return scanner
  const refusal = scanner.push(bytes) ?? scanner.end()
  if (isRefusal(refusal)) return refusal
  return { body: scanner.body, form: scanner.form, proto: NO_VALUES }
}

/** What is here of a body that is longer; who judges by it sees to the rest. */
function readStart(
  bytes: Buffer,
  group: MethodGroup,
  contentType: string | undefined,
): BodyFields | Refusal {
  const scanner = scannerFor(group, contentType)
  if (isRefusal(scanner)) return scanner
  const refusal = scanner.push(bytes)
  if (isRefusal(refusal)) return refusal
  if (!scanner.suspend()) return tooFarBack(undefined)
  const rest = { scanner, seenBytes: bytes.length }
  return { body: scanner.body, form: scanner.form, proto: NO_VALUES, rest }
}

function scannerFor(
  { body, bodyTree, formNames }: MethodGroup,
  contentType: string | undefined,
): BodyScanner | Refusal {
  if (bodyTree !== undefined) return jsonScanner(body, bodyTree)
  if (body === 'form' && isUrlencoded(contentType)) return new UrlencodedScanner(formNames)
  return multipartScanner(contentType, formNames)
}

function jsonScanner(body: MethodGroup['body'], tree: FieldTree): BodyScanner {
  return body === 'ndjson' ? new NdjsonScanner(tree) : new JsonBodyScanner(tree)
}
