/** Client address and posture: only what a configured hop says, only in one way (I2, I13). */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  expectForwarded,
  expectRefusal,
  HOSTS,
  json,
  request,
  startAttackWorld,
} from '../support/attack.ts'
import type { World } from '../support/world.ts'

const CONDITIONS = `conditions:
  vault: { kind: network, cidrs: [10.99.0.0/16] }
  healthy: { kind: device, managed: true, compliant: true, max_age: 1h }
`
const POLICY = `p, role:reader, read, model:*, vault, allow
p, role:inference, infer, model:*, healthy, allow
`
const rules = { 'conditions.yaml': CONDITIONS }

const IN_VAULT = '10.99.1.2'
const posture = (text = 'managed=?1, compliant=?1') =>
  `X-Device-Posture: ${text}, assessed_at=${Math.floor(Date.now() / 1000)}`

/** A request that is allowed only from the vault network. */
const read = (token: string, lines: readonly string[] = []) => request({ token, lines })
/** A request that is allowed only from a healthy device. */
const infer = (token: string, lines: readonly string[] = []) => {
  const { method, lines: type = [], body = '' } = json('{}')
  const parts = method === undefined ? {} : { method }
  return request({
    ...parts,
    target: '/v2/models/iris/infer',
    token,
    lines: [...type, ...lines],
    body,
  })
}

describe('without trusted proxies nothing in a header counts', () => {
  let world: World
  let token: string
  beforeAll(async () => {
    world = await startAttackWorld({ policy: POLICY, rules })
    token = await world.token(['reader', 'inference'])
  })
  afterAll(() => world.close())

  it.each([
    `X-Forwarded-For: ${IN_VAULT}`,
    `Forwarded: for=${IN_VAULT}`,
    `X-Real-Ip: ${IN_VAULT}`,
    `True-Client-Ip: ${IN_VAULT}`,
    `Cf-Connecting-Ip: ${IN_VAULT}`,
    `X-Client-Ip: ${IN_VAULT}`,
    `X-Forwarded-For: ${IN_VAULT}, 127.0.0.1`,
    'X-Forwarded-For: garbage',
    `X-Forwarded-For: ${Array(10_000).fill('1').join(',').slice(0, 15_000)}`,
  ])('%.60s', async (line) => {
    const { record } = await expectRefusal(world, read(token, [line]), {
      reason: 'condition_failed',
    })
    expect(record).toMatchObject({ ip: '127.0.0.1', ipsrc: 'peer' })
  })

  it.each([
    posture(),
    'X-Device-Posture: compliant',
    'X-Device-Managed: true',
    'X-Device-Id: laptop-7',
  ])('%.60s', async (line) => {
    const refused = { reason: 'condition_failed' } as const
    const { record, response } = await expectRefusal(world, infer(token, [line]), refused)
    expect(record['failed']).toEqual([expect.objectContaining({ name: 'healthy', is: 'unknown' })])
    expect(response.body.toString()).toContain('healthy')
  })

  it('X-Forwarded-Proto and -Host change neither answers nor challenges', async () => {
    const lines = [
      'X-Forwarded-Proto: https',
      'X-Forwarded-Host: evil.test',
      'X-Forwarded-Prefix: //evil',
    ]
    const plain = await expectRefusal(world, request(), { reason: 'authn_missing' })
    const spoofed = await expectRefusal(world, request({ lines }), { reason: 'authn_missing' })
    expect(spoofed.response.header('www-authenticate')).toBe(
      plain.response.header('www-authenticate'),
    )
    expect(spoofed.response.head).not.toContain('evil')
  })
})

