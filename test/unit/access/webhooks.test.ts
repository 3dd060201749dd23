import { describe, expect, it } from '@jest/globals'
import type { AccessEvent } from '../../../gateway/access/events.ts'
import { retryDelayMs } from '../../../gateway/access/webhooks/back-off.ts'
import { jsonBody, noteOf } from '../../../gateway/access/webhooks/payload.ts'
import { readWebhookSecret, signatureHeaders } from '../../../gateway/access/webhooks/signature.ts'
import { slackBody, slackText } from '../../../gateway/access/webhooks/slack.ts'

const KNOWN = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw'

describe('signatures of webhooks', () => {
  it('are those of the vector that Standard Webhooks publishes', () => {
    const secret = readWebhookSecret(KNOWN)
    if (secret === undefined) throw new Error('no secret')
    const message = {
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      timestamp: 1_614_265_330,
      body: '{"test": 2432232314}',
    }
    expect(signatureHeaders(message, [secret])).toEqual({
      'webhook-id': message.id,
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    })
    const both = signatureHeaders(message, [Buffer.alloc(24, 1), secret])['webhook-signature']
    expect(both).toMatch(/^v1,\S+ v1,g0hM9SsE\S+$/)
  })

  it.each(['short', '', 'whsec_', 'whsec_AAAA', `${KNOWN}!`, 'x'.repeat(1_025)])(
    'are not made with the secret %j',
    (text) => {
      expect(readWebhookSecret(text)).toBe(undefined)
    },
  )

  it('are made with a text of 24 bytes', () => {
    expect(readWebhookSecret('x'.repeat(24))?.length).toBe(24)
  })
})

describe('the wait before another attempt', () => {
  it('doubles to a quarter of an hour, half of it by chance', () => {
    expect([1, 2, 3, 60].map((n) => retryDelayMs(n, 1))).toEqual([1_000, 2_000, 4_000, 900_000])
    expect(retryDelayMs(3, 0)).toBe(2_000)
  })

  it('is what the receiver asks for, within the bound', () => {
    expect(retryDelayMs(1, 0, 60_000)).toBe(60_000)
    expect(retryDelayMs(1, 0, 1e9)).toBe(900_000)
  })
})

const REQUEST = {
  id: 'req-1',
  version: 1,
  kind: 'elevation',
  by: { person: 'person:alice', id: 'user:idp/alice', holds: ['group:secret-group'] },
  terms: {
    holder: 'user:idp/alice',
    actions: ['export'],
    resources: ['model:m@1'],
    durationMs: 3_600_000,
  },
  // Threats §2.H 280.
  reasons: { justification: '<!channel> *now* <https://evil|approve> &amp;\nlock: none\u202e' },
  createdAt: 0,
  expiresAt: 1_000,
  demands: [],
  digest: 'sha256:0',
  votes: [],
  status: 'pending',
} as const
const CREATED: AccessEvent = { type: 'request.created', request: REQUEST }

describe('what webhooks are told', () => {
  it('is chosen facts, never the whole of an event', () => {
    const note = noteOf(CREATED)
    if (note === undefined) throw new Error('no note')
    const body = jsonBody({ epoch: 'e', seq: 7, at: 0, event: CREATED }, note)
    expect(JSON.parse(body)).toEqual({
      type: 'request.created',
      timestamp: '1970-01-01T00:00:00.000Z',
      id: 'e-7',
      data: {
        title: 'Privilege is asked for',
        request: 'req-1',
        by: 'user:idp/alice',
        actions: ['export'],
        resources: ['model:m@1'],
        minutes: 60,
        justification: REQUEST.reasons.justification,
        rules: [],
        expires: '1970-01-01T00:00:01.000Z',
      },
    })
    expect(body).not.toContain('secret-group')
  })

  it('is nothing of what is nobody’s business', () => {
    expect(noteOf({ type: 'person.seen', person: REQUEST.by })).toBe(undefined)
    expect(noteOf({ type: 'registration.ended', id: 'd-1' })).toBe(undefined)
  })

  it('is bounded', () => {
    const reason = `${'x'.repeat(999)}😀 and more`
    const note = noteOf({ type: 'request.denied', id: 'req-1', by: 'user:idp/bob', reason })
    expect(note?.facts['reason']).toBe(`${'x'.repeat(999)}…`)
  })
})

describe('the text for Slack', () => {
  it('shows what strangers wrote letter by letter, on one line', () => {
    const note = noteOf(CREATED)
    if (note === undefined) throw new Error('no note')
    const body = slackBody(note)
    const read = JSON.parse(body) as { blocks: { text: { text: string } }[] }
    const facts = read.blocks[1]?.text.text ?? ''
    expect(facts).toContain(
      'justification: &lt;!channel&gt; *\u2060now*\u2060 &lt;https:\u2060//evil|',
    )
    expect(facts).toContain('&amp;amp; lock: none ')
    expect(body).not.toMatch(/<|>/)
    expect(facts.split('\n')).toHaveLength(8)
    expect(read.blocks[2]?.text.text).toContain('modelgate request show req-1')
  })

  it.each([
    ['@here', '@\u2060here'],
    ['a_b', 'a_\u2060b'],
    ['\u0000\u001b[31m', ' [31m'],
  ])('writes %j as %j', (text, shown) => {
    expect(slackText(text)).toBe(shown)
  })
})
