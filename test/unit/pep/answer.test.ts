import { afterEach, describe, expect, it } from '@jest/globals'
import type { Decision } from '../../../gateway/domain/access.ts'
import { REASON_CODES, REASONS } from '../../../gateway/domain/reasons.ts'
import { refuse, type Refusal } from '../../../gateway/domain/refusal.ts'
import type { Runtime } from '../../../gateway/pep/runtime.ts'
import {
  entryOf,
  PERMIT,
  READ,
  startPipeline,
  type TestPipeline,
  holdingsOf,
} from '../../support/pipeline.ts'
import { rawExchange } from '../../support/raw-client.ts'

let pipeline: TestPipeline | undefined
afterEach(async () => {
  await pipeline?.close()
  pipeline = undefined
})

const GET = 'GET /m HTTP/1.1\r\nHost: a\r\n\r\n'

async function answerTo(runtime: Partial<Runtime>, bytes = GET) {
  pipeline = await startPipeline({ runtime })
  const { responses } = await rawExchange(pipeline.port, bytes)
  const [response] = responses
  if (response === undefined) throw new Error('no answer')
  const text = response.body.toString()
  return { response, body: (text === '' ? {} : JSON.parse(text)) as Record<string, unknown> }
}

const refusing = (refusal: Refusal): Partial<Runtime> => ({
  authenticator: { authenticate: () => refusal },
})

const openai: Runtime['upstreams'] = {
  select: (_, target) => ({ entry: entryOf({ errorShape: 'openai' }), target }),
}

const DENIED: Decision = {
  ...PERMIT,
  effect: 'deny',
  reason: 'condition_failed',
  failedConditions: [{ name: 'office-hours', truth: 'false', detail: 'outside 08:00-18:00' }],
  explanation: 'A rule would allow this during office hours.',
}
const denying: Partial<Runtime> = {
  policy: {
    decisionPoint: { revision: 'sha256:00', decide: () => DENIED },
    resources: { attributesOf: () => undefined },
    holdingsOf,
  },
}

describe('a refusal as problem details (RFC 9457)', () => {
  it('names its record, its reason and what to do', async () => {
    const { response, body } = await answerTo(refusing(refuse('authn_expired')))
    expect(response.status).toBe(401)
    expect(response.header('content-type')).toBe('application/problem+json')
    expect(response.header('cache-control')).toBe('no-store')
    expect(response.header('x-content-type-options')).toBe('nosniff')
    expect(body).toEqual({
      type: 'urn:modelgate:problem:authn_expired',
      title: REASONS.authn_expired.title,
      status: 401,
      detail: REASONS.authn_expired.title,
      reason: 'authn_expired',
      remedy: REASONS.authn_expired.remedy,
      error: expect.stringContaining(REASONS.authn_expired.remedy) as unknown,
      decision_id: response.header('x-modelgate-decision-id'),
    })
  })

  it('of a decision names the rule, the conditions that failed and the revision', async () => {
    const { body } = await answerTo(denying)
    expect(body).toMatchObject({
      detail: DENIED.explanation,
      rule: 'policy.csv:3',
      conditions: [{ name: 'office-hours', is: 'false', detail: 'outside 08:00-18:00' }],
      policy_revision: 'sha256:00',
    })
  })

  it('of a HEAD has the headers alone', async () => {
    const head = GET.replace('GET', 'HEAD')
    const { response, body } = await answerTo(refusing(refuse('authn_missing')), head)
    expect(Number(response.header('content-length'))).toBeGreaterThan(100)
    expect(body).toEqual({})
    // Nothing else could say it.
    expect(response.header('x-error-message')).toContain(REASONS.authn_missing.remedy)
  })

  it('has the fields that belong to its status', async () => {
    const missing = await answerTo(refusing(refuse('authn_missing')))
    expect(missing.response.header('www-authenticate')).toBe('Bearer realm="test"')
    await pipeline?.close()
    const busy = await answerTo(refusing(refuse('overloaded', { retryAfter: 7 })))
    expect(busy.response.header('retry-after')).toBe('7')
    expect(busy.response.headers.has('www-authenticate')).toBe(false)
    await pipeline?.close()
    const method = await answerTo(
      refusing(refuse('method_not_allowed', { allow: ['GET', 'HEAD'] })),
    )
    expect(method.response.header('allow')).toBe('GET, HEAD')
  })

  it('keeps the connection only where the next request certainly begins behind this one', async () => {
    const kept = await answerTo(refusing(refuse('authn_missing')))
    expect(kept.response.header('connection')).not.toBe('close')
    await pipeline?.close()
    const broken = await answerTo({ parseTarget: () => refuse('target_invalid') })
    expect(broken.response.header('connection')).toBe('close')
    await pipeline?.close()
    const unread = 'POST /m HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc'
    const open = await answerTo(refusing(refuse('authn_missing')), unread)
    expect(open.response.header('connection')).toBe('close')
  })
})

describe("a refusal in OpenAI's shape", () => {
  it.each([
    [refuse('authn_missing'), 'authentication_error'],
    [refuse('no_rule'), 'permission_error'],
    [refuse('model_missing'), 'invalid_request_error'],
    [refuse('overloaded'), 'server_error'],
  ])('has all four keys its clients need: %j', async (refusal, type) => {
    const { response, body } = await answerTo({ ...refusing(refusal), upstreams: openai })
    const { title, remedy } = REASONS[refusal.reason]
    const id = response.header('x-modelgate-decision-id') ?? ''
    expect(response.header('content-type')).toBe('application/json')
    expect(body).toEqual({
      error: {
        message: `${title}. ${remedy} (decision ${id})`,
        type,
        param: null,
        code: refusal.reason,
        decision_id: id,
        remedy,
      },
    })
  })

  it('is that of the route once it is known, whatever the pack speaks', async () => {
    const classify = () => ({ ...READ, errorShape: 'openai' as const })
    const upstreams: Runtime['upstreams'] = {
      select: (_, target) => ({ entry: entryOf({ classifier: { classify } }), target }),
    }
    const { body } = await answerTo({ ...denying, upstreams })
    expect(body['error']).toMatchObject({ code: 'condition_failed', rule: 'policy.csv:3' })
  })
})

it('every reason has plain texts and a status of a refusal', () => {
  for (const code of REASON_CODES) {
    const { title, remedy, status } = REASONS[code]
    expect(`${title}${remedy}`).toMatch(/^[\x20-\x7e\u00a7]+$/)
    expect(status).toBeGreaterThanOrEqual(400)
  }
})