describe('behind a trusted proxy', () => {
  let world: World
  let token: string
  beforeAll(async () => {
    world = await startAttackWorld({
      policy: POLICY,
      rules,
      config: { trusted_proxies: ['127.0.0.1/32', '10.98.0.0/16'] },
    })
    token = await world.token(['reader', 'inference'])
  })
  afterAll(() => world.close())

  it.each([
    ['one hop', `X-Forwarded-For: ${IN_VAULT}`],
    ['through another trusted hop', `X-Forwarded-For: ${IN_VAULT}, 10.98.0.1`],
    ['an IPv4 address in IPv6 clothes', 'X-Forwarded-For: ::ffff:10.99.1.2'],
    ['the same in hexadecimal', 'X-Forwarded-For: ::ffff:a63:102'],
    ['with a port', `X-Forwarded-For: ${IN_VAULT}:4711`],
  ])('the client is who the hop says: %s', async (_, line) => {
    await expectForwarded(world, read(token, [line]))
    const sent = world.upstream.requests.at(-1)?.head ?? ''
    expect(sent.match(/^x-forwarded-for: .*$/gim)).toEqual([`x-forwarded-for: ${IN_VAULT}`])
  })

  it('what a client wrote left of that is not believed', async () => {
    const lines = [`X-Forwarded-For: ${IN_VAULT}, 203.0.113.9`]
    const { record } = await expectRefusal(world, read(token, lines), {
      reason: 'condition_failed',
    })
    expect(record).toMatchObject({ ip: '203.0.113.9', ipsrc: 'forwarded' })
  })

  it('two fields are one list, in their order', async () => {
    const lines = [`X-Forwarded-For: ${IN_VAULT}`, 'x-forwarded-for: 203.0.113.9']
    const { record } = await expectRefusal(world, read(token, lines), {
      reason: 'condition_failed',
    })
    expect(record['ip']).toBe('203.0.113.9')
  })

  it.each([
    ['garbage', ['X-Forwarded-For: garbage']],
    ['nothing', ['X-Forwarded-For:']],
    ['a zone', ['X-Forwarded-For: fe80::1%eth0']],
    ['unknown', ['X-Forwarded-For: unknown']],
    ['octal', ['X-Forwarded-For: 010.99.1.2']],
    ['33 entries', [`X-Forwarded-For: ${Array(33).fill(IN_VAULT).join(', ')}`]],
    ['two headers that disagree', [`X-Forwarded-For: ${IN_VAULT}`, 'Forwarded: for=203.0.113.9']],
    ['an open quote', [`X-Forwarded-For: ${IN_VAULT}`, 'Forwarded: for="203.0.113.9']],
  ])('an ambiguous address is refused: %s', async (_, lines) => {
    await expectRefusal(world, read(token, lines), { reason: 'forwarded_invalid' })
  })

  it('a posture that the hop states counts', async () => {
    await expectForwarded(world, infer(token, [posture()]))
    expect(world.upstream.requests.at(-1)?.head).not.toMatch(/x-device/i)
  })

  it.each([
    ['not compliant', posture('managed=?1, compliant=?0')],
    ['not said', posture('managed=?1')],
    ['of an hour ago', 'X-Device-Posture: managed=?1, compliant=?1, assessed_at=1700000000'],
    ['of an unknown time', 'X-Device-Posture: managed=?1, compliant=?1'],
  ])('a posture that does not hold is a condition that failed: %s', async (_, line) => {
    await expectRefusal(world, infer(token, [line]), { reason: 'condition_failed' })
  })

  it.each([
    'compliant, noncompliant',
    'Compliant',
    'true',
    'managed=1, compliant=1',
    'managed=?1, managed=?0',
    'managed=?1, compliant=?1, role="admin"',
    '{"__proto__":{"managed":true}}',
    'bWFuYWdlZA==',
    'managed="?1"',
  ])('a posture in another form is refused: %s', async (text) => {
    const bytes = infer(token, [`X-Device-Posture: ${text}`])
    await expectRefusal(world, bytes, { reason: 'forwarded_invalid', stage: 'gather' })
  })

  it("the hop's posture and a client's copy of it are refused together", async () => {
    const bytes = infer(token, [posture('managed=?0'), posture()])
    await expectRefusal(world, bytes, { reason: 'header_invalid' })
  })

  it('identity in headers is not believed even from a trusted hop', async () => {
    const lines = ['X-Forwarded-User: ceo', 'X-Remote-User: ceo', `X-Forwarded-For: ${IN_VAULT}`]
    await expectRefusal(world, request({ lines, host: HOSTS.models }), { reason: 'authn_missing' })
  })
})
