/**
 * Counts what requests ask, for the detector: bodies as they go upstream, messages of WebSockets and
 * gRPC calls one by one. What is not here yet is counted as it passes; nothing waits for it.
 */
import { Transform, type Readable, type TransformCallback } from 'node:stream'
import type { MessageJudge, OutboundRequest } from '../../domain/ports.ts'
import type { Suspicion } from '../../detect/subject-window.ts'
import type { RequestFeatures } from '../../detect/features.ts'
import { refuse, type Refusal } from '../../domain/refusal.ts'
import { established, type Exchange } from '../exchange.ts'
import { createGathered } from '../gathered.ts'
import { createMessageCounter } from '../grpc/message-counter.ts'
import { locksOnIncident, raiseIncident } from './incidents.ts'
import type { Services } from '../runtime.ts'

type Body = OutboundRequest['body']

/**
 * Counts a request that is about to be forwarded. One that is all here is counted at once where an
 * incident would keep its caller out, and is then refused; where it would only be told of, it is
 * counted when the request is on its way.
 * @returns the body to forward, or why it may not be
 */
export function countRequest(exchange: Exchange, services: Services, body: Body): Body | Refusal {
  const { watches, upgrade } = exchange
  if (watches === undefined || upgrade !== undefined) return body
  if (exchange.transport === 'grpc') return countCall(exchange, services, body)
  if (body !== null && !Buffer.isBuffer(body)) return countStream(exchange, services, body)
  const count = (): Refusal | undefined =>
    observe(exchange, services, () => featuresOf(exchange, services, body ?? targetOf(exchange)))
  if (locksOnIncident(exchange)) return count() ?? body
  setImmediate(count)
  return body
}

/** Counts each message of a WebSocket, then has it judged if it is to be. */
export function countMessages(
  exchange: Exchange,
  services: Services,
  judge: MessageJudge | undefined,
): MessageJudge | undefined {
  if (exchange.watches === undefined) return judge
  return {
    bytesMax: judge?.bytesMax ?? exchange.runtime.limits.peekBytesMax,
    judge(kind, payload) {
      const against = observe(exchange, services, () => featuresOf(exchange, services, payload))
      if (against === undefined) return judge?.judge(kind, payload)
      services.metrics.streamCut(against.reason)
      return against
    },
  }
}

function countCall(exchange: Exchange, services: Services, body: Body): Body | Refusal {
  const { features } = services.extraction
  const onMessage = (bytes: Buffer, isWhole: boolean): Refusal | undefined =>
    observe(exchange, services, () => (isWhole ? features.opaque(bytes) : features.unread()))
  const counter = createMessageCounter(exchange.runtime.limits.peekBytesMax)
  if (body === null) return body
  if (Buffer.isBuffer(body)) {
    let against: Refusal | undefined
    counter.push(body, (bytes, isWhole) => (against ??= onMessage(bytes, isWhole)))
    return against ?? body
  }
  return passing(body, (chunk) => {
    let against: Refusal | undefined
    counter.push(chunk, (bytes, isWhole) => (against ??= onMessage(bytes, isWhole)))
    if (against !== undefined) end(exchange, services, against)
    return against
  })
}

/** An input that embeddings are asked for, in a body that is too large to be read. */
const BYTES_PER_INPUT = 1_024

/**
 * A body that is still coming in: read when its end is here, if it is not too large by then. One that
 * is counts once, and where embeddings are asked for, once for each part that could have been read.
 */
function countStream(exchange: Exchange, services: Services, body: Readable): Readable {
  const bytesMax = exchange.runtime.limits.peekBytesMax
  const { features } = services.extraction
  const isEmbedding = asksEmbeddings(exchange)
  let held: ReturnType<typeof createGathered> | undefined = createGathered()
  let unread = 0
  const judge = (read: () => RequestFeatures): Refusal | undefined => {
    const against = observe(exchange, services, read)
    if (against !== undefined) end(exchange, services, against)
    return against
  }
  return passing(
    body,
    (chunk) => {
      if (held === undefined) {
        unread += chunk.length
        if (!isEmbedding || unread <= bytesMax) return undefined
      } else {
        held.add(chunk)
        if (held.size() <= bytesMax && !held.isDribbled()) return undefined
        unread = held.size()
        held = undefined
      }
      const vectors = isEmbedding ? Math.ceil(unread / BYTES_PER_INPUT) : 0
      unread = 0
      return judge(() => features.unread(vectors))
    },
    () => {
      const whole = held
      return whole && judge(() => featuresOf(exchange, services, whole.bytes()))
    },
  )
}

