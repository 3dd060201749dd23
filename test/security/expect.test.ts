/** `100 Continue` invites a body; nobody is invited before the decision asks for it. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { expectRefusal, HOSTS, request, startAttackWorld } from '../support/attack.ts'
import { afterResponses, rawExchange } from '../support/raw-client.ts'
import type { World } from '../support/world.ts'

let world: World
let token: string
beforeAll(async () => {
  world = await startAttackWorld()
  token = await world.token(['reader', 'inference'])
})
afterAll(() => world.close())

const CONTINUE = 'Expect: 100-continue'
const TYPE = 'Content-Type: application/json'
const FIVE_GB = 'Content-Length: 5368709120'

/** A head whose body is not sent. */
const head = (
  lines: readonly string[],
  parts: { host?: string; target?: string; token?: string } = {},
) => request({ method: 'POST', target: '/v2/models/iris/infer', lines: [TYPE, ...lines], ...parts })

// `closes` would send a request where the body is due, which is a part of the body.
describe('a refused request is answered without an invitation', () => {
  it('without credentials, whatever it announces', async () => {
    await expectRefusal(world, head([CONTINUE, FIVE_GB]), { reason: 'authn_missing' })
  })

  it('with credentials that are not accepted', async () => {
    const forged = `${token.slice(0, -4)}AAAA`
    const bytes = head([CONTINUE, FIVE_GB], { token: forged })
    await expectRefusal(world, bytes, { reason: 'authn_signature' })
  })

  it('on a route nobody knows', async () => {
    const bytes = head([CONTINUE, FIVE_GB], { token, target: '/nope' })
    await expectRefusal(world, bytes, { reason: 'unclassified' })
  })

  it('without the permission', async () => {
    const reader = await world.token(['reader'])
    await expectRefusal(world, head([CONTINUE, FIVE_GB], { token: reader }), { reason: 'no_rule' })
  })

  it('and the connection ends, so that the body that was not sent is not waited for', async () => {
    const { raw, endedBy } = await rawExchange(world.port, head([CONTINUE, FIVE_GB]), {
      until: () => false,
    })
    expect(raw.toString()).toMatch(/^HTTP\/1\.1 401 /)
    expect(raw.toString()).not.toContain('100 Continue')
    expect(endedBy).toBe('close')
  })
})

describe('an expectation that cannot be met is refused', () => {
  it.each([
    ['another word', ['Expect: 200-ok', 'Content-Length: 2']],
    ['a parameter', ['Expect: 100-continue;q=1', 'Content-Length: 2']],
    ['two words', ['Expect: 100-continue, 100-continue', 'Content-Length: 2']],
    ['without a body', [CONTINUE]],
    ['with an empty body', [CONTINUE, 'Content-Length: 0']],
  ])('%s', async (_, lines) => {
    await expectRefusal(world, head(lines, { token }), { reason: 'expectation_failed' })
  })

  it('on a GET', async () => {
    const bytes = request({ token, lines: [CONTINUE] })
    await expectRefusal(world, bytes, { reason: 'expectation_failed' })
  })

  it('sent twice', async () => {
    const bytes = head([CONTINUE, CONTINUE, 'Content-Length: 2'], { token })
    await expectRefusal(world, bytes, { reason: 'header_invalid' })
  })
})

describe('a permitted request is invited once', () => {
  it.each([
    ['whose body decides', HOSTS.llm, '/v1/chat/completions', '{"model":"iris"}'],
    ['whose body does not', HOSTS.models, '/v2/models/iris/infer', '{}'],
  ])('%s', async (_, host, target, body) => {
    const before = world.upstream.requests.length
    const lines = [CONTINUE, `Content-Length: ${body.length}`]
    const { responses } = await rawExchange(
      world.port,
      [head(lines, { token, host, target }), body],
      { until: afterResponses(1) },
    )
    expect(responses.map(({ status }) => status)).toEqual([100, 200])
    expect(world.upstream.requests).toHaveLength(before + 1)
    const sent = world.upstream.requests.at(-1)
    expect(sent?.body).toBe(body)
    expect(sent?.head).not.toMatch(/^expect:/im)
  })
})
