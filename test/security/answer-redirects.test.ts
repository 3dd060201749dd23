/** The door of redirects: an answer that sends the caller to where the weights lie. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
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

const SIGNED = 'https://b.s3.amazonaws.com/m.gguf?X-Amz-Signature=s1gn'

describe('an answer that leads elsewhere', () => {
  it.each([
    ['301 Moved', `location: ${SIGNED}`],
    ['302 Found', `Location: ${SIGNED}`],
    ['307 Temporary', 'location: //b.s3.amazonaws.com/m'],
    ['308 Permanent', 'location: /elsewhere'],
    ['300 Multiple', `location: ${SIGNED}`],
    ['201 Created', `location: ${SIGNED}`],
    ['200 OK', `content-location: ${SIGNED}`],
    ['200 OK', 'content-location: https://b.blob.core.windows.net/c/m'],
    ['200 OK', `link: <${SIGNED}>; rel="next"`],
    ['200 OK', 'link: <s3://b/m>; rel="file"'],
    ['200 OK', 'link: <s3%3A%2F%2Fb/m>; rel="file"'],
    ['200 OK', `refresh: 0; url=${SIGNED}`],
    ['200 OK', 'refresh: 0;https://elsewhere.example/'],
    ['200 OK', 'x-linked-etag: "s1gn"'],
    ['200 OK', 'X-Xet-Hash: s1gn'],
  ])('is blocked: %s %s', async (status, line) => {
    for (const parts of [INFER, READ]) {
      const { raw, response } = await world.ask({ status, lines: [line] }, parts)
      expect(response?.status).toBe(502)
      expect(raw).toContain('response_blocked')
      expect(raw).not.toMatch(/s1gn|elsewhere|amazonaws|s3:|s3%3A/i)
    }
  })

  it('passes when it leads to the next page, or says which revision it was', async () => {
    const lines = ['link: <https://hub.test/api/models?cursor=a>; rel="next"', 'x-repo-commit: abc']
    const { response } = await world.ask(
      { lines: [...lines, 'content-type: application/json'], body: '{}' },
      READ,
    )
    expect(response?.status).toBe(200)
    expect(response?.header('x-repo-commit')).toBe('abc')
  })

  it('passes whole for an export', async () => {
    const next = { status: '302 Found', lines: [`location: ${SIGNED}`] }
    const { response } = await world.ask(next, EXPORT, ['exporter', 'reader', 'admin'])
    expect([302, 403]).toContain(response?.status)
  })
})
