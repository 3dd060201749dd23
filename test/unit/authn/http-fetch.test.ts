import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { fetchJson, isLoopbackAddress, keyUrl } from '../../../gateway/authn/http-fetch.ts'
import { TEST_CERT, TEST_KEY } from './tls-fixture.ts'

const seen: { url: string; authorization: string | undefined }[] = []
const answers = new Map<string | undefined, RequestListener>([
  ['/ok', (_, response) => response.end('{"keys":[]}')],
  ['/redirect', (_, response) => response.writeHead(302, { location: '/ok' }).end()],
  ['/html', (_, response) => response.end('<html>')],
  ['/latin1', (_, response) => response.end(Buffer.from([0x22, 0xff, 0x22]))],
  ['/gzip', (_, response) => response.setHeader('content-encoding', 'gzip').end(gzipSync('{}'))],
  ['/declared', (_, response) => response.setHeader('content-length', '2000').end()],
  ['/exact', (_, response) => response.end(`"${'x'.repeat(998)}"`)],
  [
    '/chunked',
    (_, response) => {
      // Two writes: no length is declared.
      response.write('"')
      response.end(`${'x'.repeat(2000)}"`)
    },
  ],
  [
    '/cut',
    (request, response) => {
      response.writeHead(200, { 'content-length': '50' }).write('{')
      setImmediate(() => request.socket.destroy())
    },
  ],
  ['/hang', () => undefined],
])
const respond: RequestListener = (request, response) => {
  seen.push({ url: request.url ?? '', authorization: request.headers.authorization })
  const answer = answers.get(request.url)
  if (answer === undefined) response.writeHead(500).end('{}')
  else answer(request, response)
}

const servers: Server[] = []
let plain = ''
let tls = ''
const start = async (server: Server): Promise<string> => {
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return `127.0.0.1:${(server.address() as AddressInfo).port}`
}

beforeAll(async () => {
  plain = `http://${await start(createServer(respond))}`
  tls = `https://${await start(createTlsServer({ cert: TEST_CERT, key: TEST_KEY }, respond))}`
})
afterAll(async () => {
  for (const server of servers) {
    server.closeAllConnections()
    await new Promise((resolve) => server.close(resolve))
  }
})

const get = (url: string, more: object = {}): Promise<unknown> =>
  fetchJson(url, { timeoutMs: 2000, bytesMax: 1000, ...more }).catch((error: unknown) => {
    expect(error).toMatchObject({ code: 'ERR_AUTHN_KEYS_UNAVAILABLE' })
    return (error as Error).message
  })

describe('fetchJson', () => {
  it('gives the JSON of a 200', async () => {
    expect(await get(`${plain}/ok`)).toEqual({ keys: [] })
    expect(seen.at(-1)).toEqual({ url: '/ok', authorization: undefined })
    await get(`${plain}/ok`, { bearer: 'abc' })
    expect(seen.at(-1)?.authorization).toBe('Bearer abc')
  })

  it('follows no redirect', async () => {
    const before = seen.length
    expect(await get(`${plain}/redirect`)).toMatch(/answered 302/)
    expect(seen.length).toBe(before + 1)
  })

  it('refuses other statuses, codings and bodies that are not UTF-8 JSON', async () => {
    expect(await get(`${plain}/500`)).toMatch(/answered 500/)
    expect(await get(`${plain}/gzip`)).toMatch(/coding/)
    for (const path of ['/html', '/latin1']) expect(await get(plain + path)).toMatch(/JSON/)
  })

  it('reads up to the bound and not a byte more, declared or not', async () => {
    expect(await get(`${plain}/exact`)).toHaveLength(998)
    expect(await get(`${plain}/declared`)).toMatch(/too much/)
    expect(await get(`${plain}/chunked`)).toMatch(/sent too much/)
  })

  it('ends in time, and survives a cut and a closed port', async () => {
    expect(await get(`${plain}/hang`, { timeoutMs: 30 })).toMatch(/within 30 ms/)
    expect(await get(`${plain}/cut`)).toMatch(/broke off|cannot be reached/)
    expect(await get('http://127.0.0.1:1/')).toMatch(/cannot be reached/)
  })

  it('verifies the server by the given certificates, and never otherwise', async () => {
    expect(await get(`${tls}/ok`, { ca: TEST_CERT })).toEqual({ keys: [] })
    expect(await get(`${tls}/ok`)).toMatch(/cannot be reached/)
  })

  it('speaks http to loopback only', async () => {
    expect(await get('http://192.0.2.1/jwks')).toMatch(/https/)
    expect(await get('file:///etc/passwd')).toMatch(/https/)
  })
})

describe('keyUrl', () => {
  it('is https anywhere, or http on loopback', () => {
    for (const url of [
      'https://a.b/c',
      'http://127.0.0.1:8/x',
      'http://[::1]/',
      'http://localhost/',
    ]) {
      expect(keyUrl(url)).toBeDefined()
    }
    for (const url of [
      'http://a.b',
      'http://127.0.0.1.evil',
      'https://u:p@a.b',
      'https://a.b/#x',
      'x',
    ])
      expect(keyUrl(url)).toBeUndefined()
  })
})

describe('isLoopbackAddress', () => {
  it('knows literal addresses only', () => {
    for (const host of ['127.0.0.1', '127.255.0.9', '::1', '[::1]']) {
      expect(isLoopbackAddress(host)).toBe(true)
    }
    for (const host of ['localhost', '0.0.0.0', '::', '128.0.0.1', '10.0.0.1', '127.1', '']) {
      expect(isLoopbackAddress(host)).toBe(false)
    }
  })
})
