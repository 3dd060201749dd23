import { beforeAll, describe, expect, it } from '@jest/globals'
import type { IssuerOptions } from '../../../gateway/authn/issuer.ts'
import type { Subject } from '../../../gateway/domain/subject.ts'
import { bench, forge, ISSUER, makeKey, NOW_S, subjectOf } from './support.ts'
import type { TestKey } from './support.ts'

let key: TestKey
beforeAll(() => {
  key = makeKey('RS256', 'k1')
})

const times = { iat: NOW_S - 10, exp: NOW_S + 300 }

interface Case {
  readonly options: Partial<IssuerOptions>
  readonly header?: Record<string, unknown>
  readonly claims: Record<string, unknown>
}

const send = async (c: Case, changes: Record<string, unknown> = {}): Promise<string | Subject> => {
  const b = await bench([key], c.options)
  const claims = JSON.parse(
    JSON.stringify({ iss: ISSUER, ...times, ...c.claims, ...changes }),
  ) as object
  const header = { alg: 'RS256', kid: 'k1', ...(c.header ?? { typ: 'JWT' }) }
  const token = forge(key, claims, header)
  const verdict = await b.verdict(token)
  return verdict.startsWith('authn_') ? verdict : subjectOf(await b.check(`Bearer ${token}`))
}

const KEYCLOAK: Case = {
  options: { preset: 'keycloak', roleNames: ['reader', 'writer'] },
  claims: {
    aud: ['modelgate', 'account'],
    sub: 'f1',
    jti: 'j',
    typ: 'Bearer',
    azp: 'app',
    scope: 'openid email',
    groups: ['/data-science'],
    realm_access: { roles: ['reader', 'offline_access'] },
    resource_access: { modelgate: { roles: ['writer'] }, other: { roles: ['admin'] } },
  },
}
const OKTA: Case = {
  options: { preset: 'okta' },
  header: {},
  claims: {
    aud: 'modelgate',
    sub: 'a@b.c',
    jti: 'AT.1',
    cid: '0oa',
    scp: ['infer'],
    groups: ['ds'],
  },
}
const AUTH0: Case = {
  options: { preset: 'auth0', roles: ['https://example.com/roles'], roleNames: ['reader'] },
  claims: {
    aud: ['modelgate', 'https://x/userinfo'],
    sub: 'auth0|1',
    azp: 'app',
    permissions: ['infer:x'],
    'https://example.com/roles': ['reader'],
    exp: NOW_S + 86_000,
  },
}
const ENTRA: Case = {
  options: { preset: 'entra', roleNames: ['Reader'], mfa: { acrs: ['c1'] } },
  claims: {
    aud: 'modelgate',
    sub: 'pairwise',
    oid: 'o-1',
    tid: 't-1',
    azp: 'app',
    uti: 'u-1',
    scp: 'infer export',
    roles: ['Reader'],
    groups: ['g-1'],
    acrs: ['c1'],
    exp: NOW_S + 5000,
  },
}
const COGNITO: Case = {
  options: { preset: 'cognito', audience: ['client1'] },
  header: {},
  claims: {
    sub: 's-1',
    client_id: 'client1',
    token_use: 'access',
    scope: 'aws.cognito.signin.user.admin',
    username: 'u',
    origin_jti: 'oj',
    'cognito:groups': ['ds'],
  },
}
const GOOGLE: Case = {
  options: { preset: 'google', audience: 'app.apps.googleusercontent.com' },
  claims: {
    aud: 'app.apps.googleusercontent.com',
    azp: 'svc',
    sub: '1',
    at_hash: 'x',
    hd: 'e.com',
  },
}
const KUBERNETES: Case = {
  options: { preset: 'kubernetes' },
  header: {},
  claims: {
    aud: ['modelgate'],
    sub: 'system:serviceaccount:ml:bot',
    exp: NOW_S + 3597,
    'kubernetes.io': { namespace: 'ml', serviceaccount: { name: 'bot', uid: 'u' } },
  },
}
const GITHUB: Case = {
  options: { preset: 'github', audience: 'https://github.com/acme' },
  claims: {
    aud: 'https://github.com/acme',
    sub: 'repo:acme/x:ref:refs/heads/main',
    jti: 'j',
    nbf: NOW_S - 300,
    repository: 'acme/x',
    environment: 'prod',
  },
}
const SPIFFE: Case = {
  options: { preset: 'spiffe', issuer: 'spiffe://prod.example' },
  header: {},
  claims: {
    iss: undefined,
    iat: undefined,
    aud: ['modelgate'],
    sub: 'spiffe://prod.example/ns/ml',
  },
}

