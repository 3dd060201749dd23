import { describe, expect, it } from '@jest/globals'
import { trustProblem } from '../../../gateway/settings/schemas/networks.ts'
import { load, MINIMAL, places, problems } from './support.ts'

const issuer = (line: string): string =>
  MINIMAL.replace('    audience: modelgate\n', `    audience: modelgate\n    ${line}\n`)
const upstream = (line: string): string => `${MINIMAL}    ${line}\n`

// 334
describe('settings that weaken the gateway are refused', () => {
  it.each([
    ['everyone trusted', 'trusted_proxies.0', `${MINIMAL}trusted_proxies: [0.0.0.0/0]`],
    ['everyone trusted (IPv6)', 'trusted_proxies.0', `${MINIMAL}trusted_proxies: ["::/0"]`],
    [
      'half of everyone trusted',
      'trusted_proxies.0',
      `${MINIMAL}trusted_proxies: [0.0.0.0/1, 128.0.0.0/1]`,
    ],
    ['a network with host bits', 'trusted_proxies.0', `${MINIMAL}trusted_proxies: [10.0.0.1/8]`],
    ['unsigned tokens', 'issuers.0.algorithms.0', issuer('algorithms: [none]')],
    ['shared-secret tokens', 'issuers.0.algorithms.0', issuer('algorithms: [HS256]')],
    ['no algorithm', 'issuers.0.algorithms', issuer('algorithms: []')],
    ['no audience', 'issuers.0.audience', MINIMAL.replace('audience: modelgate', 'audience: []')],
    ['an hour of clock tolerance', 'issuers.0.clock_tolerance', issuer('clock_tolerance: 1h')],
    ['keys over plain http', 'issuers.0.jwks_uri', issuer('jwks_uri: http://idp.example.com/keys')],
    [
      'two sources of keys',
      'issuers.0.jwks_file',
      issuer('jwks_uri: https://a.example\n    jwks_file: keys.json'),
    ],
    ['an issuer over plain http', 'issuers.0.issuer', MINIMAL.replace('https://idp', 'http://idp')],
    ['a role with a prefix', 'issuers.0.roles.0', issuer('roles: ["role:admin"]')],
    ['an assertion past 30s', 'assertion.lifetime', `${MINIMAL}assertion: { lifetime: 31s }`],
    [
      'posture in a protocol header',
      'device_posture.header',
      `${MINIMAL}device_posture: { header: host }`,
    ],
    [
      'posture of hops with a certificate nobody asks for',
      'device_posture.mtls_hops',
      `${MINIMAL}device_posture: { mtls_hops: ["DNS:proxy"] }`,
    ],
    [
      'a posture assertion that callers could use as their token',
      'device_posture.assertion.audience',
      `${MINIMAL}device_posture: { assertion: { issuer: "https://idp.example.com/realms/ml", audience: modelgate, claims: { managed: m } } }`,
    ],
    [
      'a posture assertion for callers of an issuer that is not here',
      'device_posture.assertion.callers.0',
      `${MINIMAL}device_posture: { assertion: { issuer: "https://p.example.com", audience: p, callers: [partner], claims: { managed: m } } }`,
    ],
    [
      'a credential in a framing header',
      'upstreams.0.credential.header',
      upstream('credential: { header: host, value_file: x }'),
    ],
    [
      'a credential in our own header',
      'upstreams.0.credential.header',
      upstream('credential: { header: x-modelgate-assertion, value_file: x }'),
    ],
    [
      'a secret in a url',
      'upstreams.0.url',
      MINIMAL.replace('127.0.0.1:8000', 'user:pass@127.0.0.1:8000'),
    ],
    [
      'an upstream that is no web server',
      'upstreams.0.url',
      MINIMAL.replace('http://127.0.0.1:8000', 'file:///etc/passwd'),
    ],
    [
      'an upstream with a query',
      'upstreams.0.url',
      MINIMAL.replace('127.0.0.1:8000', '127.0.0.1:8000/?x=1'),
    ],
    [
      'a backslash in a url',
      'upstreams.0.url',
      MINIMAL.replace('127.0.0.1:8000', '127.0.0.1:8000/a\\b'),
    ],
    ['TLS settings without TLS', 'upstreams.0.tls', upstream('tls: { ca_file: ca.pem }')],
    ['a wildcard host', 'upstreams.0.match.host', upstream('match: { host: "*.example.com" }')],
    [
      'a host with capitals',
      'upstreams.0.match.host',
      upstream('match: { host: LLM.example.com }'),
    ],
    [
      'dot segments in a prefix',
      'upstreams.0.match.path_prefix',
      upstream('match: { path_prefix: /a/../b }'),
    ],
    [
      'a prefix with a slash at its end',
      'upstreams.0.match.path_prefix',
      upstream('match: { path_prefix: /a/ }'),
    ],
    ['a name of metric labels', 'upstreams.0.name', MINIMAL.replace('name: llm', 'name: none')],
    ['no issuer', 'issuers', MINIMAL.replace(/issuers:[\s\S]*(?=upstreams)/, 'issuers: []\n')],
    ['no upstream', 'upstreams', MINIMAL.replace(/upstreams:[\s\S]*/, 'upstreams: []\n')],
  ])('%s', (_, key, text) => {
    const found = problems({ text })
    expect(found[0]).toMatchObject({ file: 'config/gateway.yaml', severity: 'error' })
    expect(found[0]?.message.split(':')[0]).toBe(key)
  })

  it('but plain http to this machine itself is for development', () => {
    for (const host of ['localhost:8080', '127.0.0.1:8080', '[::1]:8080']) {
      const text = MINIMAL.replace('https://idp.example.com', `http://${host}`)
      expect(load({ text }).ok).toBe(true)
    }
    expect(load({ text: MINIMAL.replace('https://idp', 'http://localhost.evil') }).ok).toBe(false)
  })
})