/** Bytes on their way, each looked at; the last goes on when `atEnd` finds nothing against it. */
function passing(
  source: Readable,
  look: (chunk: Buffer) => Refusal | undefined,
  atEnd: () => Refusal | undefined = () => undefined,
): Readable {
  const refused = new Error('the request was refused')
  const stream = new Transform({
    transform(chunk: Buffer, _encoding, done: TransformCallback) {
      if (look(chunk) === undefined) done(null, chunk)
      else done(refused)
    },
    flush(done) {
      done(atEnd() === undefined ? null : refused)
    },
  })
  let isEnded = source.readableEnded
  const breakOff = (): void => {
    if (!isEnded) stream.destroy(new Error('the request body broke off'))
  }
  // Someone must listen, also while the body waits for a connection (I18).
  stream.on('error', () => source.unpipe(stream))
  source.once('end', () => (isEnded = true))
  source.on('error', breakOff).once('close', breakOff).pipe(stream)
  if (source.destroyed) breakOff()
  return stream
}

function end(exchange: Exchange, services: Services, refusal: Refusal): void {
  services.metrics.streamCut(refusal.reason)
  exchange.cut?.(refusal)
}

const EMBEDDINGS = /embed|pooling|\/encode$|feature-extraction/i
/** What TEI answers here are embeddings, unless its model classifies. */
const ALSO_EMBEDDINGS: ReadonlySet<string> = new Set(['/', '/invocations', '/vertex'])

function asksEmbeddings(exchange: Exchange): boolean {
  const { pack, route } = established(exchange.classification, 'classification')
  const path = route.slice(route.indexOf(' ') + 1)
  return EMBEDDINGS.test(route) || (pack === 'tei' && ALSO_EMBEDDINGS.has(path))
}

function featuresOf(exchange: Exchange, services: Services, bytes: Buffer): RequestFeatures {
  return services.extraction.features.read(bytes, asksEmbeddings(exchange))
}

/** What a request without a body asks stands in its target. */
function targetOf(exchange: Exchange): Buffer {
  const { target } = established(exchange.admitted, 'admitted')
  return Buffer.from(target.query === undefined ? target.path : `${target.path}?${target.query}`)
}

/**
 * Counts one request under every limit that watches; what is found is an incident. Watching never
 * fails a request: it goes on, and the failure is told.
 * @returns a refusal when the caller is kept out for it
 */
function observe(
  exchange: Exchange,
  services: Services,
  read: () => RequestFeatures,
): Refusal | undefined {
  try {
    const { id } = established(exchange.subject, 'subject')
    const features = readable(exchange, services, read)
    const found = (exchange.watches ?? []).flatMap((watch) =>
      services.extraction.observe(id, watch, features),
    )
    services.metrics.obligation('watch.extraction', 'unchanged')
    return found.length === 0 ? undefined : suspect(exchange, services, found)
  } catch (error) {
    services.log.error({ decisionId: exchange.id, err: error }, 'a request could not be counted')
    return undefined
  }
}

/** What cannot be read is different from everything. */
function readable(
  exchange: Exchange,
  services: Services,
  read: () => RequestFeatures,
): RequestFeatures {
  try {
    return read()
  } catch (error) {
    services.log.error({ decisionId: exchange.id, err: error }, 'a request could not be read')
    return services.extraction.features.unread()
  }
}

function suspect(
  exchange: Exchange,
  services: Services,
  found: readonly Suspicion[],
): Refusal | undefined {
  const rules = [...new Set(found.map(({ rule }) => rule))]
  for (const rule of rules) services.metrics.extractionSuspected(rule)
  const seen = found.map(({ windowMs, ...one }) => ({ ...one, window_ms: windowMs }))
  const until = raiseIncident(exchange, services, {
    kind: 'extraction',
    found: rules.join(' '),
    evidence: { seen, counted: 'by this replica' },
  })
  if (until === undefined) return undefined
  return refuse('extraction_suspected', {
    detail:
      `The requests look like taking the model apart. You are kept out until ${new Date(until).toISOString()}. ` +
      `Name decision ${exchange.id} to the operator, who can let you in again.`,
  })
}
