/** The door of links in bodies: presigned URLs, storage URIs, credentials of stores. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { INFER, READ, startAnsweringWorld, type AnsweringWorld } from '../support/answering.ts'

let world: AnsweringWorld
beforeAll(async () => {
  world = await startAnsweringWorld()
})
afterAll(() => world.close())

const JSON_LINE = 'content-type: application/json'

describe('a body that hands out where weights lie', () => {
  it.each([
    ['a presigned URL', '{"u":"https://b.s3.amazonaws.com/m?X-Amz-Signature=s1gn&b=1"}'],
    ['of a store nobody knows', '{"u":"https://minio:9000/b/m?X-Amz-Signature=s1gn"}'],
    ['with escaped slashes', '{"u":"https:\\/\\/h\\/m?X-Amz-Signature=s1gn"}'],
    ['with escaped separators', '{"u":"https://h/m?a=1\\u0026X-Goog-Signature=s1gn"}'],
    ['encoded once', '{"u":"/go?to=https%3A%2F%2Fh%2Fm%3Fsig%3Ds1gn"}'],
    ['of Azure', '{"u":"https://a.blob.core.windows.net/c/m?sv=1&sig=s1gn"}'],
    ['a token of a chunk store', '{"accessToken":"s1gn","exp":1,"casUrl":"https://cas"}'],
  ])('loses what makes it good: %s', async (_, body) => {
    for (const parts of [INFER, READ]) {
      const { text, response } = await world.ask({ lines: [JSON_LINE], body }, parts)
      expect(response?.status).toBe(200)
      expect(text).toHaveLength(body.length)
      expect(text).not.toContain('s1gn')
      expect(() => JSON.parse(text) as unknown).not.toThrow()
    }
  })

  it.each([
    's3://b/s1gn',
    'gs://b/s1gn',
    'abfss://c@a/s1gn',
    'dbfs:/m/s1gn',
    'hf://o/s1gn',
    'wasbs://s1gn',
  ])('loses a storage URI where it is read, not where it was said: %s', async (uri) => {
    const body = JSON.stringify({ source: uri })
    const read = await world.ask({ lines: [JSON_LINE], body }, READ)
    expect(read.text).not.toContain('s1gn')
    expect(read.text).toHaveLength(body.length)
    expect((await world.ask({ lines: [JSON_LINE], body }, INFER)).text).toBe(body)
  })

  it('keeps links that are none of a store, and pictures that were made', async () => {
    const body = '{"a":"mlflow-artifacts:/0/x","b":"https://example.com/?page=2","c":"models:/m/1"}'
    expect((await world.ask({ lines: [JSON_LINE], body }, READ)).text).toBe(body)
    const made = '{"data":[{"url":"https://h/img.png?sig=abc"}]}'
    expect((await world.ask({ lines: [JSON_LINE], body: made }, INFER)).text).toBe(made)
  })

  it('masks in events and XML, split at every byte', async () => {
    const body = 'data: {"u":"https://b.s3.amazonaws.com/m?X-Amz-Signature=s1gn"}\n\n'
    for (let at = 1; at < body.length; at += 7) {
      const chunks = [body.slice(0, at), body.slice(at)]
        .map((one) => `${one.length.toString(16)}\r\n${one}\r\n`)
        .join('')
      const head =
        'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked'
      const { text } = await world.ask({ raw: `${head}\r\n\r\n${chunks}0\r\n\r\n` }, INFER)
      expect(text).toBe(body.replace('s1gn', '----'))
    }
    const xml = '<Url>https://h/m?a=1&amp;X-Amz-Signature=s1gn</Url>'
    const { text } = await world.ask({ lines: ['content-type: application/xml'], body: xml }, READ)
    expect(text).toBe(xml.replace('s1gn', '----'))
    expect(await world.world.metric('links_masked_total', { kind: 'signature' })).toBeGreaterThan(0)
  })
})
