/** The doors of header fields: cookies, other services, long values, trailers, names, types, parts. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { HOSTS } from '../support/attack.ts'
import {
  EXPORT,
  INFER,
  READ,
  startAnsweringWorld,
  type AnsweringWorld,
} from '../support/answering.ts'

let world: AnsweringWorld
beforeAll(async () => {
  world = await startAnsweringWorld()
})
afterAll(() => world.close())

const OK = { lines: ['content-type: application/json'], body: '{}' }
const json = (...lines: string[]) => ({ lines: [...OK.lines, ...lines], body: '{}' })

describe('fields of an answer', () => {
  it('that give a way past the gateway or smuggle are removed', async () => {
    const long = 'QUJD'.repeat(128)
    const next = json(
      'set-cookie: sid=s1gn',
      'set-cookie2: sid=s1gn',
      'alt-svc: h3=":443"',
      `x-debug: ${long}`,
      `server-timing: db;desc="${long}"`,
      'x-file: https://h/m?X-Amz-Signature=s1gn',
      'x-kept: yes',
    )
    const { raw, response } = await world.ask(next, INFER)
    expect(response?.status).toBe(200)
    expect(raw).not.toMatch(/s1gn|alt-svc|QUJDQUJD/i)
    expect(response?.header('x-kept')).toBe('yes')
  })

  it('that are many are refused', async () => {
    const lines = Array.from({ length: 30 }, (_, i) => `x-part-${i}: ${'s1gn '.repeat(60)}`)
    const { raw, response } = await world.ask(json(...lines), INFER)
    expect(response?.status).toBe(502)
    expect(raw).not.toContain('s1gn')
  })

  it('behind the body are dropped', async () => {
    const head = 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntrailer: x-weights\r\n'
    const raw = `${head}transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\nx-weights: s1gn\r\n\r\n`
    const got = await world.ask({ raw }, INFER)
    expect(got.text).toBe('{}')
    expect(got.raw).not.toMatch(/s1gn|x-weights/i)
  })

  it.each([
    'attachment; filename="m.safetensors"',
    "attachment; filename*=UTF-8''m%2Egguf",
    "attachment; filename=a.txt; filename*=utf-8'en'm.%70t",
    'attachment; filename="m.safe\\tensors"',
    'attachment; filename*0="m.safe"; filename*1="tensors"',
    'inline; filename="model-00001-of-00600.safetensors"',
    'inline; filename="variables.data-00000-of-00001"',
    'inline; filename="m.gguf.gz"',
    'inline; filename="m.onnx.001"',
    'inline; filename="m.bin."',
    'inline; filename==?utf-8?b?bS5iaW4=?=',
  ])('that name weights are refused: %s', async (name) => {
    const { response } = await world.ask(json(`content-disposition: ${name}`), READ)
    expect(response?.status).toBe(502)
  })

  it.each([
    'application/octet-stream',
    'application/zip',
    'application/x-unheard-of',
    'application/vnd.ollama.image.model',
    'application/vnd.apache.parquet',
    'multipart/byteranges; boundary=x',
    'text/plain, application/octet-stream',
    'application/json; charset=utf-16',
  ])('that declare what the route does not answer with are refused: %s', async (type) => {
    const next = { lines: [`content-type: ${type}`], body: '{}' }
    expect((await world.ask(next, INFER)).response?.status).toBe(502)
    const accepting = { ...INFER, lines: [...(INFER.lines ?? []), `Accept: ${type}`] }
    expect((await world.ask(next, accepting)).response?.status).toBe(502)
  })

  it.each(['application/json', 'text/event-stream', 'text/csv', 'application/x-ndjson'])(
    'that declare text pass: %s',
    async (type) => {
      const next = { lines: [`content-type: ${type}`], body: '{}' }
      expect((await world.ask(next, INFER)).response?.status).toBe(200)
    },
  )

  it.each(['gzip', 'br', 'identity, gzip', 'gzip, gzip', 'x-odd'])(
    'that code are refused: %s',
    async (coding) => {
      expect((await world.ask(json(`content-encoding: ${coding}`), INFER)).response?.status).toBe(
        502,
      )
    },
  )
})

describe('a part of an answer', () => {
  it('is not asked for, and does not leave', async () => {
    const lines = [
      ...(INFER.lines ?? []),
      'Range: bytes=0-9',
      'If-Range: "a"',
      'Accept-Encoding: gzip',
      'X-Ms-Range: bytes=0-9',
      'Request-Range: bytes=-1',
    ]
    await world.ask(OK, { ...INFER, lines })
    const sent = world.world.upstream.requests.at(-1)?.head ?? ''
    expect(sent).not.toMatch(/range|gzip/i)
    expect(sent).toMatch(/accept-encoding: identity/i)
    const part = { status: '206 Partial', lines: ['content-range: bytes 0-1/9'], body: '{}' }
    expect((await world.ask(part, INFER)).response?.status).toBe(502)
  })

  it.each(['partNumber=1', 'a=1&partNumber=2', 'p%61rtNumber=1', 'partnumber'])(
    'is refused where it is asked for in the query: %s',
    async (query) => {
      const before = world.world.upstream.requests.length
      const { raw, response } = await world.ask(OK, {
        target: `/v2/models/iris?${query}`,
        host: HOSTS.models,
      })
      expect([400, 403]).toContain(response?.status)
      expect(raw).toMatch(/parameter_refused|target_invalid/)
      expect(world.world.upstream.requests).toHaveLength(before)
    },
  )

  it('of something that has not changed is metadata, and an export where the thing is one', async () => {
    const lines = ['If-None-Match: "a"']
    const read = await world.ask(
      { raw: 'HTTP/1.1 304 Not\r\netag: "a"\r\n\r\n' },
      { ...READ, lines },
    )
    expect(read.response?.status).toBe(304)
    const before = world.world.upstream.requests.length
    const { response } = await world.ask(OK, { ...EXPORT, lines })
    expect(response?.status).toBe(403)
    expect(world.world.upstream.requests).toHaveLength(before)
  })
})
