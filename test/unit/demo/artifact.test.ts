import { afterAll, describe, expect, it } from '@jest/globals'
import { createHash } from 'node:crypto'
import { readShippedWeights } from '../../../gateway/cli/demo/model/classifier.ts'
import { startModelServer } from '../../../gateway/cli/demo/model/server.ts'

const weights = await readShippedWeights()
const server = await startModelServer({ host: '127.0.0.1', port: 0, weights })
afterAll(() => server.close())

const FILE = '/v2/models/iris-classifier/artifacts/iris-classifier.safetensors'
const ETAG = `"${createHash('sha256').update(weights).digest('hex')}"`
const SIZE = weights.length

const get = async (path: string, headers: Record<string, string> = {}, method = 'GET') => {
  const response = await fetch(server.url + path, { method, headers })
  return { response, body: Buffer.from(await response.arrayBuffer()) }
}

describe('the weight file', () => {
  it('is handed to whoever asks', async () => {
    const { response, body } = await get(FILE)
    expect(response.status).toBe(200)
    expect(body).toEqual(weights)
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'accept-ranges': 'bytes',
      'content-disposition': 'attachment; filename="iris-classifier.safetensors"',
      'content-length': String(SIZE),
      'content-type': 'application/octet-stream',
      etag: ETAG,
    })
  })

  it('answers HEAD without the bytes, ranges included', async () => {
    const { response, body } = await get(FILE, { range: 'bytes=0-1' }, 'HEAD')
    expect(response.status).toBe(200)
    expect(response.headers.get('content-length')).toBe(String(SIZE))
    expect(body).toHaveLength(0)
  })

  it('answers 304 to a client that has it', async () => {
    expect((await get(FILE, { 'if-none-match': ETAG })).response.status).toBe(304)
  })

  it('is the only file there is', async () => {
    const other = '/v2/models/iris-classifier/artifacts/passwd'
    expect((await get(other)).response.status).toBe(404)
  })

  it.each([
    '/v2/models/iris-classifier/%61rtifacts/iris-classifier.safetensors',
    '/v2/models/iris-classifier%2Fartifacts%2firis-classifier.safetensors',
    '/%76%32/models/iris-classifier/artifacts/iris%2dclassifier%2Esafetensors',
    `${FILE}?download=true`,
  ])('is reached by the spelling %s', async (path) => {
    expect((await get(path)).body).toEqual(weights)
  })
})

describe('ranges of the weight file', () => {
  it.each([
    ['bytes=0-7', 0, 7],
    ['bytes=8-8', 8, 8],
    ['bytes=1000-', 1000, SIZE - 1],
    ['bytes=-16', SIZE - 16, SIZE - 1],
    ['bytes=-999999', 0, SIZE - 1],
    ['bytes=0-999999', 0, SIZE - 1],
  ])('gives %s', async (range, first, last) => {
    const { response, body } = await get(FILE, { range })
    expect(response.status).toBe(206)
    expect(response.headers.get('content-range')).toBe(`bytes ${first}-${last}/${SIZE}`)
    expect(body).toEqual(weights.subarray(first, last + 1))
  })

  it.each(['bytes=999999-', 'bytes=-0', `bytes=${SIZE}-${SIZE}`])(
    'cannot give %s',
    async (range) => {
      const { response } = await get(FILE, { range })
      expect(response.status).toBe(416)
      expect(response.headers.get('content-range')).toBe(`bytes */${SIZE}`)
    },
  )

  it.each(['bytes=5-1', 'bytes=-', 'bytes=0-1,3-4', 'lines=0-1', 'bytes=a-b'])(
    'ignores %s',
    async (range) => expect((await get(FILE, { range })).body).toEqual(weights),
  )

  it('gives a range only of the file the client knows', async () => {
    const range = 'bytes=0-7'
    expect((await get(FILE, { range, 'if-range': ETAG })).response.status).toBe(206)
    expect((await get(FILE, { range, 'if-range': '"old"' })).response.status).toBe(200)
  })
})
