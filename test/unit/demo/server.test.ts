import { afterAll, describe, expect, it } from '@jest/globals'
import { request as httpRequest } from 'node:http'
import { readShippedWeights } from '../../../gateway/cli/demo/model/classifier.ts'
import { startModelServer } from '../../../gateway/cli/demo/model/server.ts'

const lines: string[] = []
const weights = await readShippedWeights()
const server = await startModelServer({
  host: '127.0.0.1',
  port: 0,
  weights,
  log: (line) => lines.push(line),
})
afterAll(() => server.close())

const MODEL = '/v2/models/iris-classifier'
const FLOWER = { name: 'features', shape: [1, 4], datatype: 'FP32', data: [5.1, 3.5, 1.4, 0.2] }

const get = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
  fetch(server.url + path, { method, headers })
const post = (path: string, body: unknown) =>
  fetch(server.url + path, { method: 'POST', body: JSON.stringify(body) })

/** `fetch` normalises paths; this sends them as they are. */
function statusOf(path: string, method = 'GET'): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const request = httpRequest(server.url, { path, method }, (response) => {
      response.resume().once('end', () => resolve(response.statusCode))
    })
    request.once('error', reject).end()
  })
}

describe('metadata and health', () => {
  it.each([
    ['/v2/health/live', { live: true }],
    ['/v2/health/ready', { ready: true }],
    ['/v2/models', { models: ['iris-classifier'] }],
    [`${MODEL}/ready`, { name: 'iris-classifier', ready: true }],
    [`${MODEL}/versions/1/ready`, { name: 'iris-classifier', ready: true }],
  ])('answers %s', async (path, expected) => {
    const response = await get(path)
    expect(response.status).toBe(200)
    expect(await response.json()).toEqual(expected)
  })

  it('describes the server, the model and the repository', async () => {
    expect(await (await get('/v2')).json()).toMatchObject({ name: 'modelgate-demo' })
    expect(await (await get(MODEL)).json()).toMatchObject({
      name: 'iris-classifier',
      versions: ['1'],
      inputs: [{ name: 'features', datatype: 'FP32', shape: [-1, 4] }],
    })
    expect(await (await post('/v2/repository/index', {})).json()).toMatchObject([
      { name: 'iris-classifier', state: 'READY' },
    ])
  })

  it.each([
    ['GET', '/nothing', 404],
    ['GET', '/v2/models/other', 404],
    ['GET', `${MODEL}/versions/2`, 404],
    ['DELETE', MODEL, 405],
    ['GET', '/v2/models/%zz', 400],
    ['GET', '//v2', 404],
  ])('answers %s %s with %i', async (method, path, status) => {
    expect(await statusOf(path, method)).toBe(status)
  })

  it('names the methods it allows', async () => {
    expect((await get(`${MODEL}/infer`)).headers.get('allow')).toBe('POST')
  })
})

describe('inference', () => {
  it.each([`${MODEL}/infer`, `${MODEL}/versions/1/infer`])('predicts at %s', async (path) => {
    const response = await post(path, { id: '7', inputs: [FLOWER], outputs: [{ name: 'label' }] })
    expect(await response.json()).toMatchObject({ id: '7', outputs: [{ data: ['setosa'] }] })
  })

  it('answers in bytes behind JSON when asked to', async () => {
    const parameters = { binary_data_output: true }
    const response = await post(`${MODEL}/infer`, { inputs: [FLOWER], parameters })
    const head = Number(response.headers.get('inference-header-content-length'))
    const body = Buffer.from(await response.arrayBuffer())
    expect(JSON.parse(body.subarray(0, head).toString())).toHaveProperty('outputs')
    expect(body.subarray(head + 16).toString()).toBe('setosa')
  })

  it('says what is wrong with a request', async () => {
    const response = await post(`${MODEL}/infer`, { inputs: [] })
    expect(response.status).toBe(400)
    expect(await response.json()).toEqual({ error: '"inputs" must hold one tensor' })
    const init = { method: 'POST', headers: { 'inference-header-content-length': 'x' }, body: '{}' }
    expect((await fetch(`${server.url}${MODEL}/infer`, init)).status).toBe(400)
  })

  it('refuses a body past its bound', async () => {
    const response = await post(`${MODEL}/infer`, 'x'.repeat(1024 * 1024))
    expect(response.status).toBe(413)
  })

  it('streams one event per row', async () => {
    const inputs = [{ ...FLOWER, shape: [2, 4], data: [...FLOWER.data, 6.7, 3, 5.2, 2.3] }]
    const parameters = { interval_ms: 1 }
    const response = await post(`${MODEL}/infer_stream`, { inputs, parameters })
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const events = (await response.text()).split('\n\n').slice(0, -1)
    const labels = events.map((event) => {
      const { outputs } = JSON.parse(event.replace(/^data: /, '')) as {
        outputs: { data: string[] }[]
      }
      return outputs[1]?.data
    })
    expect(labels).toEqual([['setosa'], ['virginica']])
  })
})

describe('training', () => {
  it('trains a copy and leaves what is served alone', async () => {
    const path = `${MODEL}/artifacts/iris-classifier.safetensors`
    const response = await post(`${MODEL}/train`, { dataset: 'iris', epochs: 50 })
    const { before, loss, accuracy } = (await response.json()) as {
      before: { loss: number }
      loss: number
      accuracy: number
    }
    expect(loss).toBeLessThan(before.loss)
    expect(accuracy).toBeGreaterThanOrEqual(0.95)
    expect(Buffer.from(await (await get(path)).arrayBuffer())).toEqual(weights)
  })

  it.each([
    {},
    { dataset: 'x', epochs: 1 },
    { dataset: 'iris', epochs: 51 },
    { dataset: 'iris', epochs: 0.5 },
  ])('refuses %j', async (body) => expect((await post(`${MODEL}/train`, body)).status).toBe(400))
})

describe('the record of requests', () => {
  it('counts what arrived and keeps targets as sent', async () => {
    const before = server.requests.count
    await statusOf('/v2/models/iris%2Dclassifier/ready')
    expect(server.requests.count).toBe(before + 1)
    expect(server.requests.recent.at(-1)).toMatchObject({
      method: 'GET',
      target: '/v2/models/iris%2Dclassifier/ready',
      headers: { host: server.url.replace('http://', '') },
    })
    expect(lines.at(-1)).toBe('GET /v2/models/iris%2Dclassifier/ready 200')
  })

  it('remembers a bounded number', async () => {
    for (let i = 0; i < 260; i++) await (await get('/v2')).arrayBuffer()
    expect(server.requests.recent).toHaveLength(256)
  })
})
