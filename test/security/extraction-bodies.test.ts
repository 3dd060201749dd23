/** Bodies that are written so that a watcher may not read them, over sockets: counted all the same. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals'
import { request } from '../support/attack.ts'
import { rawExchange } from '../support/raw-client.ts'
import { startWorld, WORLD_POLICY, type World } from '../support/world.ts'

const LIMITS = `limits:
  attack:
    for: [role:inference]
    detect: { window: 1h, logits: { share: 100%, of: 3 }, vectors: 200 }
    on_incident: { lock: 10m }
`

let world: World
beforeAll(async () => {
  world = await startWorld({
    policy: WORLD_POLICY,
    rules: { 'limits.yaml': LIMITS },
    upstreams: [
      { name: 'kserve', pack: 'kserve', match: { host: 'kserve.test' } },
      { name: 'tei', pack: 'tei', match: { host: 'tei.test' } },
    ],
    config: { limits: { peek_bytes: '64KiB' } },
    handler: () =>
      'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}',
  })
}, 30_000)
afterAll(() => world.close())

/** Sends it until it is refused, four times at most; the statuses. */
async function statuses(sub: string, target: string, body: Buffer): Promise<unknown[]> {
  const token = await world.token(['inference'], { sub })
  const host = target === '/embed' ? 'tei.test' : 'kserve.test'
  const lines = ['Content-Type: application/json', `Content-Length: ${body.length}`]
  const head = request({ method: 'POST', target, host, token, lines })
  const seen: unknown[] = []
  for (let i = 0; i < 4 && seen.at(-1) !== 403; i++) {
    const { responses } = await rawExchange(world.port, Buffer.concat([Buffer.from(head), body]))
    seen.push(responses[0]?.status)
  }
  return seen
}

const INFER = '/v1/models/m:predict'
const ASKING = '{"instances":[{"prompt":"a","logprobs":5}]}'

describe('parameters that ask for probabilities', () => {
  it.each<[string, Buffer]>([
    ['plain', Buffer.from(ASKING)],
    ['deep', Buffer.from(`{"id":${'['.repeat(99)}${']'.repeat(99)},${ASKING.slice(1)}`)],
    ['mark', Buffer.from(`\ufeff${ASKING}`)],
    ['utf16', Buffer.from(ASKING, 'utf16le')],
    ['lines', Buffer.from(`{}\n${ASKING}`)],
  ])('are found: %s', async (sub, body) => {
    expect(await statuses(sub, INFER, body)).toEqual([200, 200, 403])
  })
})

describe('inputs of a body that is too large to be read', () => {
  const texts = JSON.stringify({ inputs: ['a', 'b'] })

  it('are counted by its length', async () => {
    const padded = Buffer.from(texts + ' '.repeat(100 * 1_024))
    // At least 64 in the part that could have been read, and nothing for what is left behind it.
    expect((await statuses('padded', '/embed', padded)).at(-1)).toBe(403)
    const long = Buffer.from(texts + ' '.repeat(400 * 1_024))
    expect(await statuses('long', '/embed', long)).toEqual([403])
  })

  it('are counted one by one in a smaller one', async () => {
    expect(await statuses('small', '/embed', Buffer.from(texts))).toEqual([200, 200, 200, 200])
  })
})
