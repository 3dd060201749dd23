/** What an upstream says on a WebSocket, read and passed on however its bytes come. */
import { describe, expect, it } from '@jest/globals'
import type { AnswerJudge, AnswerKind } from '../../../gateway/domain/ports.ts'
import { refuse, type Refusal } from '../../../gateway/domain/refusal.ts'
import { ServerMessages } from '../../../gateway/forward/server-messages.ts'
import { serverFrameHeader } from '../../../gateway/forward/websocket-frames.ts'
import { messagesIn, serverFrame } from '../../support/ws-frames.ts'

/** Holds the first `holds` bytes of each message and stops where `bad` is said. */
function judge({ holds = 0, bad = '\0never' } = {}) {
  const heard: [AnswerKind, string][] = []
  const under: Partial<Record<AnswerKind, string>> = {}
  const one: AnswerJudge = {
    head: (head) => head,
    begin: (kind) => void (under[kind] = ''),
    piece(kind, bytes): Refusal | 'hold' | undefined {
      const text = (under[kind] ?? '') + bytes.toString('latin1')
      under[kind] = text
      if (text.includes(bad)) return refuse('weights_detected')
      return text.length < holds ? 'hold' : undefined
    },
    end(kind) {
      heard.push([kind, under[kind] ?? ''])
      return undefined
    },
  }
  return { one, heard }
}

/** Everything that leaves when `raw` comes in the pieces that `cuts` make. */
function pass(raw: Buffer, cuts: readonly number[], options: Parameters<typeof judge>[0] = {}) {
  const { one, heard } = judge(options)
  const messages = new ServerMessages(one)
  const out: Buffer[] = []
  let from = 0
  for (const to of [...cuts, raw.length]) {
    out.push(...messages.take(raw.subarray(from, to)))
    from = to
    if (messages.ended !== undefined) break
  }
  return { out: Buffer.concat(out), heard, ended: messages.ended }
}

const LONG = 'x'.repeat(300)
const STREAM = Buffer.concat([
  serverFrame('hello'),
  serverFrame('one ', { fin: false }),
  serverFrame('ping', { opcode: 9 }),
  serverFrame('', { opcode: 0, fin: false }),
  serverFrame('two', { opcode: 0 }),
  serverFrame('', { opcode: 2 }),
  serverFrame(LONG, { opcode: 2 }),
  serverFrame(Buffer.of(3, 232), { opcode: 8 }),
])
const SAID = [
  ['text', 'hello'],
  ['control', 'ping'],
  ['text', 'one two'],
  ['binary', ''],
  ['binary', LONG],
  ['control', '\x03\xe8'],
]

describe('what a server says', () => {
  it('reaches the judge and the client whole, wherever it is cut in two', () => {
    for (let cut = 0; cut <= STREAM.length; cut++) {
      const { out, heard, ended } = pass(STREAM, [cut])
      expect(ended).toBeUndefined()
      expect(heard).toEqual(SAID)
      expect(messagesIn(out)).toEqual(SAID)
    }
  })

  it.each([0, 5, 64, 1_000])('does so byte by byte, with %d held', (holds) => {
    const cuts = Array.from({ length: STREAM.length - 1 }, (_, i) => i + 1)
    const { out, heard } = pass(STREAM, cuts, { holds })
    expect(heard).toEqual(SAID)
    expect(messagesIn(out)).toEqual(SAID)
  })

  it('leaves in the same bytes when whole frames come', () => {
    const whole = Buffer.concat([serverFrame('a', { fin: false }), serverFrame('b', { opcode: 0 })])
    expect(pass(whole, []).out.equals(whole)).toBe(true)
  })

  it('does not wait for the end of a frame, and always stops between two', () => {
    const frame = serverFrame('x'.repeat(100_000), { opcode: 2 })
    const { out } = pass(frame.subarray(0, 50_000), [20_000])
    const first = Buffer.concat([serverFrameHeader(2, false, 19_990), Buffer.alloc(19_990, 'x')])
    const then = Buffer.concat([serverFrameHeader(0, false, 30_000), Buffer.alloc(30_000, 'x')])
    expect(out.equals(Buffer.concat([first, then]))).toBe(true)
  })

  it('holds what the judge holds until the message ends', () => {
    const { one } = judge({ holds: 64 })
    const messages = new ServerMessages(one)
    expect(messages.take(serverFrame('a', { opcode: 2, fin: false }))).toEqual([])
    expect(Buffer.concat([...messages.take(serverFrame('!', { opcode: 9 }))])).toEqual(
      serverFrame('!', { opcode: 9 }),
    )
    const rest = messages.take(serverFrame('b', { opcode: 0 }))
    expect(Buffer.concat([...rest])).toEqual(serverFrame('ab', { opcode: 2 }))
  })
})

describe('what may not pass', () => {
  it('stops at once, and what was judged before it leaves', () => {
    const raw = Buffer.concat([serverFrame('good'), serverFrame('evil'), serverFrame('more')])
    for (let cut = 0; cut <= raw.length; cut++) {
      const { out, ended } = pass(raw, [cut], { bad: 'evil' })
      if (cut < 12) expect(ended?.refusal?.reason).toBe('weights_detected')
      if (cut >= 6) expect(messagesIn(out)[0]).toEqual(['text', 'good'])
      expect(out.toString('latin1')).not.toMatch(/evil|more/)
    }
  })

  it.each([
    ['a masked frame', Buffer.of(0x81, 0x81, 0, 0, 0, 0, 65), 'masking'],
    ['a compressed frame', Buffer.of(0xc1, 0x01, 65), 'reserved-bits'],
    ['a fragment of nothing', serverFrame('a', { opcode: 0 }), 'opcode'],
    ['a reserved kind', serverFrame('a', { opcode: 5 }), 'opcode'],
    [
      'a message within another',
      Buffer.concat([serverFrame('a', { fin: false }), serverFrame('b')]),
      'opcode',
    ],
    ['a control frame in pieces', serverFrame('a', { opcode: 9, fin: false }), 'control-frame'],
    ['a frame without end', Buffer.of(0x82, 127, 1, 0, 0, 0, 0, 0, 0, 0), 'too-large'],
  ])('%s', (_name, raw, violation) => {
    const { out, ended } = pass(raw, [])
    expect(ended?.violation).toBe(violation)
    expect(out.includes(Buffer.from('b'))).toBe(false)
  })

  it('a judge that never says anything does not fill the memory', () => {
    const { ended } = pass(serverFrame('x'.repeat(5_000), { opcode: 2, fin: false }), [2_000], {
      holds: 1_000_000,
    })
    expect(ended?.refusal?.reason).toBe('internal')
  })
})
