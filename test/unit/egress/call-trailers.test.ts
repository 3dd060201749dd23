/** The trailers of a call: what may leave of them. */
import { describe, expect, it } from '@jest/globals'
import { isRefusal } from '../../../gateway/domain/refusal.ts'
import { guardTrailers } from '../../../gateway/egress/guard/call-trailers.ts'
import { ggufFile } from '../../support/small-weights.ts'

const STATUS = ['grpc-status', '5', 'grpc-message', 'not%20found']

function leave(received: readonly string[], mayExport = false) {
  const told: string[] = []
  const onIncident = (_: unknown, { found }: { found: string }) => void told.push(found)
  const left = guardTrailers(received, { mayExport, onIncident })
  return { left, told }
}

describe('trailers', () => {
  it('of usual length leave as they came', () => {
    const received = [...STATUS, 'x-cost', '7', 'grpc-status-details-bin', 'AAECAwQ'.repeat(300)]
    expect(leave(received)).toEqual({ left: received, told: [] })
  })

  it('lose their binary fields when all of them are too long', () => {
    const received = [...STATUS, 'a-bin', 'A'.repeat(5_000), 'b-bin', 'A'.repeat(5_000), 'c', '1']
    expect(leave(received).left).toEqual([...STATUS, 'c', '1'])
  })

  it('are the status alone when the others are too long too', () => {
    const message = 'not%20now%20'.repeat(86)
    const received = ['grpc-status', '2', 'grpc-message', message, 'x-a', 'b'.repeat(9_000)]
    expect(leave(received).left).toEqual([
      'grpc-status',
      '2',
      'grpc-message',
      `${'not%20now%20'.repeat(85)}not`,
    ])
  })

  it('are refused with weights in a binary field', () => {
    const { left, told } = leave([...STATUS, 'x-bin', ggufFile(1_000).toString('base64')])
    expect(isRefusal(left) && left.reason).toBe('weights_detected')
    expect(told).toEqual(['gguf'])
  })

  it('are refused with a link to storage', () => {
    const link = 'https://b.s3.amazonaws.com/w?X-Amz-Signature=1'
    const { left } = leave([...STATUS, 'location', link])
    expect(isRefusal(left) || !left.join().includes('amazonaws')).toBe(true)
  })

  it('leave untouched where the caller may export', () => {
    const received = [...STATUS, 'x-bin', 'A'.repeat(20_000)]
    expect(leave(received, true).left).toBe(received)
  })
})
