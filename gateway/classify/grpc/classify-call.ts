/**
 * What a gRPC call does, by its messages: the first before the call goes on, every one of them as it
 * is forwarded. A message that is not complete is never acted on, so that bytes of it may go on
 * before it is known what it says; its last byte may not.
 */
import type { ClassifiableRequest } from '../../domain/ports.ts'
import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import type { Classification } from '../../domain/request.ts'
import { resourceText, type Operation } from '../../domain/vocabulary.ts'
import type { BodyWatch, WatchVerdict } from '../../domain/watch.ts'
import type { FieldValue } from '../body/body-fields.ts'
import type { MethodGroup } from '../pack/compiled-pack.ts'
import { MessageReader, readFirst, type FirstMessage, type MessageReading } from './call-reader.ts'
import { PREFIX_BYTES } from './framing.ts'
import { messageCoding } from './message-coding.ts'

/** What a message means, by its fields. */
export type ReadMeaning = (fields: ReadonlyMap<string, FieldValue>) => Classification | Refusal

const NO_FIELDS: ReadonlyMap<string, never> = new Map<string, never>()
const CODINGS = 'Send messages plain, or compressed with gzip or deflate.'
const OTHER = 'Its last part says something else than its first.'

/** The first look at a body: more than a name needs, and less than a tensor has. */
const FIRST_LOOK_BYTES = 512

/**
 * Classifies a call by its first message and gives it the watch that follows. Refuses with
 * `body_encoding` (a compression that cannot be read), `body_unparsable`, `body_over_peek`,
 * `body_unexpected` (a second message where the method takes one) and what `meaning` refuses with.
 */
export async function classifyCall(
  request: ClassifiableRequest,
  group: MethodGroup,
  { peekBytesMax, meaning }: { readonly peekBytesMax: number; readonly meaning: ReadMeaning },
): Promise<Classification | Refusal> {
  const coding = messageCoding(request.headers.get('grpc-encoding'))
  if (coding === undefined) return refuse('body_encoding', { detail: CODINGS })
  const { tree, clientStreams } = group.messages ?? { tree: undefined, clientStreams: false }
  const reading = { tree, coding, clientStreams, compressedBytesMax: peekBytesMax }
  const classification =
    tree === undefined || !request.hasBody
      ? meaning(NO_FIELDS)
      : await readStart(request, reading, { peekBytesMax, meaning })
  if (isRefusal(classification)) return classification
  return { ...classification, watch: new CallWatch(classification, reading, meaning) }
}

async function readStart(
  request: ClassifiableRequest,
  reading: Omit<MessageReading, 'onMessage'>,
  { peekBytesMax, meaning }: { readonly peekBytesMax: number; readonly meaning: ReadMeaning },
): Promise<Classification | Refusal> {
  let wanted = PREFIX_BYTES
  for (;;) {
    const peeked = await request.peekBody(wanted)
    if (isRefusal(peeked)) return peeked
    const { bytes, complete } = peeked
    const first = readFirst(bytes, complete, reading)
    if (isRefusal(first)) return first
    const isLast = complete || bytes.length >= peekBytesMax
    const settled = settle(first, isLast, meaning)
    if (settled !== undefined) return settled
    wanted = Math.min(peekBytesMax, nextLook(bytes))
  }
}

/** What the first message means, once enough of it is here. */
function settle(
  first: FirstMessage,
  isLast: boolean,
  meaning: ReadMeaning,
): Classification | Refusal | undefined {
  if (first === 'more') return isLast ? refuse('body_over_peek') : undefined
  const classified = meaning(first.fields)
  if (first.isWhole || !isRefusal(classified)) return classified
  // What is missing may still come: writers need not keep to the order of numbers.
  return isLast ? refuse('body_over_peek') : undefined
}

/** Twice what is here, and no more than the message has. */
function nextLook(bytes: Buffer): number {
  const twice = Math.max(FIRST_LOOK_BYTES, 2 * bytes.length)
  if (bytes.length < PREFIX_BYTES) return PREFIX_BYTES
  return Math.max(bytes.length + 1, Math.min(twice, PREFIX_BYTES + bytes.readUInt32BE(1)))
}

/** Follows every message of a call to its end. */
class CallWatch implements BodyWatch {
  private readonly reader: MessageReader
  private isFirst = true
  private more: Operation[] = []
  private readonly first: Classification
  private readonly meaning: ReadMeaning

  constructor(
    first: Classification,
    reading: Omit<MessageReading, 'onMessage'>,
    meaning: ReadMeaning,
  ) {
    this.first = first
    this.meaning = meaning
    this.reader = new MessageReader({ ...reading, onMessage: (fields) => this.judge(fields) })
  }

  push(chunk: Buffer): Exclude<WatchVerdict, 'hold'> {
    const refusal = this.reader.push(chunk)
    if (refusal !== undefined) return refusal
    if (this.more.length === 0) return undefined
    const { more } = this
    this.more = []
    return more
  }

  end(): Refusal | undefined {
    return this.reader.finish()
  }

  private judge(fields: ReadonlyMap<string, FieldValue>): Refusal | undefined {
    const meant = this.meaning(fields)
    if (isRefusal(meant)) return meant
    const isFirst = this.isFirst
    this.isFirst = false
    // The connection, the record and the assertion were chosen for what the first part said.
    if (meant.route !== this.first.route) return refuse('model_conflict', { detail: OTHER })
    if (sameOperations(meant, this.first)) return undefined
    if (isFirst) return refuse('model_conflict', { detail: OTHER })
    this.more.push(...meant.operations)
    return undefined
  }
}

function sameOperations(one: Classification, other: Classification): boolean {
  if (one.operations.length !== other.operations.length) return false
  return one.operations.every(({ action, resource }, at) => {
    const against = other.operations[at]
    return against?.action === action && sameResource(resource, against.resource)
  })
}

function sameResource(one: Operation['resource'], other: Operation['resource']): boolean {
  return one.kind === other.kind && resourceText(one) === resourceText(other)
}
