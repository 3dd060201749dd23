import { describe, expect, it } from '@jest/globals'
import {
  FORBIDDEN_REQUEST_HEADERS,
  headerDisposition,
  isRefusedRequestHeader,
  isRewriteHeader,
} from '../../../gateway/classify/target/request-headers.ts'

describe('headers that say something else than the request line', () => {
  it.each([
    ['x-http-method-override', 'refuse'],
    ['x_http_method_override', 'refuse'],
    ['x-original-url', 'refuse'],
    ['x-forwarded-prefix', 'strip'],
    ['x-envoy-original-path', 'strip'],
    ['seldon-model', 'select'],
    ['serve_multiplexed_model_id', 'select'],
    ['x-portkey-provider', 'select'],
    ['authorization', 'pass'],
    ['x-request-id', 'pass'],
  ])('%s: %s', (name, disposition) => {
    expect(headerDisposition(name)).toBe(disposition)
  })

  it('are told apart by what becomes of them', () => {
    expect(isRefusedRequestHeader('x-method-override')).toBe(true)
    expect(isRefusedRequestHeader('x-original-uri')).toBe(false)
    expect(isRewriteHeader('x-original-uri')).toBe(true)
    expect(isRewriteHeader('seldon-model')).toBe(false)
  })

  it('are listed as they are compared', () => {
    for (const name of FORBIDDEN_REQUEST_HEADERS.keys()) {
      expect(name).toBe(name.toLowerCase().replaceAll('_', '-'))
    }
  })
})
