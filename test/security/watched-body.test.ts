/** A body that turns out bad on its way: no upstream ever has all of it (I1, I8). */
import { connect, type Socket } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import type { Decision } from '../../gateway/domain/access.ts'
import { refuse } from '../../gateway/domain/refusal.ts'
import type { Operation } from '../../gateway/domain/vocabulary.ts'
import type { BodyWatch, WatchVerdict } from '../../gateway/domain/watch.ts'
import { createForwarder } from '../../gateway/forward/http-forwarder.ts'
import { createUpstreams, type Upstreams } from '../../gateway/forward/upstream-pools.ts'
import {
  entryOf,
  PERMIT,
  READ,
  startPipeline,
  type TestPipeline,
  holdingsOf,
} from '../support/pipeline.ts'
import { afterResponses, parseResponses, rawExchange } from '../support/raw-client.ts'
import {
  OK_RESPONSE,
  startRecordingUpstream,
  type RawHandler,
  type RecordingUpstream,
} from '../support/recording-upstream.ts'
import { until } from '../support/world-files.ts'

const MORE: Operation = { action: 'infer', resource: { kind: 'model', name: 'other' } }

/** Refuses `wrong`, asks for more at `more`, and refuses a body that does not end in `.`. */
function watch(): BodyWatch {
  let last = ''
  return {
    push(chunk): WatchVerdict {
      const text = chunk.toString('latin1')
      last = text.at(-1) ?? last
      if (text.includes('wrong')) return refuse('body_unparsable')
      if (text.includes('hold')) return 'hold'
      return text.includes('more') ? [MORE] : undefined
    },
    end: () => (last === '.' ? undefined : refuse('body_unparsable')),
  }
}

let upstream: RecordingUpstream
let pools: Upstreams
let pipeline: TestPipeline
afterEach(async () => {
  await pipeline.close()
  await pools.destroy()
  await upstream.close()
})

/** A gate before an upstream that acts on every whole request. */
async function start(handler?: RawHandler, decision: Decision = PERMIT): Promise<void> {
  upstream = await startRecordingUpstream(handler)
  pools = createUpstreams({
    upstreams: [
      {
        name: 'up',
        origin: upstream.url,
        connections: 2,
        privilegedConnections: 2,
        connectTimeoutMs: 2_000,
        headersTimeoutMs: 5_000,
        idleTimeoutMs: 5_000,
        queueMax: 4,
        queueTimeoutMs: 2_000,
      },
    ],
  })
  const classify = () => ({ ...READ, watch: watch() })
  const decide = ({ action }: { action: string }) => (action === 'infer' ? decision : PERMIT)
  pipeline = await startPipeline({
    runtime: {
      forwarder: createForwarder({ upstreams: pools }),
      upstreams: {
        select: (_, target) => ({ entry: entryOf({ classifier: { classify } }), target }),
      },
      policy: {
        decisionPoint: { revision: 'sha256:00', decide },
        resources: { attributesOf: () => undefined },
        holdingsOf,
      },
    },
  })
}

