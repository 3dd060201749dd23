/** What is held of an answer until it is on record, and what is not. */
import { describe, expect, it } from '@jest/globals'
import type { ResponseGuard } from '../../../../gateway/domain/ports.ts'
import { refuse } from '../../../../gateway/domain/refusal.ts'
import {
  ANSWER_BYTES_MAX,
  readAnswer,
  type AnswerReading,
} from '../../../../gateway/pep/training/answer-reader.ts'

const PASS: ResponseGuard = {
  head: (head) => head,
  chunk: () => undefined,
  end: () => undefined,
}
const ok = Buffer.from('ok')

function opened(reading: Partial<AnswerReading>, { inner = PASS, status = 200 } = {}) {
  const seen: (string | undefined)[] = []
  const guard = readAnswer(inner, {
    isHeld: true,
    onAnswer: (answer) => {
      seen.push(answer?.toString())
      return Promise.resolve(undefined)
    },
    ...reading,
  })
  guard.head({ status, headers: [] })
  return { guard, seen }
}

/** All that leaves, as a forwarder takes it. */
async function left(guard: ResponseGuard, ...chunks: Buffer[]): Promise<string> {
  let text = ''
  for (const chunk of chunks) {
    const verdict = guard.chunk(chunk)
    if (verdict === undefined) text += chunk.toString()
    else if (verdict instanceof Buffer) text += verdict.toString()
  }
  let last = guard.end()
  while (guard.keeps?.() === true) {
    await guard.ready?.()
    last = guard.end()
  }
  return last instanceof Buffer ? text + last.toString() : text
}

describe('an answer that is held', () => {
  it('leaves whole, and nothing of it before it was read', async () => {
    let settle: () => void = () => undefined
    const onAnswer = () => new Promise<undefined>((resolve) => (settle = () => resolve(undefined)))
    const { guard } = opened({ onAnswer })
    expect(guard.chunk(ok)).toEqual(Buffer.alloc(0))
    expect(guard.end()).toEqual(Buffer.alloc(0))
    expect(guard.keeps?.()).toBe(true)
    settle()
    await guard.ready?.()
    expect(guard.end()).toEqual(ok)
    expect(guard.keeps?.()).toBe(false)
  })

  it('leaves in order whatever the guard within holds, edits and adds', async () => {
    const verdicts = ['hold', undefined, Buffer.from('[b]')] as const
    let at = 0
    const inner: ResponseGuard = {
      ...PASS,
      chunk: () => verdicts[at++],
      end: () => Buffer.from('!'),
    }
    const { guard, seen } = opened({}, { inner })
    expect(await left(guard, ...['x', 'y', 'z'].map((one) => Buffer.from(one)))).toBe('xy[b]!')
    expect(seen).toEqual(['xyz'])
  })

  it('does not leave on a refusal', async () => {
    const { guard } = opened({ onAnswer: () => Promise.resolve(refuse('state_unavailable')) })
    expect(await left(guard, ok)).toBe('')
    expect(guard.end()).toMatchObject({ reason: 'state_unavailable' })
  })

  it('is refused, or let through as it comes, when it is too long', async () => {
    const long = Buffer.alloc(ANSWER_BYTES_MAX + 1, 'x')
    const refused = opened({ tooLong: refuse('training_refused') })
    expect(refused.guard.chunk(long)).toMatchObject({ reason: 'training_refused' })
    const passed = opened({})
    expect((await left(passed.guard, ok, long, ok)).length).toBe(long.length + 4)
    expect(passed.seen).toEqual([undefined])
  })

  it('is not held when it is a failure', async () => {
    const { guard, seen } = opened({}, { status: 409 })
    expect(guard.chunk(ok)).toBeUndefined()
    expect(await left(guard)).toBe('')
    expect(seen).toEqual([])
  })
})
