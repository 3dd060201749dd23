import { describe, expect, it } from '@jest/globals'
import { refuse, type Refusal } from '../../../gateway/domain/refusal.ts'
import { ClientMessages } from '../../../gateway/forward/client-messages.ts'
import { clientFrame } from '../../support/ws-frames.ts'

type Verdict = Refusal | undefined

const PING = clientFrame('p', { opcode: 9 })
const CLOSE = clientFrame('', { opcode: 8 })

/** A tunnel's client side: what was judged, and what went on, in order. */
function messages(
  judge: (text: string) => Verdict | Promise<Verdict> = () => undefined,
  room = true,
) {
  const log: string[] = []
  const passed: Buffer[] = []
  const state = { room }
  const one = new ClientMessages(
    {
      bytesMax: 100,
      judge(kind, payload) {
        log.push(`${kind} ${payload.toString()}`)
        return judge(payload.toString())
      },
    },
    {
      pass: (frames) => (passed.push(frames), state.room),
      onReady: () => void log.push('ready'),
      onViolation: (violation) => void log.push(violation),
      onRefused: (code, { reason }) => void log.push(`${code} ${reason}`),
    },
  )
  return { one, log, state, sent: () => Buffer.concat(passed) }
}

const fragments = (...texts: readonly (string | Buffer)[]): Buffer[] =>
  texts.map((text, at) =>
    clientFrame(text, { opcode: at === 0 ? 1 : 0, fin: at === texts.length - 1 }),
  )

describe('messages of a client', () => {
  it('are judged whole and pass in exactly the frames they came in', () => {
    const bytes = Buffer.concat([
      clientFrame('one'),
      ...fragments('t', '', 'wo'),
      clientFrame('x'.repeat(100), { opcode: 2, mask: [0, 0, 0, 0] }),
      CLOSE,
    ])
    const { one, log, sent } = messages()
    for (const byte of bytes) one.take(Buffer.of(byte))
    expect(log).toEqual(['text one', 'text two', `binary ${'x'.repeat(100)}`])
    expect(sent().equals(bytes)).toBe(true)
    const whole = messages()
    whole.one.take(bytes)
    expect(whole.log).toEqual(log)
    expect(whole.sent().equals(bytes)).toBe(true)
  })

  it('wait for their last frame; control frames between do not', () => {
    const [first = PING, second = PING] = fragments('ab', 'cd')
    const { one, log, sent } = messages()
    one.take(Buffer.concat([first, PING]))
    expect(sent().equals(PING)).toBe(true)
    one.take(second)
    expect(log).toEqual(['text abcd'])
    expect(sent().equals(Buffer.concat([PING, first, second]))).toBe(true)
  })

  it('that were begun do not pass with a close', () => {
    const { one, log, sent } = messages()
    one.take(Buffer.concat([...fragments('ab', 'cd').slice(0, 1), CLOSE]))
    expect(log).toEqual([])
    expect(sent().equals(CLOSE)).toBe(true)
  })

  it('may break a character between two frames', () => {
    const bytes = Buffer.from('é')
    const { one, log } = messages()
    one.take(Buffer.concat(fragments(bytes.subarray(0, 1), bytes.subarray(1))))
    expect(log).toEqual(['text é'])
  })
})

describe('what is behind a message that is being judged', () => {
  it('waits, whatever it is', async () => {
    const waiting: ((verdict: Verdict) => void)[] = []
    const { one, log, sent } = messages(() => new Promise((resolve) => waiting.push(resolve)))
    const frames = [clientFrame('one'), PING, clientFrame('two')]
    one.take(Buffer.concat(frames))
    expect(one.isWaiting).toBe(true)
    expect(sent()).toHaveLength(0)
    waiting[0]?.(undefined)
    await Promise.resolve()
    expect(log).toEqual(['text one', 'text two'])
    expect(sent().equals(Buffer.concat(frames.slice(0, 2)))).toBe(true)
    waiting[1]?.(undefined)
    await Promise.resolve()
    expect(log).toEqual(['text one', 'text two', 'ready'])
    expect(sent().equals(Buffer.concat(frames))).toBe(true)
  })

  it('waits while there is no room', () => {
    const { one, log, state, sent } = messages(undefined, false)
    one.take(Buffer.concat([clientFrame('one'), clientFrame('two')]))
    expect(one.isWaiting).toBe(true)
    expect(sent().equals(clientFrame('one'))).toBe(true)
    state.room = true
    one.makeRoom()
    expect(log).toEqual(['text one', 'text two', 'ready'])
  })

  it('does not pass once it was stopped', async () => {
    let settle: (verdict: Verdict) => void = () => undefined
    const { one, log, sent } = messages(() => new Promise((resolve) => (settle = resolve)))
    one.take(clientFrame('one'))
    one.stop()
    settle(undefined)
    await Promise.resolve()
    one.take(clientFrame('two'))
    expect(log).toEqual(['text one'])
    expect(sent()).toHaveLength(0)
  })
})

describe('a message that is refused', () => {
  it('ends everything: nothing of it passes, nor what follows', () => {
    const judge = (text: string) => (text === 'bad' ? refuse('no_rule') : undefined)
    const { one, log, sent } = messages(judge)
    one.take(Buffer.concat([clientFrame('good'), clientFrame('bad'), clientFrame('good')]))
    one.take(clientFrame('good'))
    expect(log).toEqual(['text good', 'text bad', '1008 no_rule'])
    expect(sent().equals(clientFrame('good'))).toBe(true)
  })

  it('is one whose judge fails', async () => {
    const { one, log } = messages(() => Promise.reject(new Error('broken')))
    one.take(clientFrame('x'))
    await new Promise(setImmediate)
    expect(log).toEqual(['text x', '1008 indeterminate'])
  })

  it.each([
    ['no UTF-8', clientFrame(Buffer.from([0xff])), '1007 body_unparsable'],
    ['too long by its header', clientFrame('', { length: 101 }), '1009 body_over_peek'],
    ['of 1 GiB', clientFrame('', { length: 2 ** 30 }), '1009 body_over_peek'],
    [
      'too long together',
      Buffer.concat(fragments('x'.repeat(60), 'x'.repeat(41))),
      '1009 body_over_peek',
    ],
    [
      'in too many frames',
      Buffer.concat(fragments(...Array<string>(40).fill(''))),
      '1009 body_over_peek',
    ],
    ['a fragment of nothing', clientFrame('x', { opcode: 0 }), 'opcode'],
    [
      'begun within another',
      Buffer.concat([clientFrame('x', { fin: false }), clientFrame('y')]),
      'opcode',
    ],
    ['unmasked', Buffer.from([0x81, 0x01, 0x41]), 'masking'],
    ['compressed', Buffer.from([0xc1, 0x81, 0, 0, 0, 0, 0x41]), 'reserved-bits'],
    ['a fragmented ping', clientFrame('', { opcode: 9, fin: false }), 'control-frame'],
    ['of a reserved kind', clientFrame('', { opcode: 3 }), 'opcode'],
  ])('is one that is %s', (_name, bytes, expected) => {
    for (const pieces of [[bytes], [...bytes].map((byte) => Buffer.of(byte))]) {
      const { one, log, sent } = messages()
      for (const piece of pieces) one.take(piece)
      expect(log).toEqual([expected])
      expect(sent()).toHaveLength(0)
    }
  })
})