const head = (framing: string) => `POST /m HTTP/1.1\r\nHost: a\r\n${framing}\r\n\r\n`
const chunked = (pieces: readonly string[]) =>
  pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`)

/** The pieces, each in a segment of its own, with either framing. */
const framings: [string, (pieces: readonly string[]) => string[]][] = [
  ['a length', (pieces) => [head(`Content-Length: ${pieces.join('').length}`), ...pieces]],
  ['chunks', (pieces) => [head('Transfer-Encoding: chunked'), ...chunked(pieces), '0\r\n\r\n']],
]

const PAD = 'x'.repeat(70_000)

/** Sends piece after piece, each once the one before has gone as far as it goes. */
async function send(pieces: readonly string[]): Promise<Socket> {
  const socket = connect(pipeline.port, '127.0.0.1')
  socket.on('error', () => undefined)
  for (const piece of pieces) {
    socket.write(piece, 'latin1')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return socket
}

describe.each(framings)('a body framed by %s', (_, frame) => {
  it('goes on as it came when nothing speaks against it', async () => {
    await start()
    const { responses } = await rawExchange(pipeline.port, frame([PAD, 'more', 'hold', PAD, '.']))
    expect(responses[0]?.status).toBe(200)
    expect(upstream.requests[0]?.body.replace(/\r\n[0-9a-f]+\r\n/g, '')).toContain(`${PAD}morehold`)
    expect(pipeline.records.map(({ type }) => type)).toEqual([
      'decision',
      'decision.more',
      'outcome',
    ])
  })

  it.each([
    ['in the middle', [PAD, 'wrong', PAD, '.']],
    ['in its last piece', [PAD, PAD, 'wrong.']],
    ['at its end', [PAD, PAD, '!']],
    ['at its end, in one piece', ['!']],
    ['where it was held', [PAD, 'hold', 'wrong.']],
  ])('that is bad %s is never complete to the upstream', async (__, pieces) => {
    await start()
    const { responses } = await rawExchange(pipeline.port, frame(pieces))
    expect(responses[0]?.status).toBe(400)
    expect(responses[0]?.body.toString()).toContain('body_unparsable')
    // One that was still being opened was sent nothing, and may serve another.
    await until('its connection is closed', () =>
      upstream.connections.every(({ socket, bytes }) => socket.destroyed || bytes.length === 0),
    )
    expect(upstream.requests).toEqual([])
    // Words that no generated id can hold: ids are in hexadecimal.
    expect(upstream.received()).not.toMatch(/wrong|!/)
    expect(pipeline.records.at(-1)?.fields).toMatchObject({ reason: 'body_unparsable' })
  })

  it('that asks for what is not permitted is never complete either', async () => {
    await start(undefined, { ...PERMIT, effect: 'deny', reason: 'denied_by_rule' })
    const { responses } = await rawExchange(pipeline.port, frame([PAD, 'more', '.']))
    expect(responses[0]?.status).toBe(403)
    expect(upstream.requests).toEqual([])
    expect(pipeline.records.find(({ type }) => type === 'decision.more')?.fields).toMatchObject({
      effect: 'deny',
      reason: 'denied_by_rule',
    })
  })
})

describe('while a watched body is under way', () => {
  const pieces = framings[0]?.[1]([PAD, PAD, 'wrong.']) ?? []

  it('the client may go: the upstream is let go of, and nothing stays behind', async () => {
    await start()
    const socket = await send(pieces.slice(0, 2))
    await until('it arrives', () => upstream.received().length > 1000)
    socket.destroy()
    await until(
      'the upstream is let go of',
      () => upstream.connections[0]?.socket.destroyed === true,
    )
    await until('the outcome', () => pipeline.records.at(-1)?.type === 'outcome')
    expect(upstream.requests).toEqual([])
  })

  it('the upstream may go: the client is told', async () => {
    await start()
    const socket = await send(pieces.slice(0, 2))
    const answer = new Promise<string>((resolve) =>
      socket.once('data', (bytes: Buffer) => resolve(bytes.toString())),
    )
    await until('it arrives', () => upstream.received().length > 1000)
    upstream.connections[0]?.socket.destroy()
    expect(await answer).toMatch(/^HTTP\/1\.1 502 /)
    socket.destroy()
  })

  it('an answer that has begun is cut, never ended', async () => {
    await start()
    const socket = await send(pieces.slice(0, 2))
    let raw = Buffer.alloc(0)
    socket.on('data', (bytes: Buffer) => (raw = Buffer.concat([raw, bytes])))
    await until('it arrives', () => upstream.received().length > 1000)
    upstream.connections[0]?.socket.write(
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5000\r\n${'early'.repeat(4_096)}\r\n`,
    )
    await until('the answer begins', () => raw.includes('early'))
    socket.write('x'.repeat(70_000) + 'wrong.')
    await until('it is over', () => socket.closed)
    expect(raw.toString()).not.toContain('0\r\n\r\n')
    expect(parseResponses(raw)).toEqual([])
    expect(pipeline.records.at(-1)?.fields).toMatchObject({
      reason: 'body_unparsable',
      status: 200,
    })
    expect(upstream.requests).toEqual([])
  })

  it('an answer that is whole before the body is read to its end is delivered', async () => {
    await start()
    const socket = await send(pieces.slice(0, 2))
    let raw = Buffer.alloc(0)
    socket.on('data', (bytes: Buffer) => (raw = Buffer.concat([raw, bytes])))
    await until('it arrives', () => upstream.received().length > 1000)
    upstream.connections[0]?.socket.write(OK_RESPONSE)
    await until('the answer', () => afterResponses(1)(raw))
    expect(parseResponses(raw)[0]?.status).toBe(200)
    socket.destroy()
  })
})
