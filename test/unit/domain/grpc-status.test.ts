import { describe, expect, it } from '@jest/globals'
import { grpcMessage, grpcStatusOf } from '../../../gateway/domain/grpc-status.ts'
import { REASON_CODES, type Reason } from '../../../gateway/domain/reasons.ts'

describe('the gRPC status of a reason', () => {
  it.each<[Reason, number]>([
    ['authn_missing', 16],
    ['step_up_required', 16],
    ['no_rule', 7],
    ['model_conflict', 3],
    ['unclassified', 12],
    ['body_encoding', 12],
    ['body_over_peek', 8],
    ['overloaded', 14],
    ['draining', 14],
    ['upstream_connect', 14],
    ['upstream_reset', 14],
    ['upstream_timeout', 4],
    ['upstream_invalid', 13],
    ['weights_detected', 13],
    ['client_gone', 1],
    ['internal', 13],
  ])('%s is %d', (reason, status) => {
    expect(grpcStatusOf(reason)).toBe(status)
  })

  it('is never OK', () => {
    expect(REASON_CODES.filter((reason) => grpcStatusOf(reason) === 0)).toEqual([])
  })
})

describe('grpc-message', () => {
  it('is percent-encoded outside visible ASCII', () => {
    expect(grpcMessage('100 % of “it”\n')).toBe('100 %25 of %E2%80%9Cit%E2%80%9D%0A')
    expect(decodeURIComponent(grpcMessage('Zürich'))).toBe('Zürich')
  })

  it('is bounded', () => {
    expect(grpcMessage('a'.repeat(5_000))).toHaveLength(1_024)
  })
})
