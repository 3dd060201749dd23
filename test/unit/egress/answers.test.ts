/** Nothing legitimate is stopped: the whole corpus through the guards, in pieces of many sizes. */
import { beforeAll, describe, expect, it } from '@jest/globals'
import { isRefusal } from '../../../gateway/domain/refusal.ts'
import { createFrameGuard } from '../../../gateway/egress/guard/frame-guard.ts'
import { createMessageGuard } from '../../../gateway/egress/guard/message-guard.ts'
import { createResponseGuard } from '../../../gateway/egress/guard/response-guard.ts'
import type { ResponseGuard } from '../../../gateway/domain/ports.ts'
import { ServerMessages } from '../../../gateway/forward/server-messages.ts'
import { answers, DATA_TYPES, type Answer } from '../../support/answers/corpus.ts'
import { framed } from '../../support/grpc-messages.ts'
import { messagesIn, serverFrame } from '../../support/ws-frames.ts'

/** What a client gets of `wire` in pieces, or what stopped it. */
type Pass = (answer: Answer, size: (at: number) => number) => Buffer | string

function* pieces(wire: Buffer, size: (at: number) => number): Generator<Buffer> {
  for (let at = 0; at < wire.length;) {
    const to = Math.min(wire.length, at + size(at))
    yield wire.subarray(at, to)
    at = to
  }
}

function through(guard: ResponseGuard, answer: Answer, parts: Iterable<Buffer>): Buffer | string {
  const head = guard.head({
    status: 200,
    headers: ['content-type', answer.type, ...answer.headers],
  })
  if (isRefusal(head)) return `head: ${head.reason}`
  const out: Buffer[] = []
  const held: Buffer[] = []
  for (const part of parts) {
    const verdict = guard.chunk(part)
    if (isRefusal(verdict)) return verdict.reason
    if (verdict === 'hold') held.push(part)
    else out.push(...held.splice(0), Buffer.isBuffer(verdict) ? verdict : part)
  }
  const last = guard.end()
  if (isRefusal(last)) return `end: ${last.reason}`
  return Buffer.concat([...out, ...held, ...(last === undefined ? [] : [last])])
}

let found = ''
const told = { onIncident: (_: unknown, detail: { found: string }) => void (found = detail.found) }

const respond: Pass = (answer, size) => {
  const allowedTypes =
    answer.at === 'data'
      ? DATA_TYPES
      : answer.at === 'tensors'
        ? ['application/octet-stream']
        : undefined
  const action = answer.at === 'data' ? 'data:read' : 'infer'
  const guard = createResponseGuard({ mayExport: false, action, allowedTypes, ...told })
  return through(guard, answer, pieces(answer.body, size))
}

const call: Pass = (answer, size) => {
  const guard = createMessageGuard({ mayExport: false, ...told })
  const wire = Buffer.concat(answer.messages.map((one) => framed(one)))
  const out = through(guard, answer, pieces(wire, size))
  return typeof out === 'string' ? out : Buffer.concat(out.equals(wire) ? answer.messages : [out])
}

const socket: Pass = (answer, size) => {
  const judge = createFrameGuard({ mayExport: false, ...told })
  if (judge === undefined) return 'no judge'
  const messages = new ServerMessages(judge)
  const opcode = answer.type === 'text' ? 1 : 2
  const wire = Buffer.concat(answer.messages.map((one) => serverFrame(one, { opcode })))
  const out: Buffer[] = []
  for (const part of pieces(wire, size)) {
    out.push(...messages.take(part))
    if (messages.ended !== undefined) return messages.ended.refusal?.reason ?? 'violation'
  }
  const got = messagesIn(Buffer.concat(out))
  return Buffer.from(got.map(([, text]) => text).join(''), 'latin1')
}

const WAYS: Readonly<Record<Answer['at'], Pass>> = {
  answer: respond,
  tensors: respond,
  media: respond,
  data: respond,
  call,
  socket,
}

/** Sizes of pieces, with the longest body that they are tried on. */
const SIZES: readonly (readonly [name: string, bytesMax: number, size: (at: number) => number])[] =
  [
    ['whole', Infinity, () => Infinity],
    ['64 KiB', Infinity, () => 65_536],
    ['1461 bytes', 300_000, () => 1_461],
    ['growing', 60_000, (at) => 1 + (at % 97)],
    ['single bytes', 6_000, () => 1],
  ]

let corpus: readonly Answer[]
beforeAll(async () => {
  corpus = (await answers()).map((row) => row.make())
}, 60_000)

describe('the corpus of legitimate answers', () => {
  it('holds at least 200', () => expect(corpus.length).toBeGreaterThanOrEqual(200))

  it.each(SIZES)(
    'passes byte for byte: %s',
    (name, bytesMax, size) => {
      const stopped: string[] = []
      let tried = 0
      for (const answer of corpus) {
        if (answer.body.length > bytesMax) continue
        tried += 1
        const out = WAYS[answer.at](answer, size)
        if (typeof out === 'string') stopped.push(`${answer.name}: ${out} ${found}`)
        else if (!out.equals(answer.body)) stopped.push(`${answer.name}: changed`)
      }
      expect({ name, stopped }).toEqual({ name, stopped: [] })
      expect(tried).toBeGreaterThanOrEqual(name === 'whole' ? 200 : 100)
    },
    120_000,
  )
})