describe('each preset accepts the tokens of its issuer', () => {
  it('keycloak: groups, realm roles, roles of this client only', async () => {
    expect(await send(KEYCLOAK)).toMatchObject({
      clientId: 'app',
      groups: ['group:/data-science'],
      roles: ['role:reader', 'role:writer'],
      tokenId: 'j',
    })
  })
  it('okta: cid, scp list, no typ', async () => {
    const subject = (await send(OKTA)) as Subject
    expect(subject).toMatchObject({ clientId: '0oa', groups: ['group:ds'] })
    expect(subject.claims.get('scope')).toEqual(['infer'])
  })
  it('auth0: namespaced roles, permissions, a day of life', async () => {
    const subject = (await send(AUTH0)) as Subject
    expect(subject).toMatchObject({ clientId: 'app', roles: ['role:reader'] })
    expect(subject.claims.get('permissions')).toEqual(['infer:x'])
  })
  it('entra: oid as subject, uti as token id, acrs as second factor', async () => {
    expect(await send(ENTRA)).toMatchObject({
      id: 'user:corp/o-1',
      tokenId: 'u-1',
      roles: ['role:Reader'],
      authentication: { mfa: true },
    })
  })
  it('cognito: client_id in place of aud', async () => {
    expect(await send(COGNITO)).toMatchObject({
      groups: ['group:ds'],
      tokenId: 'oj',
      clientId: 'client1',
    })
  })
  it('google: ID tokens', async () => {
    const subject = (await send(GOOGLE)) as Subject
    expect([subject.clientId, subject.claims.get('hd')]).toEqual(['svc', 'e.com'])
  })
  it('kubernetes: service accounts, without jti and typ', async () => {
    const subject = (await send(KUBERNETES)) as Subject
    expect(subject.id).toBe('user:corp/system:serviceaccount:ml:bot')
    expect(subject.claims.get('kubernetes\\.io.namespace')).toBe('ml')
  })
  it('github: repository claims', async () => {
    const subject = (await send(GITHUB)) as Subject
    expect([subject.claims.get('repository'), subject.claims.get('environment')]).toEqual([
      'acme/x',
      'prod',
    ])
  })
  it('spiffe: by trust domain, issued as early as it can have been', async () => {
    expect(await send(SPIFFE)).toMatchObject({
      id: 'user:corp/spiffe://prod.example/ns/ml',
      issuer: 'spiffe://prod.example',
      issuedAt: (NOW_S + 300 - 3600) * 1000,
    })
  })
})

describe('each preset refuses what its issuer makes for others', () => {
  it('keycloak: ID, refresh and typeless tokens', async () => {
    for (const typ of ['ID', 'Refresh', undefined])
      expect(await send(KEYCLOAK, { typ })).toBe('authn_type')
    expect(await send(KEYCLOAK, { at_hash: 'x' })).toBe('authn_type')
    expect(await send(KEYCLOAK, { aud: 'account' })).toBe('authn_audience')
  })
  it('okta, auth0, entra: tokens without a client, and ID tokens', async () => {
    expect(await send(OKTA, { cid: undefined })).toBe('authn_type')
    expect(await send(OKTA, { nonce: 'x' })).toBe('authn_type')
    expect(await send(AUTH0, { azp: undefined })).toBe('authn_type')
    expect(await send(ENTRA, { azp: undefined })).toBe('authn_type')
    expect(await send(ENTRA, { nonce: 'x' })).toBe('authn_type')
    for (const claim of ['oid', 'tid', 'sub']) {
      expect(await send(ENTRA, { [claim]: undefined })).toBe('authn_claims')
    }
    expect(await send(OKTA, { scp: 'infer' })).toBe('authn_claims')
  })
  it('cognito: ID tokens and other clients', async () => {
    expect(await send(COGNITO, { token_use: 'id', aud: 'client1' })).toBe('authn_type')
    expect(await send(COGNITO, { client_id: 'client2' })).toBe('authn_audience')
    expect(await send(COGNITO, { client_id: undefined, aud: 'client1' })).toBe('authn_audience')
  })
  it('kubernetes: tokens that are not of a service account', async () => {
    expect(await send(KUBERNETES, { 'kubernetes.io': undefined })).toBe('authn_type')
  })
  it('spiffe: other trust domains, no path, too long a life', async () => {
    const domains = [
      'spiffe://prod.example.evil/x',
      'spiffe://prod.example',
      'spiffe://prod.example/',
    ]
    for (const sub of [
      ...domains,
      'spiffe://PROD.example/x',
      'https://prod.example/x',
      undefined,
    ]) {
      expect(await send(SPIFFE, { sub })).toBe('authn_issuer')
    }
    expect(await send(SPIFFE, { iss: 'https://spire' })).toBe('authn_issuer')
    const named = { ...SPIFFE, options: { ...SPIFFE.options, issClaims: ['https://spire'] } }
    expect(await send(named, { iss: 'https://spire' })).toMatchObject({
      issuer: 'spiffe://prod.example',
    })
    expect(await send(named, { iss: 'https://spire', sub: 'spiffe://dev.example/x' })).toBe(
      'authn_issuer',
    )
    expect(await send(SPIFFE, { exp: NOW_S + 3601 })).toBe('authn_lifetime')
    expect(await send({ ...SPIFFE, header: { typ: 'at+jwt' } })).toBe('authn_type')
  })
  it('a sub of a trust domain never selects an ordinary issuer', async () => {
    const plain: Case = { options: { issuer: 'spiffe://prod.example' }, claims: SPIFFE.claims }
    expect(await send({ ...plain, header: { typ: 'at+jwt' } })).toBe('authn_issuer')
  })
})
