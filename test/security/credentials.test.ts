/** Credentials over the wire: what is not exactly a good token is refused, and never repeated. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createHmac, createPublicKey, randomUUID } from 'node:crypto'
import { generateKeyPair, SignJWT, type CryptoKey, type JWTPayload } from 'jose'
import type { Reason } from '../../gateway/domain/reasons.ts'
import { expectForwarded, expectRefusal, request, startAttackWorld } from '../support/attack.ts'
import { rawExchange } from '../support/raw-client.ts'
import { startWorld, type World } from '../support/world.ts'

let world: World
let token: string
let forger: CryptoKey
let kid: string
const sent: string[] = []
beforeAll(async () => {
  world = await startAttackWorld()
  token = await world.token(['reader'])
  forger = (await generateKeyPair('ES256')).privateKey
  kid = (JSON.parse(part(token, 0)) as { kid: string }).kid
})
afterAll(() => world.close())

const part = (jwt: string, at: number) =>
  Buffer.from(jwt.split('.')[at] ?? '', 'base64url').toString()
const b64 = (value: unknown) =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

const now = () => Math.floor(Date.now() / 1000)
const claims = (more: JWTPayload = {}): JWTPayload => ({
  iss: world.issuer.issuer,
  sub: 'alice',
  aud: 'modelgate',
  client_id: 'cli',
  roles: ['reader'],
  iat: now(),
  exp: now() + 600,
  jti: randomUUID(),
  ...more,
})

const INVALID =
  'Bearer realm="modelgate", error="invalid_token", error_description="The access token is not accepted"'
const MALFORMED =
  'Bearer realm="modelgate", error="invalid_request", error_description="The Authorization header is malformed"'
const NONE = 'Bearer realm="modelgate"'

/** Sends a header value and asserts the 401, its challenge, and that nothing of it is repeated. */
async function refused(value: string, reason: Reason, challenge = INVALID): Promise<void> {
  sent.push(value)
  const bytes = request({ lines: [`Authorization: ${value}`] })
  const { response, record } = await expectRefusal(world, bytes, { reason })
  expect(response.headers.get('www-authenticate')).toEqual([challenge])
  expect(record).not.toHaveProperty('sub')
}

describe('no credentials, or credentials of another kind', () => {
  it('none at all: the challenge names no error (RFC 6750 §3.1)', async () => {
    const { response } = await expectRefusal(world, request(), { reason: 'authn_missing' })
    expect(response.header('www-authenticate')).toBe(NONE)
  })

  it.each([
    'Basic YWxpY2U6cHc=',
    'Digest username="a"',
    'Negotiate YII=',
    'Token x',
    'DPoP a.b.c',
    'Bearer\ta.b.c',
  ])('%s', async (value) => {
    await refused(value, 'authn_malformed', NONE)
  })

  it.each([
    ['nothing behind the scheme', 'Bearer'],
    ['a space behind the scheme', 'Bearer '],
    ['two spaces', 'Bearer  %'],
    ['something behind the token', 'Bearer % x'],
    ['two credentials', 'Bearer %, Basic eDp5'],
    ['quotes', 'Bearer "%"'],
    ['two parts', 'Bearer a.b'],
    ['five parts, an encrypted token', 'Bearer a.b.c.d.e'],
    ['padding', 'Bearer %='],
    ['the alphabet of plain base64', 'Bearer a+/.b.c'],
  ])('%s', async (_, template) => {
    await refused(template.replace('%', token), 'authn_malformed', MALFORMED)
  })

  it('a token of more than 8 KiB', async () => {
    const long = `Bearer ${b64({ a: 'x'.repeat(6_200) })}.e30.AA`
    await refused(long, 'authn_token_too_long')
  })

  it('the scheme is compared without case', async () => {
    await expectForwarded(world, request({ lines: [`Authorization: bEaReR ${token}`] }))
  })
})

describe('a token anywhere but in Authorization', () => {
  it('in the query, alone or beside the header', async () => {
    const target = `/v2/models/iris?access_token=${token}`
    await expectRefusal(world, request({ target }), { reason: 'authn_query_token', stage: 'admit' })
    await expectRefusal(world, request({ target, token }), {
      reason: 'authn_query_token',
      stage: 'admit',
    })
  })

  it.each([
    'Cookie: access_token=%',
    'X-Access-Token: %',
    'Sec-WebSocket-Protocol: bearer, %',
    'X-Api-Key: %',
  ])('in %s', async (line) => {
    const bytes = request({ lines: [line.replace('%', token)] })
    await expectRefusal(world, bytes, { reason: 'authn_missing' })
  })
})

