import { createHmac } from 'node:crypto'
import { describe, expect, it } from '@jest/globals'
import { createJwksKeeper } from '../../../gateway/authn/jwks-keeper.ts'
import { keyPolicy } from '../../../gateway/authn/key-policy.ts'
import { createSignalVerifier } from '../../../gateway/authn/signals/receiver.ts'
import type { Transmitter } from '../../../gateway/authn/signals/transmitter.ts'
import { LOGOUT_EVENT } from '../../../gateway/domain/security-event.ts'
import { base64url, forge, ISSUER, makeKey, ManualTime, NOW_S } from './support.ts'

const KEY = makeKey('ES256', 'k1')
const OTHER = makeKey('ES256', 'k1')
const REVOKED = 'https://schemas.openid.net/secevent/caep/event-type/session-revoked'
const SUB_ID = { format: 'iss_sub', iss: ISSUER, sub: 'alice' }
const SET = {
  iss: ISSUER,
  aud: 'https://gate.example/signals',
  iat: NOW_S - 5,
  jti: 'set-1',
  sub_id: SUB_ID,
  events: { [REVOKED]: { event_timestamp: NOW_S - 10 } },
}
const LOGOUT = {
  iss: ISSUER,
  aud: 'client-1',
  iat: NOW_S - 5,
  exp: NOW_S + 60,
  jti: 'out-1',
  sub: 'alice',
  sid: 's1',
  events: { [LOGOUT_EVENT]: {} },
}
const head = (typ: unknown, alg = 'ES256') => ({ alg, kid: 'k1', typ })

function verifier(more: Partial<Transmitter> = {}, load?: () => Promise<unknown>) {
  const time = new ManualTime()
  const keeper = createJwksKeeper({
    issuer: 'idp',
    source: { load: load ?? (() => Promise.resolve({ keys: [KEY.jwk] })) },
    rules: { algorithms: ['ES256'], keyUses: ['sig'] },
    policy: keyPolicy(),
    clock: time,
    timers: time,
    random: () => 0,
  })
  const transmitter: Transmitter = {
    name: 'idp',
    issuer: ISSUER,
    audiences: ['client-1'],
    algorithms: ['ES256'],
    skewMs: 30_000,
    keeper,
    ...more,
  }
  const event = { ...transmitter, audiences: ['https://gate.example/signals'] }
  return createSignalVerifier({ event: [event], logout: [transmitter] }, time)
}

const event = (text: string, authorization?: string, by = verifier()) =>
  by.event({ text, authorization })
const set = (claims: Record<string, unknown>, typ: unknown = 'secevent+jwt') =>
  event(forge(KEY, claims, head(typ)))

