/** Discharges what is demanded of parameters: finds them wherever a request can carry them. */
import { isJson, parseMediaType } from '../../classify/body/media-type.ts'
import { foldFieldName } from '../../classify/names.ts'
import { REQUEST_SOURCE_HEADER, type ParameterName } from '../../domain/parameters.ts'
import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import type { HeaderBag } from '../../domain/request.ts'
import { established, type Exchange } from '../exchange.ts'
import type { Duties, ParameterDuty } from './duties.ts'
import { limitBody, unreadable, type LimitedBody } from './limited-body.ts'
import { lengthFields, LISTED, SPELLINGS } from './spelling-table.ts'

type ParameterDuties = ReadonlyMap<ParameterName, ParameterDuty>

/** The body as it may go on; `undefined` when there is none and nothing to do. */
export async function limitRequest(
  exchange: Exchange,
  { parameters: duties, apart }: Pick<Duties, 'parameters' | 'apart'>,
): Promise<LimitedBody | Refusal | undefined> {
  const bytes = await bodyToLimit(exchange, duties)
  if (bytes === undefined || isRefusal(bytes)) return bytes
  const { route, target } = established(exchange.admitted, 'admitted')
  const { pack } = established(exchange.classification, 'classification')
  return limitBody(bytes, { duties, apart, ...lengthFields(pack, (route?.target ?? target).path) })
}

/**
 * The whole body, waited for; `undefined` when there is none. Fails closed: where a parameter could
 * be and cannot be looked for (query, upgrade, another media type, a body that is too large), the
 * request is refused and told why.
 */
export async function bodyToLimit(
  exchange: Exchange,
  duties: ParameterDuties,
): Promise<Buffer | Refusal | undefined> {
  const { headers, framing, body, route, target } = established(exchange.admitted, 'admitted')
  if (exchange.upgrade !== undefined) {
    const detail = `${unreadable(duties)} Frames of a WebSocket are not read.`
    return refuse('parameter_refused', { detail })
  }
  const inQuery = queryRefusal((route?.target ?? target).query, duties)
  if (inQuery !== undefined) return inQuery
  if (headers.get(REQUEST_SOURCE_HEADER) !== undefined) {
    const detail = `${unreadable(duties)} It is in a file.`
    return refuse('parameter_refused', { detail })
  }
  if (framing.kind === 'none') return undefined
  if (!isPlainJson(headers)) return refuse('body_encoding', { detail: unreadable(duties) })
  const peeked = await body.peek(exchange.runtime.limits.peekBytesMax)
  if (isRefusal(peeked)) return peeked
  return peeked.complete ? peeked.bytes : refuse('body_over_peek', { detail: unreadable(duties) })
}

/**
 * No inference API that is known takes these parameters from the query; one that did would not be
 * limited by the body. So they are refused there, in any spelling.
 */
function queryRefusal(query: string | undefined, duties: ParameterDuties): Refusal | undefined {
  if (query === undefined || query === '') return undefined
  for (const part of query.split(/[&;]/)) {
    const [key = '', ...value] = part.split('=').map(decoded)
    const parameter = parameterIn(key, value.join('='), duties)
    if (parameter === undefined) continue
    const source = duties.get(parameter)?.source ?? ''
    return refuse('parameter_refused', {
      detail: `The parameter ${parameter} cannot be limited in the query, says the limit in ${source}.`,
    })
  }
  return undefined
}

/** `options.num_predict` and `options[num_predict]` are ways to write a field of an object. */
function parameterIn(
  key: string,
  value: string,
  duties: ParameterDuties,
): ParameterName | undefined {
  for (const name of key.split(/[.[\]]/)) {
    const folded = foldFieldName(name)
    const spelt = SPELLINGS.get(folded)?.find(({ parameter }) => duties.has(parameter))
    if (spelt !== undefined) return spelt.parameter
    // `include[]=message.output_text.logprobs` when an answer is fetched that was stored.
    const listed = LISTED.get(folded)?.find((one) => value.includes(one.value))
    if (listed !== undefined && duties.has(listed.parameter)) return listed.parameter
  }
  return undefined
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch {
    return text
  }
}

/** A form, or JSON that is compressed, is read by the upstream and not by us. */
function isPlainJson(headers: HeaderBag): boolean {
  const coding = headers.get('content-encoding')
  if (coding !== undefined && coding.trim().toLowerCase() !== 'identity') return false
  const type = headers.get('content-type')
  const media = type === undefined ? undefined : parseMediaType(type)
  return media !== undefined && isJson(media)
}

const DIGESTS: ReadonlySet<string> = new Set([
  'content-digest',
  'content-md5',
  'digest',
  'repr-digest',
])

/** The fields without those that vouch for the bytes the client sent, which are no longer these. */
export function withoutDigests(headers: HeaderBag): HeaderBag {
  const { pairs } = headers
  return {
    get: (name) => (DIGESTS.has(name) ? undefined : headers.get(name)),
    pairs: pairs.filter((_, i) => !DIGESTS.has(pairs[i - (i % 2)] ?? '')),
  }
}
