/** Targets that two readers could take for two things: refused as they are, never repaired (I1). */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import type { Reason } from '../../gateway/domain/reasons.ts'
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
  token = await world.token(['reader', 'inference', 'exporter', 'deployer'])
})
afterAll(() => world.close())

describe('a malformed or ambiguous request target is refused before anyone is asked who calls', () => {
  it.each([
    // Path parameters, which servlet containers cut off (CVE-2024-1593).
    ['/v2/models/a..;/b'],
    ['/v2/models/a;jsessionid=1/infer'],
    ['/v2/models;/a'],
    ['/v2/models/a%3b/ready'],
    // Empty segments: the first would be a host to a URL parser (CVE-2026-26205).
    ['//admin'],
    ['/v2/models/iris?%ff=1'],
    ['//evil.test/v2/models/iris'],
    ['///evil.test/x'],
    ['/v2/models//iris'],
    ['/v2//models/iris'],
    // Backslashes, which WHATWG parsers read as slashes.
    ['/v2/models\\iris'],
    ['/a\\..\\admin'],
    ['/\\evil.test'],
    ['/v2/models/a%5cb'],
    // Dot segments, written and encoded.
    ['/public/../v2/models/iris'],
    ['/v2/models/./iris'],
    ['/v2/models/iris/..'],
    ['/v2/models/%2e%2e/iris'],
    ['/v2/models/.%2e/iris'],
    ['/v2/models/%2E/iris'],
    // Encoded slashes and characters that need no encoding.
    ['/v2/models/a%2fb'],
    ['/v2/models/a%2Fb'],
    ['/v2/%6dodels/iris'],
    ['/v2/models/iris%3Aready'],
    ['/v1/models/iris%3Apredict'],
    // Double, broken and overlong encodings (CVE-2024-1560).
    ['/v2/models/%252e%252e'],
    ['/v2/models/%25%32%65'],
    ['/v2/models/%c0%ae'],
    ['/v2/models/%e0%80%ae'],
    ['/v2/models/%uff0e'],
    ['/v2/models/%'],
    ['/v2/models/%4'],
    ['/v2/models/%zz'],
    ['/v2/models/iris?x=%zz'],
    // Controls.
    ['/v2/models/iris%0A'],
    ['/v2/models/iris%0d%0aX-Injected:%201'],
    ['/v2/models/iris%00'],
    ['/v2/models/iris%7f'],
    // Fragments, at which an upstream may cut (CVE-2026-41059).
    ['/admin#/v2/models/iris'],
    ['/v2/models/iris#x'],
    ['/v2/models/a%23x'],
    ['/v2/models/iris?a=1#b'],
    // Other forms than origin-form.
    ['*'],
    ['http://models.test/v2/models/iris'],
    ['HTTP://models.test/'],
    ['https://u:p@evil.test:99/x'],
    // Aliases by punctuation of frameworks.
    ['/v2/models/iris%2e'],
    ['/v2/models/"iris"'],
    ['/v2/models/<iris>'],
    ['/v2/models/iris|x'],
    ['/v2/models/{iris}'],
  ])('%s', async (target) => {
    const bytes = request({ target, token })
    const parsed = { reason: 'target_invalid' as Reason }
    const { record } = await expectRefusal(world, bytes, parsed, { closes: true })
    expect(record).not.toHaveProperty('path')
    expect(record).not.toHaveProperty('sub')
  })

  it('OPTIONS *', async () => {
    const bytes = request({ method: 'OPTIONS', target: '*', token })
    await expectRefusal(world, bytes, { reason: 'target_invalid' }, { closes: true })
  })
})

describe("what already Node's parser refuses has an answer, a record and a count as well", () => {
  it.each<[string, string, Reason]>([
    ['bytes over 0x7f', '/v2/models/caf\u00e9', 'target_invalid'],
    ['a byte that is no UTF-8', '/v2/models/\u00ff', 'target_invalid'],
    ['a DEL', '/v2/models/\u007f', 'target_invalid'],
    ['a tab', '/v2/mod\tels', 'target_invalid'],
    ['a NUL', '/v2/models/\0', 'target_invalid'],
    ['a space', '/v2/models/a b', 'framing_invalid'],
    ['no slash at the start', 'v2/models/iris', 'target_invalid'],
    ['authority-form', 'models.test:443/x', 'target_invalid'],
  ])('%s', async (_, target, reason) => {
    await expectRefusal(world, request({ target, token }), { reason }, { closes: true })
  })
})

describe('a target past its bounds is refused', () => {
  it.each([
    ['a path of 8 KiB', `/v2/models/${'a/'.repeat(100)}${'b'.repeat(8_300)}`],
    ['257 segments', `/v2/models${'/a'.repeat(257)}`],
    ['a segment of 1,025 bytes', `/v2/models/${'a'.repeat(1_025)}`],
    ['257 query parameters', `/v2/models/iris?${'a=1&'.repeat(256)}a=1`],
  ])('%s', async (_, target) => {
    const bytes = request({ target, token })
    await expectRefusal(world, bytes, { reason: 'target_too_long' }, { closes: true })
  })
})

describe('what is canonical but not a route is refused as unknown', () => {
  it.each([
    '/ajax-api/3.0/jobs',
    '/docs',
    '/openapi.json',
    '/v2/repository/index/all',
    '/v2/models/iris/',
    '/v2/models/iris.json/x',
    '/V2/models/iris',
    '/v2/models/iris%20/ready/x',
    '/v1/models/iris:Predict/x',
    '/%EF%BC%8Fv2/models/iris',
    '/healthz',
    '/.well-known/modelgate/jwks.json',
  ])('%s', async (target) => {
    await expectRefusal(world, request({ target, token }), { reason: 'unclassified' })
  })
})

describe('the query never takes part in the route and arrives byte for byte', () => {
  it.each(['?x=/../admin', '?', '??', '?;', '?a=%2e%2e/', '?q=a\\b'])('%s', async (query) => {
    await expectForwarded(world, request({ target: `/v2/models/iris${query}`, token }))
    const sent = world.upstream.requests.at(-1)?.head.split('\r\n')[0]
    expect(sent).toBe(`GET /v2/models/iris${query} HTTP/1.1`)
  })
})

it('a prefix is taken off by whole segments and the rest is judged again', async () => {
  const upstreams = [
    { name: 'a', pack: 'kserve', match: { path_prefix: '/team-a' }, strip_prefix: true },
  ]
  const teams = await startAttackWorld({ upstreams })
  try {
    const reader = await teams.token(['reader'])
    const get = (target: string) => request({ target, token: reader, host: HOSTS.models })
    await expectForwarded(teams, get('/team-a/v2/models/iris'))
    expect(teams.upstream.requests[0]?.head).toMatch(/^GET \/v2\/models\/iris HTTP/)
    await expectRefusal(teams, get('/team-a/../v2/models/iris'), { reason: 'target_invalid' })
    await expectRefusal(teams, get('/team-a//v2/models/iris'), { reason: 'target_invalid' })
    await expectRefusal(teams, get('/team-ax/v2/models/iris'), { reason: 'upstream_unknown' })
    await expectRefusal(teams, get('/v2/models/iris'), { reason: 'upstream_unknown' })
    await expectRefusal(teams, get('/team-a/unheard-of'), { reason: 'unclassified' })
    await expectForwarded(teams, get('/team-a'))
    expect(teams.upstream.requests.at(-1)?.head).toMatch(/^GET \/ HTTP/)
  } finally {
    await teams.close()
  }
})
