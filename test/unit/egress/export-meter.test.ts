/** What leaves in an export is counted and hashed; what is not what was declared never ends. */
import { createHash } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { isRefusal, refuse } from '../../../gateway/domain/refusal.ts'
import type { ResponseGuard, ResponseHead } from '../../../gateway/domain/ports.ts'
import {
  meterExport,
  type ExportMeterOptions,
} from '../../../gateway/egress/exports/export-meter.ts'
import { askedPart } from '../../../gateway/egress/exports/export-parts.ts'

const PASS: ResponseGuard = { head: (head) => head, chunk: () => undefined, end: () => undefined }
const BODY = Buffer.from('0123456789abcdefghij')
const hex = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
const DIGEST = `sha256:${hex(BODY)}`
const head = (status = 200, headers: readonly string[] = []): ResponseHead => ({
  status,
  headers: ['content-length', String(BODY.length), ...headers],
})

/** Sends `body` in pieces of `size`; what leaves, and how it ends. */
function send(
  options: Partial<ExportMeterOptions>,
  given: { size?: number; body?: Buffer; head?: ResponseHead; inner?: ResponseGuard } = {},
) {
  const { size = 7, body = BODY, inner = PASS } = given
  const incidents: string[] = []
  const meter = meterExport(inner, {
    bodyless: false,
    isBound: false,
    onIncident: ({ reason }, { found }) => void incidents.push(`${reason} ${found}`),
    ...options,
  })
  const left: Buffer[] = []
  const begun = meter.head(given.head ?? head())
  const end = () => {
    if (isRefusal(begun)) return begun
    const held: Buffer[] = []
    for (let at = 0; at < body.length; at += size) {
      const chunk = body.subarray(at, at + size)
      const verdict = meter.chunk(chunk)
      if (isRefusal(verdict)) return verdict
      if (verdict === 'hold') held.push(chunk)
      else if (verdict === undefined) left.push(...held.splice(0), chunk)
      else if (verdict.length > 0) left.push(...held.splice(0), verdict)
    }
    const last = meter.end()
    if (isRefusal(last)) return last
    left.push(...held.splice(0), ...(last === undefined ? [] : [last]))
    return undefined
  }
  const refusal = end()
  return { begun, left: Buffer.concat(left), refusal, incidents, exported: meter.exported() }
}

describe('without a declared digest', () => {
  it.each([1, 7, 64])('every chunk of %i leaves as it came, counted and hashed', (size) => {
    const { left, refusal, exported } = send({}, { size })
    expect(refusal).toBeUndefined()
    expect(left).toEqual(BODY)
    expect(exported).toMatchObject({ isBegun: true, isEnded: true, bytes: 20, sha256: hex(BODY) })
    expect(exported.matched).toBeUndefined()
  })

  it('tells a part by what the upstream says of it', () => {
    const part = head(206, ['content-range', 'bytes 10-29/30', 'etag', '"v1"'])
    expect(send({}, { head: part }).exported).toMatchObject({
      part: { from: 10, to: 29, of: 30 },
      etag: '"v1"',
    })
  })

  it('counts what an inner guard held, when it leaves', () => {
    let calls = 0
    const inner: ResponseGuard = { ...PASS, chunk: () => (calls++ === 0 ? 'hold' : undefined) }
    const { left, exported } = send({}, { inner })
    expect(left).toEqual(BODY)
    expect(exported).toMatchObject({ bytes: 20, sha256: hex(BODY) })
  })

  it('ends when the account says so, and counts what had left', () => {
    let leftBytes = 15
    const take = (bytes: number) => {
      if (bytes > leftBytes) return refuse('grant_spent')
      leftBytes -= bytes
      return undefined
    }
    const { left, refusal, exported } = send({ account: { take } })
    expect(refusal?.reason).toBe('grant_spent')
    expect(left).toEqual(BODY.subarray(0, 14))
    expect(exported).toMatchObject({ isEnded: false, bytes: 14, sha256: hex(left) })
  })
})

