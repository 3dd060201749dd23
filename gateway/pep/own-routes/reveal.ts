/** Turns tokens of data back: `POST /.modelgate/v1/reveal`. */
import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import type { Classification } from '../../domain/request.ts'
import type { Resource } from '../../domain/vocabulary.ts'
import { isResourceName } from '../../classify/names.ts'
import { datasetText } from '../classes/class-duties.ts'
import { readTape, type JsonTape } from '../classes/json-tape.ts'
import { established, type Exchange } from '../exchange.ts'
import { environmentFor } from '../exports/grant-in-use.ts'
import { dutiesOf, type Duties } from '../obligations/duties.ts'
import type { Answer } from '../result.ts'
import type { OwnRoute } from './own-route.ts'

const PATH = '/.modelgate/v1/reveal'
const TOKENS_MAX = 1_000

interface Asked {
  readonly resource: Resource
  readonly tokens: readonly string[]
}

/** What was read of the body, until the answer. */
const asked = new WeakMap<Exchange, Asked>()

/**
 * `{"dataset": name, "tokens": [at most 1,000]}` is `data:read` of that dataset, and needs a grant in
 * use besides the permit. Answers `{"values": […]}` in the order asked; what is no token of that
 * dataset, whatever the reason, is `null` there and named by its position in `refused`.
 */
export const REVEAL: OwnRoute = {
  path: PATH,
  method: 'POST',
  async classify(exchange): Promise<Classification | Refusal> {
    const read = await readBody(exchange)
    if (isRefusal(read)) return read
    asked.set(exchange, read)
    return {
      pack: 'modelgate',
      route: `POST ${PATH}`,
      operations: [{ action: 'data:read', resource: read.resource }],
      upgrade: false,
      errorShape: 'problem',
    }
  },
  demand(exchange) {
    const { operations } = established(exchange.classification, 'classification')
    const { grant, now } = environmentFor(exchange, operations[0])
    if (grant !== undefined && grant.expiresAt > now) return undefined
    const detail =
      'Values are revealed only under a grant for data:read of the dataset: ask its owner for one.'
    return refuse('condition_failed', { detail })
  },
  answer(exchange) {
    const read = established(asked.get(exchange), 'the tokens')
    const { dataTokens } = exchange.runtime
    const duties = dutiesOf(established(exchange.decisions, 'decisions'))
    if (dataTokens?.ready !== true || 'source' in duties) {
      return refuse('obligation_unknown', { detail: 'There is no key for tokens of data.' })
    }
    const dataset = datasetText(read.resource)
    const refused: number[] = []
    const values = read.tokens.map((token, at) => {
      const value = dataTokens.reveal(dataset, token)
      if (value === undefined || !mayKnow(duties, dataset, value.dataClass)) {
        refused.push(at)
        return 'null'
      }
      return value.kind === 'string' ? JSON.stringify(value.text) : value.text
    })
    exchange.revealed = values.length - refused.length
    const more = refused.length === 0 ? '' : `,"refused":${JSON.stringify(refused)}`
    return answerOf(`{"values":[${values.join(',')}]${more}}`)
  },
}

/** What a limit removes, masks or makes coarser for this caller is not for it by another way. */
function mayKnow({ classes }: Duties, dataset: string, dataClass: string): boolean {
  const treatment = classes.get(dataset)?.treatments.get(dataClass) ?? 'pass'
  return treatment === 'pass' || treatment === 'tokenise'
}

function answerOf(body: string): Answer {
  const contentType = 'application/json'
  return { outcome: 'answered', status: 200, contentType, cacheControl: 'no-store', body }
}

async function readBody(exchange: Exchange): Promise<Asked | Refusal> {
  const { headers, body } = established(exchange.admitted, 'admitted')
  const type = (headers.get('content-type') ?? '').toLowerCase().replace(/\s/g, '')
  const isJson = type === 'application/json' || type === 'application/json;charset=utf-8'
  if (!isJson || headers.get('content-encoding') !== undefined) return refuse('body_encoding')
  const peeked = await body.peek(exchange.runtime.limits.peekBytesMax)
  if (isRefusal(peeked)) return peeked
  if (!peeked.complete) return refuse('body_too_large')
  const tape = readTape(peeked.bytes)
  return (
    (tape === undefined ? undefined : askedIn(tape)) ?? refuse('body_unparsable', { detail: HOW })
  )
}

const HOW = `Send one JSON object with a dataset, by its name, and at most ${TOKENS_MAX} tokens.`

function askedIn(tape: JsonTape): Asked | undefined {
  if (tape.kind(0) !== 'object') return undefined
  const members = new Map([...tape.children(0)].map((member) => [tape.keyText(member), member]))
  const [dataset, list] = [members.get('dataset'), members.get('tokens')]
  const isExact = members.size === 2 && [...tape.children(0)].length === 2
  if (!isExact || dataset === undefined || list === undefined) return undefined
  const name = tape.kind(dataset) === 'string' ? tape.text(dataset) : ''
  if (!isResourceName(name) || tape.kind(list) !== 'array') return undefined
  const items = [...tape.children(list)]
  if (items.length === 0 || items.length > TOKENS_MAX) return undefined
  if (items.some((item) => tape.kind(item) !== 'string')) return undefined
  return { resource: { kind: 'dataset', name }, tokens: items.map((item) => tape.text(item)) }
}
