import { describe, expect, it } from '@jest/globals'
import type { ResponseGuard } from '../../../gateway/domain/ports.ts'
import { isRefusal } from '../../../gateway/domain/refusal.ts'
import type { ListingShape } from '../../../gateway/domain/watch.ts'
import { capBytes } from '../../../gateway/egress/guard/byte-cap.ts'
import { filterListing } from '../../../gateway/egress/listing/listing-filter.ts'
import { redactResponse } from '../../../gateway/egress/edit/redacted-response.ts'
import { createResponseGuard } from '../../../gateway/egress/guard/response-guard.ts'
import { createRedaction } from '../../../gateway/pep/obligations/redact-document.ts'
import { OPEN_GUARD } from '../../support/forward-gate.ts'

const SHAPE: ListingShape = {
  items: ['data'],
  read: (element) => {
    const { id } = (element ?? {}) as { id?: unknown }
    return typeof id === 'string' ? { kind: 'model', name: id } : undefined
  },
}

const JSON_HEAD = ['content-type', 'application/json']

function listing(inner: ResponseGuard = OPEN_GUARD, bodyless = false) {
  const told: string[] = []
  const guard = filterListing(inner, {
    shapes: [SHAPE],
    visible: ({ name }) => name !== 'hidden',
    bodyless,
    onIncident: ({ reason }, { bytesBefore }) => told.push(`${reason} after ${bytesBefore}`),
    onElement: (isListed) => told.push(isListed ? 'listed' : 'hidden'),
  })
  return { guard, told }
}

/** What leaves; ends with the reason of a refusal. */
function through(
  guard: ResponseGuard,
  chunks: readonly string[],
  head = { status: 200, headers: JSON_HEAD },
): string[] {
  const judged = guard.head(head)
  if (isRefusal(judged)) return [judged.reason]
  const out: string[] = []
  for (const chunk of chunks) {
    const verdict = guard.chunk(Buffer.from(chunk))
    if (isRefusal(verdict)) return [...out, verdict.reason]
    out.push(Buffer.isBuffer(verdict) ? verdict.toString() : `${verdict}`)
  }
  const last = guard.end()
  return [...out, isRefusal(last) ? last.reason : (last?.toString() ?? '')]
}

const LIST = '{"data":[{"id":"a"},{"id":"hidden"},{"name":"x"}],"total":3}'

describe('an answer that lists models', () => {
  it('leaves without what the caller may not see, as it comes', () => {
    const { guard, told } = listing()
    const pieces = [LIST.slice(0, 15), LIST.slice(15, 40), LIST.slice(40)]
    expect(through(guard, pieces)).toEqual(['{"data":[', '{"id":"a"}', '],"total":3}', ''])
    expect(told).toEqual(['listed', 'hidden', 'hidden'])
  })

  it('says nothing of the bytes that were, and is kept by no cache', () => {
    const headers = ['content-length', '60', 'etag', '"x"', 'content-digest', 'sha-256=:x:']
    const cached = ['cache-control', 'public, max-age=60', 'expires', 'x', 'last-modified', 'y']
    const head = { status: 200, headers: [...JSON_HEAD, ...headers, ...cached, 'link', '</n>'] }
    expect(listing().guard.head(head)).toEqual({
      status: 200,
      headers: [...JSON_HEAD, 'link', '</n>', 'cache-control', 'no-store'],
    })
  })

  it.each([
    'application/json',
    'application/json; charset=UTF-8',
    'application/vnd.x+json',
    'application/x-amz-json-1.1',
  ])('is read as %s', (type) => {
    const out = through(listing().guard, [LIST], { status: 200, headers: ['content-type', type] })
    expect(out.join('')).toBe('{"data":[{"id":"a"}],"total":3}')
  })

  it.each([
    ['of another type', 200, ['content-type', 'text/html']],
    ['of a stream', 200, ['content-type', 'application/x-ndjson']],
    ['of gRPC', 200, ['content-type', 'application/grpc+proto']],
    ['of no type', 200, []],
    ['of two types', 200, [...JSON_HEAD, ...JSON_HEAD]],
    ['of another charset', 200, ['content-type', 'application/json; charset=utf-16']],
    ['of two charsets', 200, ['content-type', 'application/json; charset=utf-8; charset=utf-16']],
    ['that is coded', 200, [...JSON_HEAD, 'content-encoding', 'gzip']],
    ['that is a part', 206, JSON_HEAD],
  ])('does not pass when it is one %s', (_name, status, headers) => {
    const { guard, told } = listing()
    expect(through(guard, [LIST], { status, headers })).toEqual(['response_unfilterable'])
    expect(told).toEqual(['response_unfilterable after 0'])
  })

  it('is cut where it cannot be read, and nothing follows', () => {
    const { guard, told } = listing()
    const out = through(guard, ['{"data":[{"id":"a"}', ',{"id":"hidden"}},', '{"id":"b"}]}'])
    expect(out).toEqual(['{"data":[{"id":"a"}', 'response_unfilterable'])
    expect(guard.chunk(Buffer.from('x'))).toMatchObject({ reason: 'response_unfilterable' })
    expect(guard.end()).toMatchObject({ reason: 'response_unfilterable' })
    expect(told).toEqual(['listed', 'hidden', 'response_unfilterable after 19'])
  })

  it('is cut at the end when it is not whole', () => {
    const out = through(listing().guard, ['{"data":[{"id":"a"}'])
    expect(out).toEqual(['{"data":[{"id":"a"}', 'response_unfilterable'])
  })
})