describe('a forged token', () => {
  const forge = (header: object, payload: unknown = claims(), signature = 'AAAA') =>
    `Bearer ${b64(header)}.${b64(payload)}.${signature}`

  it.each(['none', 'None', 'NONE', 'nOnE', 'HS256', 'ES256K', 'RS1', 'ES512', 'RS256 ', 'ROT13'])(
    'alg %j',
    async (alg) => {
      await refused(forge({ alg, typ: 'at+jwt', kid }), 'authn_algorithm')
    },
  )

  it('alg none with an empty signature is no token', async () => {
    await refused(forge({ alg: 'none' }, claims(), ''), 'authn_malformed', MALFORMED)
  })

  it('HS256 under the public key of the issuer', async () => {
    const response = await fetch(`${world.issuer.issuer}/jwks`)
    const { keys } = (await response.json()) as { keys: [object] }
    const pem = createPublicKey({ key: keys[0] as never, format: 'jwk' }).export({
      type: 'spki',
      format: 'pem',
    })
    const text = `${b64({ alg: 'HS256', typ: 'at+jwt', kid })}.${b64(claims())}`
    const mac = createHmac('sha256', pem).update(text).digest('base64url')
    await refused(`Bearer ${text}.${mac}`, 'authn_algorithm')
  })

  it('signed by another key under the name of a real one', async () => {
    const jwt = await new SignJWT(claims())
      .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid })
      .sign(forger)
    await refused(`Bearer ${jwt}`, 'authn_signature')
  })

  it('signed by a key nobody published, whatever its name', async () => {
    const sign = (name: string) =>
      new SignJWT(claims())
        .setProtectedHeader({ alg: 'ES256', typ: 'at+jwt', kid: name })
        .sign(forger)
    const names = ['__proto__', 'constructor', '../../etc/passwd', "' OR 1=1"]
    const tokens = await Promise.all(names.map(sign))
    sent.push(...tokens)
    // Together: the keys are asked for once for all of them, after a pause.
    const answers = await Promise.all(
      tokens.map((jwt) => rawExchange(world.port, request({ token: jwt }))),
    )
    for (const { responses } of answers) {
      expect(responses[0]?.header('www-authenticate')).toBe(INVALID)
      expect(responses[0]?.body.toString()).toContain('authn_key_unknown')
    }
    await refused(`Bearer ${await sign('other')}`, 'authn_key_unknown')
  }, 15_000)

  it('a good token whose claims or signature were exchanged', async () => {
    const [header, payload, signature = ''] = token.split('.')
    const admin = b64({ ...(JSON.parse(part(token, 1)) as object), roles: ['admin'] })
    await refused(`Bearer ${header}.${admin}.${signature}`, 'authn_signature')
    await refused(`Bearer ${header}.${payload}.${'A'.repeat(86)}`, 'authn_signature')
    const flipped = (signature.startsWith('A') ? 'B' : 'A') + signature.slice(1)
    await refused(`Bearer ${header}.${payload}.${flipped}`, 'authn_signature')
  })

  it.each([
    { jku: 'http://169.254.169.254/k' },
    { x5u: 'file:///etc/passwd' },
    { jwk: { kty: 'oct', k: 'AA' } },
    { x5c: ['AA'] },
    { crit: ['exp'] },
    { b64: false, crit: ['b64'] },
    { zip: 'DEF' },
  ])('that brings its own key or rules: %j', async (more) => {
    await refused(
      forge({ alg: 'ES256', typ: 'at+jwt', kid, ...more }),
      'authn_malformed',
      MALFORMED,
    )
  })

  it('with repeated members, also under escapes', async () => {
    const tail = `,"alg":"ES256","typ":"at+jwt","kid":"${kid}"}`
    await refused(
      `Bearer ${b64(`{"alg":"none"${tail}`)}.${b64(claims())}.AAAA`,
      'authn_malformed',
      MALFORMED,
    )
    const twice = `{"sub":"alice","\\u0073ub":"admin","iss":"${world.issuer.issuer}"}`
    await refused(forge({ alg: 'ES256', typ: 'at+jwt', kid }, twice), 'authn_claims')
  })

  it('nested deeper than any real claim, in no time', async () => {
    const deep = `{"a":${'['.repeat(2_000)}${']'.repeat(2_000)}}`
    await refused(forge({ alg: 'ES256', typ: 'at+jwt', kid }, deep), 'authn_claims')
  })
})

