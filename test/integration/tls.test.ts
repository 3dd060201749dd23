/** TLS on the data listener, with and without client certificates. */
import { copyFile, mkdtemp, readFile, rm } from 'node:fs/promises'
import { request as httpsRequest, type RequestOptions } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, type DetailedPeerCertificate, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { startBuiltWorld, type BuiltWorld } from '../support/built-gateway.ts'
import { createAuthority, type Authority, type Certificate } from '../support/certificates.ts'
import { rawExchange } from '../support/raw-client.ts'
import { until } from '../support/world-files.ts'

let dir: string
let authority: Authority
let stranger: Authority
let server: Certificate
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'modelgate-tls-'))
  authority = await createAuthority(dir, 'authority')
  stranger = await createAuthority(dir, 'stranger')
  server = await authority.issue('gate', 'serverAuth')
}, 20_000)
afterAll(() => rm(dir, { recursive: true, force: true }))

const startTls = (more: Record<string, string> = {}) =>
  startBuiltWorld({
    config: {
      listen: {
        data: {
          host: '127.0.0.1',
          port: 0,
          tls: { cert_file: server.certFile, key_file: server.keyFile, ...more },
        },
        control: { host: '127.0.0.1', port: 0 },
      },
    },
  })

/** One permitted request over TLS: its status, or the code of the error. */
async function ask(world: BuiltWorld, options: RequestOptions = {}) {
  const authorization = `Bearer ${await world.token(['reader'])}`
  const ca = await readFile(authority.certFile)
  return new Promise<{ status?: number; error?: string | undefined }>((resolve) => {
    httpsRequest(
      `https://localhost:${world.dataPort}/v2/models/iris`,
      { ca, agent: false, headers: { authorization }, ...options },
      (response) => {
        response.resume().once('end', () => resolve({ status: response.statusCode ?? 0 }))
      },
    )
      .on('error', (error: NodeJS.ErrnoException) => resolve({ error: error.code }))
      .end()
  })
}

async function identity({ certFile, keyFile }: Certificate) {
  return { cert: await readFile(certFile), key: await readFile(keyFile) }
}

describe('TLS on the data listener', () => {
  let world: BuiltWorld
  beforeAll(async () => {
    world = await startTls()
  }, 30_000)
  afterAll(() => world.close())

  it('serves clients that trust its certificate, and tells the upstream so', async () => {
    expect(await ask(world)).toEqual({ status: 200 })
    expect(world.upstream.requests.at(-1)?.headers['x-forwarded-proto']).toBe('https')
  })

  it('is not usable by clients that trust another authority', async () => {
    const ca = await readFile(stranger.certFile)
    expect((await ask(world, { ca })).error).toMatch(/UNABLE_TO_VERIFY|SELF_SIGNED|UNABLE_TO_GET/)
  })

  it('speaks no TLS older than 1.2', async () => {
    const old = { maxVersion: 'TLSv1.1', minVersion: 'TLSv1', ciphers: 'ALL@SECLEVEL=0' } as const
    expect((await ask(world, old)).error).toBeDefined()
    expect(await ask(world, { maxVersion: 'TLSv1.2' })).toEqual({ status: 200 })
  })

  it('offers no protocol but HTTP/1.1', async () => {
    const ca = await readFile(authority.certFile)
    const socket = connect({
      port: world.dataPort,
      host: '127.0.0.1',
      ca,
      ALPNProtocols: ['http/1.1'],
    })
    await new Promise((resolve) => socket.once('secureConnect', resolve))
    expect(socket.alpnProtocol).toBe('http/1.1')
    socket.destroy()
  })

  it('answers nobody in plain HTTP', async () => {
    const reached = world.upstream.requests.length
    const bytes = 'GET /v2/models/iris HTTP/1.1\r\nHost: gate\r\n\r\n'
    const { responses } = await rawExchange(world.dataPort, bytes)
    expect(responses.filter(({ status }) => status < 400)).toEqual([])
    expect(world.upstream.requests).toHaveLength(reached)
  })

  it('still asks for a token', async () => {
    expect(await ask(world, { headers: {} })).toEqual({ status: 401 })
  })
})

describe('TLS with client certificates', () => {
  let world: BuiltWorld
  beforeAll(async () => {
    world = await startTls({ client_ca_file: authority.certFile })
  }, 30_000)
  afterAll(() => world.close())

  it('serves a client with a certificate of the authority', async () => {
    const client = await identity(await authority.issue('client', 'clientAuth'))
    expect(await ask(world, client)).toEqual({ status: 200 })
    expect(await ask(world, { ...client, headers: {} })).toEqual({ status: 401 })
  })

  it('serves no client without one, or with one of another authority', async () => {
    const reached = world.upstream.requests.length
    const forged = await identity(await stranger.issue('client', 'clientAuth'))
    for (const options of [{}, forged]) {
      expect((await ask(world, options)).error).toMatch(/ECONNRESET|ERR_SSL|EPIPE/)
    }
    expect(world.upstream.requests).toHaveLength(reached)
  })
})

describe('a renewed certificate', () => {
  it('is presented to new connections after a reload', async () => {
    const used = { certFile: join(dir, 'used.crt'), keyFile: join(dir, 'used.key') }
    const install = async (next: Certificate) => {
      await copyFile(next.certFile, used.certFile)
      await copyFile(next.keyFile, used.keyFile)
    }
    await install(server)
    const world = await startTls({ cert_file: used.certFile, key_file: used.keyFile })
    try {
      expect((await presented(world)).subject.CN).toBe('gate')
      const renewed = await authority.issue('renewed', 'serverAuth')
      await copyFile(renewed.certFile, used.certFile)
      world.signal('SIGHUP')
      await world.whenLogged('the certificate files cannot be used; the old ones stay')
      expect((await presented(world)).subject.CN).toBe('gate')
      await install(renewed)
      world.signal('SIGHUP')
      await until(
        'the renewed certificate',
        async () => (await presented(world)).subject.CN === 'renewed',
      )
      expect(await ask(world)).toEqual({ status: 200 })
    } finally {
      await world.close()
    }
  }, 30_000)
})

/** The certificate of the listener. */
async function presented(world: BuiltWorld): Promise<DetailedPeerCertificate> {
  const ca = await readFile(authority.certFile)
  const socket: TLSSocket = connect({ port: world.dataPort, host: '127.0.0.1', ca })
  await new Promise((resolve, reject) => {
    socket.once('secureConnect', resolve).once('error', reject)
  })
  const certificate = socket.getPeerCertificate(true)
  socket.destroy()
  return certificate
}
