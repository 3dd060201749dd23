import { describe, expect, it } from '@jest/globals'
import { isRefusal, type Refusal } from '../../../gateway/domain/refusal.ts'
import { createMessageGuard } from '../../../gateway/egress/guard/message-guard.ts'
import { field, framed } from '../../support/grpc-messages.ts'

const HEAD = { status: 200, headers: ['content-type', 'application/grpc'] }
const GGUF = Buffer.concat([Buffer.from('GGUF\x03\0\0\0'), Buffer.alloc(100)])

/** What a guard says to a body in pieces of `size` bytes, and what it told. */
function judge(body: Buffer, size: number, headers: readonly string[] = []) {
  const told: { found: string; bytesBefore: number; reason: Refusal['reason'] }[] = []
  const guard = createMessageGuard({
    mayExport: false,
    onIncident: ({ reason }, detail) => told.push({ reason, ...detail }),
  })
  const head = guard.head({ ...HEAD, headers: [...HEAD.headers, ...headers] })
  let passed = 0
  for (let at = 0; at < body.length; at += size) {
    if (isRefusal(guard.chunk(body.subarray(at, at + size)))) break
    passed = Math.min(body.length, at + size)
  }
  return { head, told, passed, end: guard.end() }
}

describe('the guard of messages', () => {
  const body = Buffer.concat([framed(field(1, 'fine')), framed(Buffer.alloc(0)), framed(GGUF)])

  it.each([1, 3, 7, 1_000])(
    'finds weights at the start of any message, %d bytes at a time',
    (n) => {
      const { told, end, passed } = judge(body, n)
      expect(told).toMatchObject([{ reason: 'weights_detected', found: 'gguf' }])
      expect(end).toMatchObject({ reason: 'weights_detected' })
      expect(passed).toBeLessThan(body.length - 64)
    },
  )

  it('lets messages pass that begin otherwise, and holds nothing', () => {
    const fine = Buffer.concat([framed(field(1, 'GGUF')), framed(field(2, Buffer.alloc(9_000, 1)))])
    const { told, passed, end } = judge(fine, 5)
    expect({ told, passed, end }).toEqual({ told: [], passed: fine.length, end: undefined })
  })

  it('refuses what is compressed, by its head and by its flag', () => {
    const { head, told } = judge(Buffer.alloc(0), 1, ['grpc-encoding', 'gzip'])
    expect(head).toMatchObject({ reason: 'response_blocked' })
    expect(told).toMatchObject([{ found: 'message-encoding' }])
    const flagged = judge(framed(Buffer.from('x'), true), 100)
    expect(flagged.told).toMatchObject([{ reason: 'response_blocked', found: 'message-encoding' }])
  })

  it('is none where the caller may export', () => {
    const guard = createMessageGuard({ mayExport: true })
    expect(guard.head(HEAD)).toBe(HEAD)
    expect(guard.chunk(framed(GGUF))).toBeUndefined()
  })
})