describe('keys that contradict each other are reported where they are', () => {
  const second = (lines: string): string =>
    `${MINIMAL}  - { name: other, url: "https://b.example", pack: mlflow, ${lines} }\n`

  it.each([
    ['the same match', second('match: {}'), ['8:67 invalid-value']],
    ['the same match, unwritten', second('queue: 1'), ['8:5 invalid-value']],
    ['strip_prefix without prefix', upstream('strip_prefix: true'), ['8:19 invalid-value']],
    [
      'half a client certificate',
      second('match: { host: b }, tls: { cert_file: c }'),
      ['8:85 invalid-value'],
    ],
    ['mfa that nothing meets', issuer('mfa: {}'), ['4:10 invalid-value']],
  ])('%s', (_, text, expected) => {
    expect(places(problems({ text }))).toEqual(expected)
  })

  it('names of issuers and upstreams are unique', () => {
    const text = `issuers:
  - { issuer: "https://a.example/1", audience: x }
  - { issuer: "https://a.example/2", audience: x }
upstreams:
  - { name: a, url: "http://127.0.0.1:1", pack: vllm, match: { host: a } }
  - { name: a, url: "http://127.0.0.1:2", pack: vllm, match: { host: b } }
`
    const found = problems({ text })
    expect(found.map((d) => d.line)).toEqual([3, 6])
    expect(found[0]?.message).toContain('issuers.1.name')
  })
})

describe('networks that are trusted', () => {
  it.each([
    '10.0.0.0/8',
    '192.0.2.7/32',
    'fc00::/7',
    '2001:db8::/32',
    '::1/128',
    '::ffff:10.0.0.0/104',
  ])('%s is a network of proxies', (text) => {
    expect(trustProblem(text)).toBeUndefined()
  })

  it.each(['::ffff:0:0/96', '::/80', '::/48', '2000::/3', '::ffff:8.0.0.0/101', '0.0.0.0/7'])(
    '%s holds everyone or far too many',
    (text) => {
      expect(trustProblem(text)).toContain('far more than your proxies')
    },
  )

  it.each([
    '10/8',
    '10.0.0.0/08',
    '10.0.0.0/33',
    '10.0.0.0',
    ' 10.0.0.0/8',
    '10.0.0.0/-1',
    'x/8',
    '010.0.0.0/8',
  ])('%s is no network', (text) => {
    expect(trustProblem(text)).toContain('expected a network such as')
  })
})
