/** The door of error answers: dumps of memory and files in what an upstream says of its failure. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import {
  INFER,
  READ,
  safetensors,
  startAnsweringWorld,
  type AnsweringWorld,
} from '../support/answering.ts'

let world: AnsweringWorld
beforeAll(async () => {
  world = await startAnsweringWorld()
})
afterAll(() => world.close())

describe('an error answer of an upstream', () => {
  it.each(['500 Internal', '502 Bad', '503 Busy', '599 Odd'])('is replaced: %s', async (status) => {
    const body = '{"trace":"/models/secret.bin s1gn"}'
    const lines = ['content-type: application/json', 'x-debug: s1gn', 'retry-after: 3']
    const { raw, response, text } = await world.ask({ status, lines, body }, INFER)
    expect(response?.status).toBe(Number(status.slice(0, 3)))
    expect(raw).not.toContain('s1gn')
    expect(response?.header('retry-after')).toBe('3')
    expect(JSON.parse(text)).toMatchObject({
      decision_id: response?.header('x-modelgate-decision-id'),
      error: expect.stringContaining('withheld'),
    })
  })

  it.each([
    ['HTML', 'content-type: text/html', '<pre>s1gn</pre>'],
    ['too long', 'content-type: application/json', `"${'s1gn'.repeat(20_000)}"`],
    ['not text', 'content-type: text/plain', Buffer.from([0x66, 0x30, 0x30, 0x64, 0, 1, 2])],
    ['not UTF-8', 'content-type: text/plain', Buffer.from([0x66, 0x30, 0x30, 0x64, 0xff])],
  ])('with 404 is replaced when it is %s', async (_, line, body) => {
    const { raw, response } = await world.ask({ status: '404 None', lines: [line], body }, READ)
    expect([404, 502]).toContain(response?.status)
    expect(raw).not.toContain('s1gn')
  })

  it.each([
    ['content-type: application/json', '{"error_code":"RESOURCE_DOES_NOT_EXIST"}'],
    ['content-type: text/plain', 'no such model'],
    ['content-type: application/xml', '<Error><Code>NoSuchKey</Code></Error>'],
  ])('with 404 passes when it is %s', async (line, body) => {
    const { text, response } = await world.ask({ status: '404 None', lines: [line], body }, READ)
    expect([response?.status, text]).toEqual([404, body])
  })

  it('that holds weights is an incident, not an error', async () => {
    for (const status of ['500 Internal', '400 Bad']) {
      const next = { status, lines: ['content-type: text/plain'], body: safetensors() }
      const { raw, response } = await world.ask(next, INFER)
      expect(response?.status).toBe(502)
      expect(raw).not.toContain('data_offsets')
      expect(raw).toMatch(/weights_detected|response_blocked/)
    }
    expect(
      await world.world.metric('error_answers_replaced_total', { why: 'status' }),
    ).toBeGreaterThan(0)
  })
})