describe('a Security Event Token', () => {
  it('is read when it is signed for this receiver', async () => {
    expect(await set(SET)).toEqual({
      issuer: 'idp',
      jti: 'set-1',
      issuedAt: (NOW_S - 5) * 1_000,
      subject: SUB_ID,
      events: [{ type: REVOKED, payload: { event_timestamp: NOW_S - 10 } }],
    })
  })

  it.each([
    ['invalid_request', 'exp', { ...SET, exp: NOW_S + 60 }],
    ['invalid_request', 'sub', { ...SET, sub: 'alice' }],
    ['invalid_request', 'no jti', { ...SET, jti: undefined }],
    ['invalid_request', 'a jti with spaces', { ...SET, jti: 'a b' }],
    ['invalid_request', 'no iat', { ...SET, iat: undefined }],
    ['invalid_request', 'an iat to come', { ...SET, iat: NOW_S + 3_600 }],
    ['invalid_request', 'an old iat', { ...SET, iat: NOW_S - 7 * 86_400 }],
    ['invalid_request', 'no events', { ...SET, events: {} }],
    ['invalid_request', 'events of another form', { ...SET, events: { [REVOKED]: [] } }],
    ['invalid_request', 'a toe of another form', { ...SET, toe: '1' }],
    ['invalid_request', 'an nbf to come', { ...SET, nbf: NOW_S + 3_600 }],
    ['invalid_audience', 'no audience', { ...SET, aud: undefined }],
    ['invalid_audience', 'another audience', { ...SET, aud: ['modelgate', 'client-1'] }],
    ['invalid_issuer', 'another issuer', { ...SET, iss: 'https://evil.example' }],
  ])('is refused as %s with %s', async (err, _what, claims) => {
    expect(await set(claims)).toMatchObject({ err })
  })

  it.each(['at+jwt', 'logout+jwt', 'JWT', undefined])('is refused with the typ %j', async (typ) => {
    expect(await event(forge(KEY, SET, head(typ)))).toMatchObject({ err: 'invalid_request' })
  })

  it('is refused without a signature of the issuer', async () => {
    const none = `${base64url(head('secevent+jwt', 'none'))}.${base64url(SET)}.AA`
    expect(await event(none)).toMatchObject({ err: 'invalid_key' })
    const input = `${base64url(head('secevent+jwt', 'HS256'))}.${base64url(SET)}`
    const mac = createHmac('sha256', JSON.stringify(KEY.jwk)).update(input).digest('base64url')
    expect(await event(`${input}.${mac}`)).toMatchObject({ err: 'invalid_key' })
    const stranger = forge(OTHER, SET, head('secevent+jwt'))
    expect(await event(stranger)).toMatchObject({ err: 'invalid_key' })
    const brought = { ...head('secevent+jwt'), jwk: OTHER.jwk }
    expect(await event(forge(OTHER, SET, brought))).toMatchObject({ err: 'invalid_request' })
  })

  it('is refused unread when it is over 64 KiB', async () => {
    const long = { ...SET, sub_id: { ...SUB_ID, more: 'x'.repeat(65_536) } }
    expect(await set(long)).toMatchObject({ description: 'the token is too long' })
  })

  it('can be sent again when the keys cannot be had', async () => {
    const by = verifier({}, () => Promise.reject(new Error('down')))
    const text = forge(KEY, SET, head('secevent+jwt'))
    expect(await event(text, undefined, by)).toMatchObject({ err: 'unavailable' })
  })

  it('comes with the agreed Authorization where one is agreed', async () => {
    const text = forge(KEY, SET, head('secevent+jwt'))
    const by = verifier({ authorization: () => 'Bearer agreed' })
    expect(await event(text, 'Bearer agreed', by)).toMatchObject({ jti: 'set-1' })
    for (const given of [undefined, '', 'Bearer other', 'agreed']) {
      expect(await event(text, given, by)).toMatchObject({ err: 'authentication_failed' })
    }
    const unreadable = verifier({ authorization: () => undefined })
    expect(await event(text, '', unreadable)).toMatchObject({ err: 'authentication_failed' })
  })
})

describe('a logout token', () => {
  const logout = (claims: Record<string, unknown>, typ: unknown = 'logout+jwt') =>
    verifier().logout(forge(KEY, claims, head(typ)))

  it('names a user and a login', async () => {
    for (const typ of ['logout+jwt', 'JWT', undefined]) {
      expect(await logout(LOGOUT, typ)).toMatchObject({
        jti: 'out-1',
        events: [{ type: LOGOUT_EVENT, payload: {} }],
        subject: {
          format: 'complex',
          user: { format: 'iss_sub', iss: ISSUER, sub: 'alice' },
          session: { format: 'opaque', id: 's1' },
        },
      })
    }
  })

  it.each([
    ['a nonce', { ...LOGOUT, nonce: 'n' }],
    ['neither sub nor sid', { ...LOGOUT, sub: undefined, sid: undefined }],
    ['a sub of another form', { ...LOGOUT, sub: 1 }],
    ['no exp', { ...LOGOUT, exp: undefined }],
    ['an exp that is over', { ...LOGOUT, exp: NOW_S - 60 }],
    ['another event', { ...LOGOUT, events: { [REVOKED]: {} } }],
    ['the audience of events', { ...LOGOUT, aud: SET.aud }],
  ])('is refused with %s', async (_what, claims) => {
    expect(await logout(claims)).toHaveProperty('err')
  })

  it.each(['at+jwt', 'secevent+jwt'])('is refused with the typ %s', async (typ) => {
    expect(await logout(LOGOUT, typ)).toMatchObject({ err: 'invalid_request' })
  })
})
