import { describe, expect, it, jest } from '@jest/globals'
import { isRefusal } from '../../../gateway/domain/refusal.ts'
import {
  createResponseGuard,
  type ResponseGuardOptions,
} from '../../../gateway/egress/guard/response-guard.ts'

const GGUF = Buffer.concat([Buffer.from('GGUF'), Buffer.from([3, 0, 0, 0]), Buffer.alloc(64)])

const guardOf = (options: Partial<ResponseGuardOptions> = {}) =>
  createResponseGuard({ mayExport: false, ...options })

const head = (...headers: string[]) => ({ status: 200, headers })

describe('createResponseGuard', () => {
  it('lets everything pass for a caller that may export', () => {
    const guard = guardOf({ mayExport: true })
    const redirect = { status: 302, headers: ['location', 'https://s3/x'] }
    expect(guard.head(redirect)).toBe(redirect)
    expect(guard.chunk(GGUF)).toBeUndefined()
    expect(guard.end()).toBeUndefined()
  })

  it.each([
    ['redirect', 302, ['location', 'https://bucket/model']],
    ['redirect', 307, ['location', '/v1/models/']],
    ['partial-content', 206, []],
    ['partial-content', 200, ['content-range', 'bytes 0-1/2']],
    ['partial-content', 200, ['content-type', 'Multipart/ByteRanges; boundary=a']],
    ['content-encoding', 200, ['content-encoding', 'gzip']],
    ['content-encoding', 200, ['content-encoding', 'identity, br']],
    ['storage-link', 200, ['x-linked-etag', '"a"']],
    ['storage-link', 200, ['x-xet-hash', 'a']],
    ['storage-link', 200, ['link', '<https://cas/xet-read-token>; rel="xet-auth"']],
    ['storage-link', 200, ['link', '<https://b/o?X-Amz-Signature=a>; rel="file"']],
    ['weight-file-name', 200, ['content-disposition', 'attachment; filename="a.safetensors"']],
    ['weight-file-name', 500, ['content-disposition', "attachment; filename*=UTF-8''a.GGUF"]],
    ['two-media-types', 200, ['content-type', 'image/x-a', 'content-type', 'application/json']],
    ['media-type', 200, ['content-type', 'application/octet-stream']],
    ['media-type', 404, ['content-type', 'application/zip; x=y']],
    ['weight-media-type', 200, ['content-type', 'application/vnd.ollama.image.model']],
  ] as const)('refuses a head for %s', (expected, status, headers) => {
    const onIncident = jest.fn()
    const refusal = guardOf({ onIncident }).head({ status, headers })
    expect(refusal).toMatchObject({ outcome: 'refused', reason: 'response_blocked' })
    expect(onIncident).toHaveBeenCalledWith(refusal, { found: expected, bytesBefore: 0 })
  })

  it.each([
    [['content-type', 'application/json']],
    [['content-type', 'image/png']],
    [['content-type', 'text/plain', 'vary', 'content-type']],
    [['vary', 'content-type', 'content-type', 'text/plain']],
    [['content-encoding', 'identity']],
    [['link', '<https://hub/api/models?cursor=a>; rel="next"']],
    [['content-disposition', 'inline; filename="answer.json"']],
    [['content-type', 'application/octet-stream', 'inference-header-content-length', '120']],
  ])('lets the head %j pass', (headers) => {
    expect(isRefusal(guardOf().head(head(...headers)))).toBe(false)
  })

  it.each([
    [206, ['content-type', 'application/octet-stream', 'content-range', 'bytes 0-1/2']],
    [200, ['content-disposition', 'attachment; filename="a.gguf"', 'content-encoding', 'gzip']],
  ])('lets the head of an answer to HEAD pass: there is no content: %i %j', (status, headers) => {
    expect(isRefusal(guardOf({ isHead: true }).head({ status, headers }))).toBe(false)
  })

  it.each([
    ['redirect', 302, ['location', 'https://cdn/x?sig=1']],
    ['storage-link', 200, ['x-linked-etag', '"a"']],
    ['storage-link', 200, ['link', '<https://b/o?X-Amz-Signature=a>; rel="file"']],
  ])('refuses an answer to HEAD for %s: what it links to is good for a GET', (...given) => {
    const [found, status, headers] = given
    const onIncident = jest.fn()
    const refusal = guardOf({ isHead: true, onIncident }).head({ status, headers })
    expect(refusal).toMatchObject({ reason: 'response_blocked' })
    expect(onIncident).toHaveBeenCalledWith(refusal, { found, bytesBefore: 0 })
  })

  it('lets a file type pass on a route that declares it, but not weights in it', () => {
    const guard = guardOf({ allowedTypes: ['application/octet-stream'] })
    expect(isRefusal(guard.head(head('content-type', 'application/octet-stream')))).toBe(false)
    expect(guard.chunk(GGUF)).toMatchObject({ reason: 'weights_detected' })
  })

  it('finds weights under any media type, in whatever pieces they come', () => {
    for (const size of [1, 3, 7, 64]) {
      const guard = guardOf()
      guard.head(head('content-type', 'image/png'))
      const verdicts = []
      for (let at = 0; at < GGUF.length; at += size) {
        verdicts.push(guard.chunk(GGUF.subarray(at, at + size)))
      }
      const passed = verdicts.filter((verdict) => verdict === undefined)
      expect(passed).toEqual([])
      expect(verdicts.at(-1)).toMatchObject({ reason: 'weights_detected' })
    }
  })

  it('never delays text, JSON or events', () => {
    for (const type of ['text/event-stream', 'application/json; charset=utf-8', 'text/plain']) {
      const guard = guardOf()
      guard.head(head('content-type', type))
      for (const piece of [':', '\n', '{', '"', 'G', 'GUF']) {
        expect(guard.chunk(Buffer.from(piece))).toBeUndefined()
      }
    }
  })

  it('finds a format whose mark comes late, and says how much had passed', () => {
    const onIncident = jest.fn()
    const allowedTypes = ['application/octet-stream']
    const guard = guardOf({ onIncident, allowedTypes })
    guard.head(head('content-type', 'application/octet-stream'))
    const start = Buffer.concat([Buffer.from([0x50, 0x4b, 3, 4]), Buffer.alloc(96, 65)])
    expect(guard.chunk(start)).toBeUndefined()
    const refusal = guard.chunk(Buffer.from('/data.pkl'))
    expect(refusal).toMatchObject({ reason: 'weights_detected' })
    expect(onIncident).toHaveBeenCalledWith(refusal, { found: 'zip-weights', bytesBefore: 100 })
    expect(guard.chunk(Buffer.from('more'))).toBe(refusal)
    expect(guard.end()).toBe(refusal)
    expect(onIncident).toHaveBeenCalledTimes(1)
  })

  it('finds weights behind the start of something else, and what is not of its type', () => {
    const guard = guardOf()
    guard.head(head('content-type', 'audio/wav'))
    expect(guard.chunk(Buffer.from('RIFF----WAVEfmt  0123456789'))).toBeUndefined()
    expect(guard.chunk(GGUF)).toMatchObject({ reason: 'weights_detected' })
    const other = guardOf()
    other.head(head('content-type', 'audio/wav'))
    expect(other.chunk(Buffer.alloc(64, 65))).toMatchObject({ reason: 'response_blocked' })
  })
})