describe('with a declared digest', () => {
  it.each([1, 3, 20, 64])('what matches leaves whole, in chunks of %i', (size) => {
    const { left, refusal, exported } = send({ digest: DIGEST }, { size })
    expect(refusal).toBeUndefined()
    expect(left).toEqual(BODY)
    expect(exported).toMatchObject({ matched: true, bytes: 20, sha256: hex(BODY) })
  })

  it.each([1, 3, 20])('of what does not, the last chunk of %i never leaves', (size) => {
    const digest = `sha256:${'0'.repeat(64)}`
    const { left, refusal, incidents, exported } = send({ digest }, { size })
    expect(refusal?.reason).toBe('digest_mismatch')
    expect(left.length).toBeLessThan(20)
    expect(incidents).toEqual(['digest_mismatch digest'])
    expect(exported).toMatchObject({ matched: false, isEnded: false, found: hex(BODY) })
    expect(exported.sha256).toBe(hex(left))
  })

  it.each([
    ['bytes=5-', undefined, 5, 19],
    ['bytes=5-9', undefined, 5, 9],
    ['bytes=0-', undefined, 0, 19],
    ['bytes=5-999', undefined, 5, 19],
    ['bytes=19-', undefined, 19, 19],
    ['bytes=5-', '"v1"', 5, 19],
  ])('gives %s (If-Range %s) of a whole that it compares', (range, ifRange, from, to) => {
    for (const size of [1, 4, 20]) {
      const options = { digest: DIGEST, part: askedPart(range, ifRange) }
      const sent = send(options, { size, head: head(200, ['etag', '"v1"']) })
      expect(sent.begun).toMatchObject({ status: 206 })
      expect((sent.begun as ResponseHead).headers).toEqual([
        'etag',
        '"v1"',
        'content-length',
        String(to - from + 1),
        'content-range',
        `bytes ${from}-${to}/20`,
      ])
      expect(sent.left).toEqual(BODY.subarray(from, to + 1))
      expect(sent.exported).toMatchObject({
        matched: true,
        sha256: hex(sent.left),
        part: { from, to },
      })
    }
  })

  it('ends a part of what is not what was declared before its end', () => {
    const options = { digest: `sha256:${'0'.repeat(64)}`, part: askedPart('bytes=5-9', undefined) }
    const { left, refusal } = send(options, { size: 1 })
    expect(refusal?.reason).toBe('digest_mismatch')
    expect(left.length).toBeLessThan(5)
  })

  it.each([
    ['the tag is another', 'bytes=5-', '"v2"'],
    ['the tag is weak', 'bytes=5-', 'W/"v1"'],
    ['it begins behind the end', 'bytes=20-', undefined],
  ])('gives the whole when %s', (_, range, ifRange) => {
    const options = { digest: DIGEST, part: askedPart(range, ifRange) }
    const { begun, left } = send(options, { head: head(200, ['etag', '"v1"']) })
    expect(begun).toMatchObject({ status: 200 })
    expect(left).toEqual(BODY)
  })

  it('takes no part that the upstream chose by itself', () => {
    const { refusal, incidents } = send({ digest: DIGEST }, { head: head(206) })
    expect(refusal?.reason).toBe('digest_mismatch')
    expect(incidents).toEqual(['digest_mismatch partial'])
  })
})

describe('an answer that is no export', () => {
  it.each([301, 302, 303, 307, 308])(
    'of status %i hands nothing out where what leaves is limited',
    (status) => {
      const { refusal } = send({ isBound: true }, { head: head(status, ['location', '/x']) })
      expect(refusal?.reason).toBe('response_blocked')
      expect(send({}, { head: head(status) }).refusal).toBeUndefined()
    },
  )

  it('may be an error, of so many bytes, that takes nothing from a grant', () => {
    const take = () => refuse('grant_spent')
    const error = { head: head(500), account: { take } }
    const { refusal, exported } = send({ isBound: true, account: { take }, digest: DIGEST }, error)
    expect(refusal).toBeUndefined()
    expect(exported).toMatchObject({ isBegun: false, bytes: 0 })
    const long = { head: head(404), body: Buffer.alloc(65 * 1024), size: 1024 }
    expect(send({ isBound: true }, long).refusal?.reason).toBe('response_over_limit')
  })

  it.each([304, 200])('of status %i without content is not compared', (status) => {
    expect(
      send({ bodyless: true, isBound: true }, { body: Buffer.alloc(0), head: head(status) })
        .refusal,
    ).toBeUndefined()
  })
})

it.each([
  'bytes=-5',
  'bytes=1-2,4-5',
  'bytes=9-5',
  'items=1-',
  'bytes=99999999999999999-',
  'bytes=1-x',
  '',
])('takes %j for no part', (range) => expect(askedPart(range, undefined)).toBeUndefined())
