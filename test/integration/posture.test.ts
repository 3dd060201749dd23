/** Device posture over real sockets: a signed assertion, and a hop with a client certificate. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { request as httpsRequest } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { createDevIssuer, type DevIssuer } from '../../gateway/authn/dev-issuer.ts'
import { systemClock } from '../../gateway/domain/clock.ts'
import { startBuiltWorld, type BuiltWorld } from '../support/built-gateway.ts'
import { createAuthority, type Certificate } from '../support/certificates.ts'

const RULES = {
  'conditions.yaml': 'conditions:\n  healthy: { kind: device, compliant: true, max_age: 5m }\n',
}
const POLICY = 'p, role:reader, read, model:*, healthy, allow\n'
const PATH = '/v2/models/iris'

/** What a hop says of a device that was found healthy a moment ago. */
const compliantNow = () => `compliant, assessed_at=${Math.floor(Date.now() / 1000)}`

describe('a signed assertion of posture', () => {
  let world: BuiltWorld
  let signer: DevIssuer
  beforeAll(async () => {
    signer = await createDevIssuer({ host: '127.0.0.1', port: 0, clock: systemClock })
    const claims = { compliant: 'device.compliant' }
    const assertion = {
      issuer: signer.issuer,
      audience: 'modelgate-posture',
      header: 'cf-posture',
      jwks_uri: `${signer.issuer}/jwks`,
      claims,
    }
    const config = { device_posture: { assertion }, trusted_proxies: ['127.0.0.0/8'] }
    world = await startBuiltWorld({ config, policy: POLICY, rules: RULES })
  }, 30_000)
  afterAll(async () => {
    await signer.close()
    await world.close()
  })

  const assert = (claims: object = {}) =>
    signer.mint(
      {
        sub: 'alice',
        aud: 'modelgate-posture',
        ...{ device: { compliant: true } },
        ...claims,
      },
      { lifetimeS: 60, typ: 'JWT' },
    )

  async function ask(headers: Record<string, string>) {
    const authorization = `Bearer ${await world.token(['reader'])}`
    const response = await fetch(world.url + PATH, { headers: { authorization, ...headers } })
    const { reason } = (await response.json().catch(() => ({}))) as { reason?: string }
    return { status: response.status, reason }
  }

  it('permits where the device is healthy, goes to no upstream, and is in the record', async () => {
    expect(await ask({ 'cf-posture': await assert() })).toMatchObject({ status: 200 })
    expect(world.upstream.requests.at(-1)?.headers).not.toHaveProperty('cf-posture')
    const record = await world.whenRecord(({ effect }) => effect === 'permit')
    expect(record).toHaveProperty('env.device.src', 'assertion')
  })

  it('wins over what a trusted hop says', async () => {
    const said = { 'x-device-posture': compliantNow() }
    expect(await ask(said)).toMatchObject({ status: 200 })
    const sick = await assert({ device: { compliant: false } })
    expect(await ask({ ...said, 'cf-posture': sick })).toMatchObject({ status: 403 })
  })

  it('made for another, or for another audience, or signed by another, is refused', async () => {
    const forged = await world.issuer.mint(
      { sub: 'alice', aud: 'modelgate-posture', iss: signer.issuer, device: { compliant: true } },
      { lifetimeS: 60, typ: 'JWT' },
    )
    const tokens = [await assert({ sub: 'bob' }), await assert({ aud: 'modelgate' }), forged, 'x']
    for (const token of tokens) {
      const answer = await ask({ 'cf-posture': token, 'x-device-posture': compliantNow() })
      expect(answer).toEqual({ status: 400, reason: 'posture_invalid' })
    }
  })

  it('authenticates nobody, and a token of a caller is no assertion', async () => {
    const headers = { authorization: `Bearer ${await assert()}` }
    expect((await fetch(world.url + PATH, { headers })).status).toBe(401)
    const token = await world.token(['reader'], { device: { compliant: true } })
    expect(await ask({ 'cf-posture': token })).toMatchObject({ reason: 'posture_invalid' })
  })
})

describe('a hop that proves itself with a certificate', () => {
  const HOP = 'spiffe://corp/posture-proxy'
  let world: BuiltWorld
  let dir: string
  let ca: Buffer
  let hop: Certificate
  let client: Certificate
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'modelgate-hop-'))
    const authority = await createAuthority(dir, 'authority')
    const server = await authority.issue('gate', 'serverAuth')
    hop = await authority.issue('hop', 'clientAuth', HOP)
    client = await authority.issue('client', 'clientAuth', `${HOP}/client`)
    ca = await readFile(authority.certFile)
    const tls = {
      cert_file: server.certFile,
      key_file: server.keyFile,
      client_ca_file: authority.certFile,
    }
    const config = {
      listen: {
        data: { host: '127.0.0.1', port: 0, tls },
        control: { host: '127.0.0.1', port: 0 },
      },
      device_posture: { mtls_hops: [`URI:${HOP}`] },
    }
    world = await startBuiltWorld({ config, policy: POLICY, rules: RULES })
  }, 30_000)
  afterAll(async () => {
    await world.close()
    await rm(dir, { recursive: true, force: true })
  })

  async function askAs({ certFile, keyFile }: Certificate): Promise<number | undefined> {
    const authorization = `Bearer ${await world.token(['reader'])}`
    const [cert, key] = [await readFile(certFile), await readFile(keyFile)]
    const headers = { authorization, 'x-device-posture': compliantNow() }
    const url = `https://localhost:${world.dataPort}${PATH}`
    return new Promise((resolve, reject) => {
      httpsRequest(url, { ca, cert, key, agent: false, headers }, (response) => {
        response.resume().once('end', () => resolve(response.statusCode))
      })
        .once('error', reject)
        .end()
    })
  }

  it('is believed, and others with a certificate of the same authority are not', async () => {
    expect(await askAs(hop)).toBe(200)
    const record = await world.whenRecord(({ effect }) => effect === 'permit')
    expect(record).toHaveProperty('env.device.src', 'mtls-hop')
    expect(await askAs(client)).toBe(403)
  })
})
