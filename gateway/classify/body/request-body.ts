/** Reads what a route needs of a request body, within bounds, or refuses. */
import type { ClassifiableRequest } from '../../domain/ports.ts'
import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import { readJsonFields, type FieldValue } from './body-fields.ts'
import type { MethodGroup } from '../pack/compiled-pack.ts'
import { isJson, parseMediaType } from './media-type.ts'
import { readFormFields } from './multipart.ts'

/** The wanted values of a body. */
export interface BodyFields {
  readonly body: ReadonlyMap<string, FieldValue>
  readonly form: ReadonlyMap<string, string>
  readonly proto: ReadonlyMap<string, FieldValue>
}

const NONE: ReadonlyMap<string, never> = new Map<string, never>()

/** How bodies are read. */
export interface BodyReading {
  readonly peekBytesMax: number
  /** Whether the upstream parses JSON whatever the content type says. */
  readonly ignoresContentType: boolean
}

/**
 * The wanted values, or `undefined` when there are none to read. Refuses a body with GET, HEAD,
 * OPTIONS, and where the route takes none (`body_unexpected`: MLflow takes the parameters of a GET
 * from its body); a content coding, or a media type the upstream would read otherwise
 * (`body_encoding`); a body past the bound (`body_over_peek`), because a repeated field may follow.
 */
export function readBody(
  request: ClassifiableRequest,
  group: MethodGroup,
  reading: BodyReading,
): Promise<BodyFields | Refusal> | Refusal | undefined {
  if (!request.hasBody) return undefined
  if (group.body === 'none' || isBodiless(request.method)) return refuse('body_unexpected')
  if (group.body === 'any') return undefined
  const contentType = request.headers.get('content-type')
  if (!isReadable(request, group, reading)) return refuse('body_encoding')
  if (group.bodyTree === undefined && group.formNames.size === 0) return undefined
  return peek(request, group, contentType, reading.peekBytesMax)
}

/** Whether the gateway reads such a body as the upstream does. */
function isReadable(
  { headers }: ClassifiableRequest,
  { body }: MethodGroup,
  { ignoresContentType }: BodyReading,
): boolean {
  // Not read yet.
  if (body === 'proto' || body === 'ndjson') return false
  const coding = headers.get('content-encoding')
  if (coding !== undefined && coding.trim().toLowerCase() !== 'identity') return false
  return body !== 'json' || ignoresContentType || saysJson(headers.get('content-type'))
}

function isBodiless(method: ClassifiableRequest['method']): boolean {
  return method === 'GET' || method === 'HEAD' || method === 'OPTIONS'
}

function saysJson(contentType: string | undefined): boolean {
  const media = contentType === undefined ? undefined : parseMediaType(contentType)
  return media !== undefined && isJson(media)
}

async function peek(
  request: ClassifiableRequest,
  group: MethodGroup,
  contentType: string | undefined,
  bytesMax: number,
): Promise<BodyFields | Refusal> {
  const peeked = await request.peekBody(bytesMax)
  if (isRefusal(peeked)) return peeked
  if (!peeked.complete) return refuse('body_over_peek')
  if (group.bodyTree !== undefined) {
    const body = readJsonFields(peeked.bytes, group.bodyTree)
    return isRefusal(body) ? body : { body, form: NONE, proto: NONE }
  }
  const form = readFormFields(peeked.bytes, contentType, group.formNames)
  return isRefusal(form) ? form : { body: NONE, form, proto: NONE }
}