describe('a token of the issuer that is not for this', () => {
  const YEAR = 31_536_000
  it.each<[string, () => object, Reason]>([
    ['expired', () => ({ iat: now() - 900, exp: now() - 300 }), 'authn_expired'],
    ['not valid yet', () => ({ nbf: now() + 300 }), 'authn_not_yet_valid'],
    ['issued in the future', () => ({ iat: now() + 300, exp: now() + 900 }), 'authn_not_yet_valid'],
    ['living longer than is accepted', () => ({ exp: now() + 3_602 }), 'authn_lifetime'],
    ['living ten years', () => ({ exp: now() + 10 * YEAR }), 'authn_lifetime'],
    ['without an expiry', () => ({ exp: undefined }), 'authn_claims'],
    ['with an expiry that is text', () => ({ exp: '9999999999' }), 'authn_claims'],
    ['with an expiry past all bounds', () => ({ exp: 1e308 }), 'authn_claims'],
    ['for another audience', () => ({ aud: 'other' }), 'authn_audience'],
    ['for the audience in capitals', () => ({ aud: 'MODELGATE' }), 'authn_audience'],
    ['for a list in one text', () => ({ aud: 'modelgate,other' }), 'authn_audience'],
    ['for nobody', () => ({ aud: [] }), 'authn_audience'],
    ['of another issuer', () => ({ iss: 'https://evil.test' }), 'authn_issuer'],
    ['of the issuer with a slash', () => ({ iss: `${world.issuer.issuer}/` }), 'authn_issuer'],
    ['of a longer issuer', () => ({ iss: `${world.issuer.issuer}.evil.test` }), 'authn_issuer'],
    ['of a list of issuers', () => ({ iss: [world.issuer.issuer] }), 'authn_issuer'],
    ['of nobody', () => ({ sub: undefined }), 'authn_claims'],
    ['of an empty subject', () => ({ sub: '' }), 'authn_claims'],
    ['of a subject with a line end', () => ({ sub: 'a\nrole:admin' }), 'authn_claims'],
    ['of a subject that is a number', () => ({ sub: 7 }), 'authn_claims'],
  ])('%s', async (_, more, reason) => {
    const jwt = await world.issuer.mint({ ...claims(), ...more() }, { lifetimeS: 600 })
    await refused(`Bearer ${jwt}`, reason)
  })

  it.each(['JWT', 'id_token', 'logout+jwt', 'dpop+jwt', 'secevent+jwt'])(
    'of type %s',
    async (typ) => {
      const jwt = await world.issuer.mint(claims(), { lifetimeS: 600, typ })
      await refused(`Bearer ${jwt}`, 'authn_type')
    },
  )
})

it('a subject named like a role has not the rights of the role', async () => {
  for (const sub of ['role:deployer', 'deployer', 'admin', '*']) {
    const jwt = await world.token([], { sub })
    await expectRefusal(world, request({ token: jwt }), { reason: 'no_rule' })
  }
})

it('without keys of the issuer nothing is accepted and nobody is blamed', async () => {
  const blind = await startWorld({ issuer: { jwks_uri: 'http://127.0.0.1:9/jwks' } })
  try {
    const jwt = await blind.token(['reader'])
    const refusedWith = { reason: 'authn_keys_unavailable' } as const
    const { response } = await expectRefusal(blind, request({ token: jwt }), refusedWith)
    expect(response.headers.has('www-authenticate')).toBe(false)
    const ready = await fetch(`http://127.0.0.1:${blind.controlPort}/readyz`)
    expect(ready.status).toBe(503)
  } finally {
    await blind.close()
  }
})

it('no part of any of these credentials is in the ledger, the log or the metrics', async () => {
  const texts = [await world.ledgerText(), world.logText(), await world.metrics()].join('\n')
  const secrets = [token, ...sent]
    .flatMap((value) => value.split(/[ .,"=]/))
    .filter((s) => s.length > 20)
  expect(secrets.length).toBeGreaterThan(100)
  for (const secret of secrets) expect(texts.includes(secret)).toBe(false)
})
