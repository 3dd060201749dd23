/** A caller who may only infer gets no weights, whatever the upstream answers; the record says why. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { HOSTS, json, request, startAttackWorld } from '../support/attack.ts'
import { rawExchange } from '../support/raw-client.ts'
import type { World } from '../support/world.ts'

const SAFETENSORS_HEADER = '{"w":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'

function safetensors(): Buffer {
  const length = Buffer.alloc(8)
  length.writeBigUInt64LE(BigInt(SAFETENSORS_HEADER.length))
  return Buffer.concat([length, Buffer.from(SAFETENSORS_HEADER), Buffer.alloc(4)])
}

/** What the upstream says next: head lines and a body. */
let answer: { readonly lines: readonly string[]; readonly body: Buffer; readonly status?: string }

let world: World
beforeAll(async () => {
  world = await startAttackWorld({
    handler: () => {
      const { lines, body, status = '200 OK' } = answer
      const head = [`HTTP/1.1 ${status}`, ...lines, `content-length: ${body.length}`]
      return Buffer.concat([Buffer.from(`${head.join('\r\n')}\r\n\r\n`), body])
    },
  })
})
afterAll(() => world.close())

const CHAT = { ...json({ model: 'llama', messages: [] }), target: '/v1/chat/completions' }

async function infer() {
  const token = await world.token(['inference'])
  const bytes = request({ ...CHAT, host: HOSTS.llm, token })
  const { responses, raw } = await rawExchange(world.port, bytes)
  return { response: responses[0], raw }
}

describe('an inference route that answers with weights', () => {
  it.each([
    ['declared as bytes', 'application/octet-stream', 'response_blocked'],
    ['declared as JSON', 'application/json', 'weights_detected'],
    ['declared as a picture', 'image/png', 'weights_detected'],
    ['declared as events', 'text/event-stream', 'weights_detected'],
  ])('is cut: %s', async (_, type, reason) => {
    answer = { lines: [`content-type: ${type}`], body: safetensors() }
    const { raw } = await infer()
    expect(raw.includes(SAFETENSORS_HEADER)).toBe(false)
    // An event stream is cut, and then no whole response to parse.
    const [, id] = /x-modelgate-decision-id: (\S+)/i.exec(raw.toString('latin1')) ?? []
    expect(id).toBeDefined()
    const record = await world.whenRecord((r) => r.type === 'outcome' && r.id === id)
    expect(record).toMatchObject({ reason, bytes_before: 0 })
    expect(record['found']).toEqual(expect.any(String))
    if (reason === 'weights_detected') expect(record['found']).toBe('safetensors')
  })

  it.each([
    ['a redirect', ['location: https://bucket.s3.amazonaws.com/w?X-Amz-Signature=1'], '302 Found'],
    ['a part of a file', ['content-range: bytes 0-9/100', 'content-type: text/plain'], '206 OK'],
    ['a coding that hides it', ['content-encoding: gzip', 'content-type: text/plain'], undefined],
    ['a file name', ['content-disposition: attachment; filename="m.gguf"'], undefined],
  ])('is blocked: %s', async (_, lines, status) => {
    answer = { lines, body: Buffer.from('0123456789'), ...(status === undefined ? {} : { status }) }
    const { response, raw } = await infer()
    expect(response?.status).toBe(502)
    expect(raw.toString('latin1')).not.toContain('amazonaws')
    expect(raw.toString('latin1')).toContain('response_blocked')
  })
})
