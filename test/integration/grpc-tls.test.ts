/** gRPC over TLS: the listener with its certificate, client certificates, and the upstream. */
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals'
import { createAuthority, type Authority, type Certificate } from '../support/certificates.ts'
import { connectGrpc } from '../support/grpc-client.ts'
import { inferRequest } from '../support/grpc-messages.ts'
import { SERVICE, startGrpcWorld, type GrpcWorld } from '../support/grpc-world.ts'

// Each test has a gateway of its own.
jest.setTimeout(30_000)

let dir: string
let authority: Authority
let stranger: Authority
let grpc: GrpcWorld | undefined
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'modelgate-grpc-tls-'))
  authority = await createAuthority(dir, 'authority')
  stranger = await createAuthority(dir, 'stranger')
})
afterEach(async () => {
  await grpc?.close()
  grpc = undefined
})
afterAll(() => rm(dir, { recursive: true, force: true }))

const INFER = `${SERVICE}/ModelInfer`
const pem = async ({ certFile, keyFile }: Certificate) => ({
  cert: await readFile(certFile, 'utf8'),
  key: await readFile(keyFile, 'utf8'),
})
const ca = () => readFile(authority.certFile)
const infer = async ({ world, client }: GrpcWorld, roles = ['inference']) =>
  client.call(INFER, {
    token: await world.token(roles),
    messages: [inferRequest('iris')],
  })

describe('the listener', () => {
  it('speaks h2 over TLS and nothing else, and tells the upstream so', async () => {
    const { certFile, keyFile } = await authority.issue('gate', 'serverAuth')
    grpc = await startGrpcWorld({
      listenerTls: { cert_file: certFile, key_file: keyFile },
      connect: { ca: await ca() },
    })
    expect((grpc.client.session.socket as TLSSocket).alpnProtocol).toBe('h2')
    expect(await infer(grpc)).toMatchObject({ grpcStatus: 0 })
    expect(grpc.upstream.calls[0]?.headers['x-forwarded-proto']).toBe('https')
    const other = connect({ port: grpc.port, ca: await ca(), ALPNProtocols: ['http/1.1'] })
    const ended = await new Promise<string>((resolve) => {
      other.once('error', () => resolve('error')).once('close', () => resolve('close'))
    })
    expect(['error', 'close']).toContain(ended)
  })

  it('presents a renewed certificate without a restart', async () => {
    const [old, renewed] = await Promise.all(
      ['old', 'renewed'].map((name) => authority.issue(name, 'serverAuth')),
    )
    const [certFile, keyFile] = [join(dir, 'live.crt'), join(dir, 'live.key')]
    const put = async (one: Certificate | undefined) => {
      await copyFile(one?.certFile ?? '', certFile)
      await copyFile(one?.keyFile ?? '', keyFile)
    }
    await put(old)
    grpc = await startGrpcWorld({
      listenerTls: { cert_file: certFile, key_file: keyFile },
      connect: { ca: await ca() },
    })
    const named = ({ client }: Pick<GrpcWorld, 'client'>) =>
      (client.session.socket as TLSSocket).getPeerCertificate().subject.CN
    expect(named(grpc)).toBe('old')
    await put(renewed)
    await grpc.world.gateway.reload()
    const client = await connectGrpc(grpc.url, { ca: await ca() })
    expect(named({ client })).toBe('renewed')
    await client.close()
  })

  it('asks for a client certificate, by which a hop that tells of devices is known', async () => {
    const HOP = 'spiffe://mesh.test/hop'
    const server = await authority.issue('gate', 'serverAuth')
    const [hop, other] = await Promise.all([
      authority.issue('hop', 'clientAuth', HOP),
      authority.issue('other', 'clientAuth', `${HOP}/other`),
    ])
    const healthy = 'conditions:\n  healthy: { kind: device, compliant: true, max_age: 5m }\n'
    grpc = await startGrpcWorld({
      listenerTls: {
        cert_file: server.certFile,
        key_file: server.keyFile,
        client_ca_file: authority.certFile,
      },
      config: { device_posture: { mtls_hops: [`URI:${HOP}`] } },
      policy: 'p, role:inference, infer, model:*, healthy, allow\n',
      rules: { 'conditions.yaml': healthy },
      connect: { ca: await ca(), ...(await pem(hop)) },
    })
    const token = await grpc.world.token(['inference'])
    const posture = `compliant, assessed_at=${Math.floor(Date.now() / 1000)}`
    const call = {
      token,
      messages: [inferRequest('iris')],
      headers: { 'x-device-posture': posture },
    }
    expect(await grpc.client.call(INFER, call)).toMatchObject({ grpcStatus: 0 })
    const stranger = await connectGrpc(grpc.url, { ca: await ca(), ...(await pem(other)) })
    expect((await stranger.call(INFER, call)).grpcMessage).toContain('condition_failed')
    await stranger.close()
    const nobody = await connectGrpc(grpc.url, { ca: await ca() }).catch(() => undefined)
    const reached = grpc.upstream.calls.length
    const refused = await nobody?.call(INFER, call).catch(() => undefined)
    expect([0, undefined]).toContain(refused?.status)
    await nobody?.close()
    expect(grpc.upstream.calls).toHaveLength(reached)
  })
})

describe('the upstream', () => {
  it('is spoken to over TLS, with a client certificate where it wants one', async () => {
    const server = await pem(await authority.issue('model', 'serverAuth'))
    const own = await authority.issue('gate', 'clientAuth')
    grpc = await startGrpcWorld({
      upstreamTls: { ...server, ca: (await ca()).toString() },
      trust: { ca_file: authority.certFile, cert_file: own.certFile, key_file: own.keyFile },
    })
    expect(await infer(grpc)).toMatchObject({ grpcStatus: 0 })
  })

  it('is not believed under another authority', async () => {
    const server = await pem(await stranger.issue('model', 'serverAuth'))
    grpc = await startGrpcWorld({ upstreamTls: server, trust: { ca_file: authority.certFile } })
    const result = await infer(grpc)
    expect(result).toMatchObject({ grpcStatus: 14 })
    expect(result.grpcMessage).toContain('upstream_connect')
    expect(grpc.upstream.calls).toHaveLength(0)
  })
})
