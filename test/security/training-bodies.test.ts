/** Bodies that try to train with something else than was granted: what is compared is what is sent. */
import { connect } from 'node:net'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { BODY, startTrainingWorld, type TrainingWorld } from '../support/training.ts'
import { rawExchange } from '../support/raw-client.ts'
import { builtInPack } from '../unit/classify/support.ts'

let world: TrainingWorld
beforeAll(async () => {
  await builtInPack('openai')
  world = await startTrainingWorld()
}, 60_000)
afterAll(() => world.pipeline.close())
beforeEach(() => void world.forwarded.splice(0))

const TEXT = JSON.stringify(BODY)
const HEAD = 'POST /v1/fine_tuning/jobs HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n'

const chunked = (...parts: string[]): string =>
  [...parts, ''].map((part) => `${Buffer.byteLength(part).toString(16)}\r\n${part}\r\n`).join('')

async function send(text: string): Promise<number> {
  const { responses } = await rawExchange(world.pipeline.port, text)
  return responses[0]?.status ?? 0
}

const sized = (body: string, ...fields: string[]): string =>
  `${HEAD}${fields.map((field) => `${field}\r\n`).join('')}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`

describe('a body that is as granted', () => {
  it('is sent byte for byte however it is cut', async () => {
    const body = chunked(TEXT.slice(0, 7), TEXT.slice(7, 40), TEXT.slice(40))
    expect(await send(`${HEAD}Transfer-Encoding: chunked\r\n\r\n${body}`)).toBe(200)
    expect(world.forwarded).toEqual([TEXT])
  })
})

describe('a body that says two things', () => {
  const added = (member: string): string => `${TEXT.slice(0, -1)},${member}}`

  it.each([
    ['a dataset twice', added('"training_file":"file-other"')],
    ['a dataset twice, escaped', added('"training_\\u0066ile":"file-other"')],
    ['a dataset in another case', added('"Training_File":"file-other"')],
    ['a validation dataset twice', added('"validation_file":"file-other"')],
    ['another list of datasets', added('"datasets":["file-other"]')],
    ['something behind it', `${TEXT}{"training_file":"file-other"}`],
    ['a comment', TEXT.replace('{', '{/* */')],
    ['a byte order mark', `\ufeff${TEXT}`],
    ['half a character', TEXT.replace('file-train', 'file-train\\ud800')],
    ['a list around it', `[${TEXT}]`],
    ['nothing', ''],
  ])('is not sent: %s', async (_what, body) => {
    expect(await send(sized(body))).toBeGreaterThanOrEqual(400)
    expect(world.forwarded).toEqual([])
  })

  it.each([
    ['coded', ['Content-Encoding: gzip']],
    ['coded as itself', ['Content-Encoding: identity, gzip']],
    ['of another charset', ['Content-Type: application/json; charset=utf-16']],
    ['a form', ['Content-Type: multipart/form-data; boundary=x']],
  ])('is not sent: %s', async (_what, fields) => {
    expect(await send(sized(TEXT, ...fields))).toBeGreaterThanOrEqual(400)
    expect(world.forwarded).toEqual([])
  })

  it('is not sent when it is too long to be read whole, with or without a length', async () => {
    const body = `${TEXT.slice(0, -1)},"metadata":{"x":"${'x'.repeat(1_200_000)}"}}`
    expect(await send(sized(body))).toBeGreaterThanOrEqual(400)
    const open = `${HEAD}Transfer-Encoding: chunked\r\n\r\n${chunked(body)}`
    expect(await send(open)).toBeGreaterThanOrEqual(400)
    expect(world.forwarded).toEqual([])
  })
})

describe('a body that changes after it was read', () => {
  it('is sent as it was read: what comes behind its length is no part of it', async () => {
    const other = TEXT.replace('file-train', 'file-other')
    const socket = connect(world.pipeline.port, '127.0.0.1')
    const answered = new Promise<string>((resolve) => {
      let text = ''
      socket.on('data', (part: Buffer) => (text += part.toString('latin1')))
      socket.on('close', () => resolve(text))
    })
    // The second request is the first one with another dataset, right behind it.
    socket.write(sized(TEXT) + sized(other, 'Connection: close'))
    const text = await answered
    expect(text.match(/HTTP\/1\.1 (\d+)/g)).toEqual(['HTTP/1.1 200', 'HTTP/1.1 403'])
    expect(world.forwarded).toEqual([TEXT])
  })
})
