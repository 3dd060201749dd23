/** One Host, well formed and known (I5); the upstream gets its own, never the client's bytes. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  expectForwarded,
  expectRefusal,
  HOSTS,
  request,
  startAttackWorld,
} from '../support/attack.ts'
import type { World } from '../support/world.ts'

let world: World
let token: string
beforeAll(async () => {
  world = await startAttackWorld()
  token = await world.token(['reader'])
})
afterAll(() => world.close())

const refused = { reason: 'host_invalid' } as const

describe('a Host that is missing, repeated, malformed or unknown is refused', () => {
  it.each([
    ['another name', 'evil.test'],
    ['empty', ''],
    ['a port out of range', 'models.test:70000'],
    ['port 0', 'models.test:0'],
    ['a port with a sign', 'models.test:+80'],
    ['an empty port', 'models.test:'],
    ['a trailing dot', 'models.test.'],
    ['an open bracket', '[::1'],
    ['a zone', '[fe80::1%25eth0]'],
    ['a tab inside', 'models\t.test'],
    ['a space inside', 'models .test'],
    ['a path (CVE-2026-48746)', 'models.test/v1/x?y#z'],
    ['a query', 'models.test?x'],
    ['userinfo', 'u@models.test'],
    ['userinfo that looks like the host', 'models.test@evil.test'],
    ['two names', 'models.test, evil.test'],
    ['a backslash', 'models.test\\evil'],
    ['a suffix of a known name', 'xmodels.test'],
    ['a known name as prefix', 'models.test.evil.test'],
    ['an address in octal', '0177.0.0.1'],
    ['an address as one number', '2130706433'],
  ])('%s', async (_, host) => {
    await expectRefusal(world, request({ host, token }), refused, { closes: true })
  })

  it('bytes over 0x7f, which no header may hold', async () => {
    const bytes = request({ host: 'm\u00f6dels.test', token })
    await expectRefusal(world, bytes, { reason: 'header_invalid' }, { closes: true })
  })

  it('none, with HTTP/1.1', async () => {
    await expectRefusal(world, request({ host: undefined, token }), refused, { closes: true })
  })

  it('none, with HTTP/1.0', async () => {
    const bytes = request({ host: undefined, version: 'HTTP/1.0', token })
    await expectRefusal(world, bytes, refused, { closes: true })
  })

  it.each([
    ['the same twice', [`Host: ${HOSTS.models}`, `Host: ${HOSTS.models}`]],
    ['a known one first', [`Host: ${HOSTS.models}`, 'Host: evil.test']],
    ['a known one last', ['Host: evil.test', `host: ${HOSTS.models}`]],
  ])('two: %s', async (_, lines) => {
    await expectRefusal(world, request({ host: undefined, lines, token }), refused, {
      closes: true,
    })
  })
})

describe('a well-formed Host chooses the upstream and is not passed on', () => {
  it.each(['models.test', 'MODELS.test', 'models.test:8443'])('%s', async (host) => {
    await expectForwarded(world, request({ host, token }))
    const head = world.upstream.requests.at(-1)?.head ?? ''
    expect(head.match(/^host: .*$/gim)).toEqual([`host: 127.0.0.1:${world.upstream.port}`])
    expect(head).not.toContain('models.test')
  })

  it('another name leads to another upstream, with routes of its own', async () => {
    const bytes = request({ host: HOSTS.llm, token })
    const { record } = await expectRefusal(world, bytes, { reason: 'unclassified' })
    expect(record['upstream']).toBe('llm')
  })
})

it('without any configured host, every well-formed one is accepted and no other', async () => {
  const open = await startAttackWorld({ upstreams: [{ name: 'models', pack: 'kserve' }] })
  try {
    const reader = await open.token(['reader'])
    await expectForwarded(open, request({ host: 'anything.test:81', token: reader }))
    await expectForwarded(open, request({ host: '[::1]:8080', token: reader }))
    await expectRefusal(open, request({ host: 'a/b', token: reader }), refused)
    await expectRefusal(open, request({ host: undefined, token: reader }), refused)
  } finally {
    await open.close()
  }
})
