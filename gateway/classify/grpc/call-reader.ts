/** Reads what decides a gRPC call: its first message now, every message as it is forwarded. */
import { isRefusal, refuse, type Refusal } from '../../domain/refusal.ts'
import type { FieldValue } from '../body/body-fields.ts'
import { MessageFraming, type MessageEvents } from './framing.ts'
import { decodeMessage, type MessageCoding } from './message-coding.ts'
import { ProtoScan } from './proto-scan.ts'
import type { ProtoTree } from './proto-tree.ts'

/** How the messages of a call are read. */
export interface MessageReading {
  /** Absent when nothing of a message decides. */
  readonly tree: ProtoTree | undefined
  readonly coding: MessageCoding
  /** Whether the client may send more than one message. */
  readonly clientStreams: boolean
  /** Most bytes of a compressed message; a plain one is read in passing, whatever its size. */
  readonly compressedBytesMax: number
  /** Told of every message when it is complete. A refusal ends the call. */
  readonly onMessage: (fields: ReadonlyMap<string, FieldValue>) => Refusal | undefined
}

/** A compressed message may become this much larger than a compressed one may be. */
const GROWTH_MAX = 4

const EMPTY = Buffer.alloc(0)

const NO_FIELDS: ReadonlyMap<string, never> = new Map<string, never>()

const SECOND_MESSAGE = 'This method takes one message.'
const BAD_FRAMING = 'Send gRPC messages, each with its prefix of five bytes.'
const BAD_MESSAGE =
  'Send well-formed protobuf messages, with the fields that decide as the method declares them.'
const BAD_COMPRESSION =
  'Send messages plain, or compressed as grpc-encoding says, within the bounds of this gateway.'

/** Follows the messages of one body. */
export class MessageReader implements MessageEvents {
  /** Why the call cannot go on. */
  refusal: Refusal | undefined
  private readonly framing = new MessageFraming(this)
  private messages = 0
  private scan: ProtoScan | undefined
  private isCompressed = false
  /** The compressed message at work, and how much of it is here; grows with what comes. */
  private compressed: Buffer = EMPTY
  private compressedBytes = 0
  private readonly reading: MessageReading

  constructor(reading: MessageReading) {
    this.reading = reading
  }

  /** Complete messages so far. */
  get count(): number {
    return this.scan === undefined ? this.messages : this.messages - 1
  }

  /** What the message at work has said so far. */
  get partial(): { readonly isPastWanted: boolean; readonly fields: ProtoScan['fields'] } {
    const { scan } = this
    return {
      isPastWanted: scan?.isPastWanted === true,
      fields: () => scan?.fields() ?? NO_FIELDS,
    }
  }

  /** Takes the next bytes; the refusal when they may not go on. */
  push(chunk: Buffer): Refusal | undefined {
    if (this.refusal !== undefined) return this.refusal
    if (!this.framing.push(chunk)) {
      this.refusal ??= refuse('body_unparsable', { detail: BAD_FRAMING })
    }
    return this.refusal
  }

  /** To be asked when the body is over. */
  finish(): Refusal | undefined {
    if (!this.framing.isAtBoundary) {
      this.refusal ??= refuse('body_unparsable', { detail: BAD_FRAMING })
    }
    return this.refusal
  }

  begin(length: number, isCompressed: boolean): boolean {
    const { tree, coding, clientStreams, compressedBytesMax } = this.reading
    this.messages += 1
    if (this.messages > 1 && !clientStreams) return this.stop('body_unexpected', SECOND_MESSAGE)
    if (isCompressed && coding === 'identity') return this.stop('body_encoding', BAD_COMPRESSION)
    this.isCompressed = isCompressed
    if (tree === undefined) return true
    if (isCompressed) {
      this.compressedBytes = 0
      return length <= compressedBytesMax || this.stop('body_over_peek', BAD_COMPRESSION)
    }
    this.scan = new ProtoScan(tree, length)
    return true
  }

  bytes(chunk: Buffer, from: number, to: number): boolean {
    if (this.reading.tree === undefined) return true
    if (this.isCompressed) {
      this.keep(chunk, from, to)
      return true
    }
    return this.scan?.push(chunk, from, to) === true || this.stop('body_unparsable', BAD_MESSAGE)
  }

  end(): boolean {
    const { tree } = this.reading
    const fields =
      tree === undefined ? NO_FIELDS : this.isCompressed ? this.inflated(tree) : this.plain()
    this.scan = undefined
    this.compressed = EMPTY
    if (fields !== undefined) this.refusal = this.reading.onMessage(fields)
    return this.refusal === undefined
  }

  /** Kept pieces would each hold on to the buffer they are cut from: they are copied together. */
  private keep(chunk: Buffer, from: number, to: number): void {
    const size = this.compressedBytes + to - from
    if (size > this.compressed.length) {
      const larger = Buffer.alloc(Math.max(4_096, 2 * size))
      this.compressed.copy(larger, 0, 0, this.compressedBytes)
      this.compressed = larger
    }
    chunk.copy(this.compressed, this.compressedBytes, from, to)
    this.compressedBytes = size
  }

  private plain(): ReadonlyMap<string, FieldValue> | undefined {
    if (this.scan?.end() === true) return this.scan.fields()
    this.stop('body_unparsable', BAD_MESSAGE)
    return undefined
  }

  private inflated(tree: ProtoTree): ReadonlyMap<string, FieldValue> | undefined {
    const { coding, compressedBytesMax } = this.reading
    const bytesMax = compressedBytesMax * GROWTH_MAX
    const bytes = this.compressed.subarray(0, this.compressedBytes)
    const message = coding === 'identity' ? undefined : decodeMessage(bytes, coding, bytesMax)
    if (message === undefined) {
      this.stop('body_encoding', BAD_COMPRESSION)
      return undefined
    }
    this.scan = new ProtoScan(tree, message.length)
    this.scan.push(message, 0, message.length)
    return this.plain()
  }

  private stop(reason: Refusal['reason'], detail: string): false {
    this.refusal = refuse(reason, { detail })
    return false
  }
}

/** What the start of a call says. */
export type FirstMessage =
  | { readonly isWhole: boolean; readonly fields: ReadonlyMap<string, FieldValue> }
  /** Not enough is here. */
  | 'more'

/**
 * Reads the first message of a call from the start of its body. `isWhole` tells a message of which
 * all is here from one in which a writer that keeps to the order of numbers has said what counts:
 * the rest is watched as it is forwarded.
 */
export function readFirst(
  bytes: Buffer,
  isAll: boolean,
  reading: Omit<MessageReading, 'onMessage'>,
): FirstMessage | Refusal {
  let first: ReadonlyMap<string, FieldValue> | undefined
  const reader = new MessageReader({
    ...reading,
    onMessage: (fields) => {
      first ??= fields
      return undefined
    },
  })
  const refusal = reader.push(bytes)
  // What is wrong with a later message is found when it is forwarded, if it gets there.
  if (first !== undefined && (refusal === undefined || reading.clientStreams)) {
    return { isWhole: true, fields: first }
  }
  if (isRefusal(refusal)) return refusal
  if (isAll) return reader.finish() ?? { isWhole: true, fields: NO_FIELDS }
  const { isPastWanted, fields } = reader.partial
  return isPastWanted ? { isWhole: false, fields: fields() } : 'more'
}