describe('an answer without a list', () => {
  it.each([
    [404, JSON_HEAD],
    [500, ['content-type', 'text/plain', 'content-length', '4']],
    [301, ['location', '/x']],
  ])('passes as it is with status %d', (status, headers) => {
    const { guard } = listing()
    expect(guard.head({ status, headers })).toEqual({ status, headers })
    expect(guard.chunk(Buffer.from('oops'))).toEqual(Buffer.from('oops'))
    expect(guard.end()).toEqual(Buffer.alloc(0))
  })

  it.each([
    [200, true, ['content-length', '60', 'etag', '"x"']],
    [204, false, []],
    [304, false, ['etag', '"x"']],
    [200, false, ['content-length', '0']],
  ])('passes with its head alone: %d, HEAD %s', (status, bodyless, headers) => {
    const { guard } = listing(OPEN_GUARD, bodyless)
    expect(guard.head({ status, headers })).toEqual({
      status,
      headers: ['cache-control', 'no-store'],
    })
    expect(guard.end()).toEqual(Buffer.alloc(0))
  })

  it.each([
    [204, false, JSON_HEAD],
    [200, true, JSON_HEAD],
    [200, false, [...JSON_HEAD, 'content-length', '0']],
  ])('has no body that came unread: %d, HEAD %s', (status, bodyless, headers) => {
    const { guard } = listing(OPEN_GUARD, bodyless)
    expect(through(guard, [LIST], { status, headers })).toEqual(['response_unfilterable'])
  })
})

describe('together with the other guards', () => {
  it('what the guard of weights holds back is not shown to the filter', () => {
    const inner: ResponseGuard = {
      ...OPEN_GUARD,
      chunk: (c) => (c.length < 9 ? 'hold' : undefined),
    }
    const { guard } = listing(inner)
    expect(through(guard, ['{"data"', ':[', '{"id":"hidden"}]}'])).toEqual([
      '',
      '',
      '{"data":[]}',
      '',
    ])
  })

  it('redirects and codings are judged before', () => {
    const { guard } = listing(createResponseGuard({ mayExport: false }))
    const head = { status: 302, headers: ['location', 'https://bucket.test/x'] }
    expect(through(guard, [], head)).toEqual(['response_blocked'])
  })

  it('the bytes of the upstream are counted, and fields are taken out of what is left', () => {
    const capped = capBytes(OPEN_GUARD, { bytesMax: LIST.length, bodyless: false })
    const fields = ['total']
    const redacted = (inner: ResponseGuard) =>
      redactResponse(inner, { fields, change: createRedaction(fields), bodyless: false })
    expect(through(redacted(listing(capped).guard), [LIST]).join('')).toBe('{"data":[{"id":"a"}]}')
    const tight = capBytes(OPEN_GUARD, { bytesMax: LIST.length - 1, bodyless: false })
    expect(through(redacted(listing(tight).guard), [LIST])).toEqual(['response_over_limit'])
  })
})
