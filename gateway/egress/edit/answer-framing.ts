/**
 * Cuts an answer into the JSON documents it is made of: one (JSON), one per line (NDJSON), one per
 * event (server-sent events). Bounded; gives back exactly the bytes it was given unless a document
 * changes.
 */

/** Changes one document; the same buffer when nothing has to change; `undefined`: it is not JSON. */
export type ChangeDocument = (document: Buffer) => Buffer | undefined

/** Takes pieces of a body in order. `undefined`: it cannot be read, and must not pass. */
export interface AnswerFraming {
  /** What may leave now. */
  push(chunk: Buffer): Buffer | undefined
  /** What may leave at the end. */
  end(): Buffer | undefined
}

/** A document, line or event may be as long as a whole JSON answer. */
export const DOCUMENT_BYTES_MAX = 8 * 1024 * 1024

const NOTHING = Buffer.alloc(0)
const LF = 0x0a
const CR = 0x0d

/** One document: kept until it is whole. */
export function frameDocument(change: ChangeDocument): AnswerFraming {
  const held = createHeld()
  return {
    push: (chunk) => (held.add(chunk) ? NOTHING : undefined),
    end() {
      const document = held.take()
      return document.length === 0 ? NOTHING : change(document)
    },
  }
}

/** A document per line. */
export function frameLines(change: ChangeDocument): AnswerFraming {
  const line = createHeld()
  const changeLine = (whole: Buffer): Buffer | undefined => (isBlank(whole) ? whole : change(whole))
  return {
    push(chunk) {
      const out: Buffer[] = []
      let from = 0
      for (let at = chunk.indexOf(LF); at >= 0; at = chunk.indexOf(LF, from)) {
        if (!line.add(chunk.subarray(from, at + 1))) return undefined
        const changed = changeLine(line.take())
        if (changed === undefined) return undefined
        out.push(changed)
        from = at + 1
      }
      return line.add(chunk.subarray(from)) ? Buffer.concat(out) : undefined
    },
    end: () => changeLine(line.take()),
  }
}

/**
 * A document per server-sent event (WHATWG HTML §9.2.6). Lines end with LF, CR or both. The text of
 * comments is dropped; fields that no client knows are not JSON and end the answer.
 */
export function frameEvents(change: ChangeDocument): AnswerFraming {
  const line = createHeld()
  const event = createEvent(change)
  let endedByCr = false
  return {
    push(chunk) {
      const out: Buffer[] = []
      let from = 0
      if (endedByCr && chunk[0] === LF) {
        // It belongs to the line before, which has been dealt with.
        out.push(event.late(chunk.subarray(0, 1)))
        from = 1
      }
      for (let at = from; at < chunk.length; at++) {
        const byte = chunk[at]
        if (byte !== LF && byte !== CR) continue
        if (byte === CR && chunk[at + 1] === LF) at++
        if (!line.add(chunk.subarray(from, at + 1))) return undefined
        const left = event.line(line.take())
        if (left === undefined) return undefined
        out.push(left)
        from = at + 1
      }
      if (chunk.length > 0) endedByCr = chunk.at(-1) === CR
      return line.add(chunk.subarray(from)) ? Buffer.concat(out) : undefined
    },
    end() {
      const last = line.take()
      const left = last.length === 0 ? NOTHING : event.line(last)
      const rest = left === undefined ? undefined : event.flush()
      return left === undefined || rest === undefined ? undefined : Buffer.concat([left, rest])
    },
  }
}

interface Event {
  /** Takes a line with its end; what may leave, which is nothing until the event is whole. */
  line(line: Buffer): Buffer | undefined
  /** Takes the rest of a line's end; what may leave, which is all of it between two events. */
  late(bytes: Buffer): Buffer
  flush(): Buffer | undefined
}

const KEPT_FIELDS: ReadonlySet<string> = new Set(['event', 'id', 'retry'])

function createEvent(change: ChangeDocument): Event {
  let raw: Buffer[] = []
  let size = 0
  /** Lines without data, and where the data stands among them. */
  let others: string[] = []
  let data: string[] = []
  let isRewritten = false
  let wasRewritten = false
  const reset = (): void => {
    raw = []
    size = 0
    others = []
    data = []
    isRewritten = false
  }
  const flush = (): Buffer | undefined => {
    const text = data.join('\n')
    const document = Buffer.from(text)
    const changed = text === '' || text.trim() === '[DONE]' ? document : change(document)
    if (changed === undefined) return undefined
    const untouched = changed === document && !isRewritten
    const hasData = data.length > 0
    const lines = hasData
      ? changed
          .toString()
          .split('\n')
          .map((one) => `data: ${one}\n`)
      : []
    const out = untouched
      ? Buffer.concat(raw)
      : Buffer.from(`${others.join('')}${lines.join('')}\n`)
    wasRewritten = !untouched
    reset()
    return out
  }
  return {
    flush,
    late(bytes) {
      if (raw.length === 0) return wasRewritten ? NOTHING : bytes
      raw.push(bytes)
      return NOTHING
    },
    line(line) {
      raw.push(line)
      size += line.length
      if (size > DOCUMENT_BYTES_MAX) return undefined
      const text = line.toString().replace(/[\r\n]+$/, '')
      if (text === '') return flush()
      const colon = text.indexOf(':')
      const field = colon < 0 ? text : text.slice(0, colon)
      if (field === '') {
        others.push(':\n')
        isRewritten ||= text !== ':'
      } else if (field === 'data') {
        data.push(colon < 0 ? '' : text.slice(colon + 1).replace(/^ /, ''))
      } else if (KEPT_FIELDS.has(field)) others.push(`${text}\n`)
      else return undefined
      return NOTHING
    },
  }
}

interface Held {
  /** `false` when there is too much. */
  add(piece: Buffer): boolean
  take(): Buffer
}

function createHeld(): Held {
  let pieces: Buffer[] = []
  let size = 0
  return {
    add(piece) {
      if (piece.length > 0) pieces.push(piece)
      size += piece.length
      return size <= DOCUMENT_BYTES_MAX
    },
    take() {
      const [only] = pieces
      const whole = pieces.length === 1 && only !== undefined ? only : Buffer.concat(pieces)
      pieces = []
      size = 0
      return whole
    },
  }
}

function isBlank(line: Buffer): boolean {
  return line.every((byte) => byte === 0x20 || byte === LF || byte === CR || byte === 0x09)
}
