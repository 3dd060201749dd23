import { createServer, type IncomingMessage, type Server } from 'node:http'
import { createHmac } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from '@jest/globals'
import { entryText } from '../../../gateway/access/fold/entry.ts'
import {
  createCourier,
  type CourierEvent,
  type Target,
} from '../../../gateway/assembly/webhooks/courier.ts'
import { startCouriers } from '../../../gateway/assembly/webhooks/couriers.ts'
import { post, type PostAnswer } from '../../../gateway/assembly/webhooks/post.ts'
import { createReach } from '../../../gateway/domain/reserved-networks.ts'

const T0 = 1_790_000_000_000
const HOUR = 3_600_000

/** A journal in memory, as far as webhooks look at it. */
function journalOf(count: number) {
  const state = { epoch: 'e1', count, trimmedTo: 0, now: T0 }
  const cursors = new Map<string, number>()
  const text = (seq: number): string =>
    entryText({
      v: 1,
      event: { type: 'request.denied', id: `req-${seq}`, by: 'user:a/b', reason: 'no' },
    })
  const head = () => ({ epoch: state.epoch, seq: state.count, now: state.now })
  return {
    state,
    cursors,
    head: () => Promise.resolve(head()),
    entriesAfter(seq: number, max: number) {
      const from = Math.max(seq, state.trimmedTo)
      const length = Math.max(0, Math.min(max, state.count - from))
      const entries = Array.from({ length }, (_, i) => ({
        seq: from + i + 1,
        at: T0,
        text: text(from + i + 1),
      }))
      return Promise.resolve({ ...head(), entries, trimmedTo: state.trimmedTo })
    },
    cursor(name: string, to?: number) {
      cursors.set(name, Math.max(cursors.get(name) ?? 0, to ?? 0))
      return Promise.resolve(cursors.get(name) ?? 0)
    },
  }
}

function world(count: number) {
  const journal = journalOf(count)
  const sent: string[] = []
  const events: CourierEvent[] = []
  const answers: number[] = []
  const target: Target = {
    name: 'w',
    events: ['request.*'],
    template: 'json',
    giveUpMs: 24 * HOUR,
    secrets: () => [Buffer.alloc(24)],
    post: (headers) => {
      const status = answers.shift() ?? 200
      sent.push(`${headers['webhook-id']} ${status}`)
      return Promise.resolve({
        status,
        why: `http-${status}`,
        retryAfterMs: 0,
      } satisfies PostAnswer)
    },
  }
  const courier = (more: Partial<Target> = {}) =>
    createCourier(
      { ...target, ...more },
      {
        journal,
        now: () => journal.state.now,
        random: () => 1,
        onEvent: (event) => {
          if (event.type !== 'lag') events.push(event)
        },
      },
    )
  return { journal, sent, events, answers, courier }
}

describe('a courier', () => {
  it('begins at the end of the journal, and tells of everything behind it once', async () => {
    const { journal, sent, courier } = world(3)
    const one = courier()
    await one.step()
    journal.state.count = 5
    await one.step()
    await one.step()
    expect(sent).toEqual(['e1-4 200', 'e1-5 200'])
  })

  it('goes on where another replica was', async () => {
    const { journal, sent, courier, answers } = world(0)
    const [one, two] = [courier(), courier()]
    await one.step()
    journal.state.count = 2
    answers.push(200, 503)
    await one.step()
    await two.step()
    journal.state.count = 3
    await two.step()
    await one.step()
    expect(sent).toEqual(['e1-1 200', 'e1-2 503', 'e1-2 200', 'e1-3 200'])
  })

  it('tries again ever later, and gives up after a day', async () => {
    const { journal, sent, events, courier, answers } = world(0)
    const one = courier()
    await one.step()
    journal.state.count = 2
    answers.push(500, 500, 0, 500)
    expect([await one.step(), await one.step(), await one.step()]).toEqual([1_000, 2_000, 4_000])
    journal.state.now = T0 + 24 * HOUR
    await one.step()
    expect(sent.at(-1)).toBe('e1-2 200')
    expect(events.filter(({ type }) => type === 'dropped')).toEqual([
      { type: 'dropped', events: 1, why: 'http-500' },
    ])
  })

  it('gives up what is refused as such after an hour, and what is not for now after a day', async () => {
    for (const [status, dropped] of [
      [400, 1],
      [429, 0],
      [302, 0],
    ] as const) {
      const { journal, events, courier, answers } = world(0)
      const one = courier()
      await one.step()
      journal.state.count = 1
      journal.state.now = T0 + HOUR
      answers.push(status)
      await one.step()
      expect(events.filter(({ type }) => type === 'dropped')).toHaveLength(dropped)
    }
  })

  it('says what was trimmed before it could be told', async () => {
    const { journal, sent, events, courier } = world(0)
    const one = courier()
    await one.step()
    Object.assign(journal.state, { count: 5, trimmedTo: 3 })
    await one.step()
    expect(events[0]).toEqual({ type: 'dropped', events: 3, why: 'trimmed' })
    expect(sent).toEqual(['e1-4 200', 'e1-5 200'])
  })

  it('tells of all of a journal that took the place of another', async () => {
    const { journal, sent, courier } = world(2)
    const one = courier()
    await one.step()
    Object.assign(journal.state, { epoch: 'e2', count: 1 })
    await one.step()
    await one.step()
    expect(sent).toEqual(['e2-1 200'])
  })

  it('leaves out types that were not asked for', async () => {
    const { journal, sent, courier } = world(0)
    const one = courier({ events: ['lock.*'] })
    await one.step()
    journal.state.count = 1
    await one.step()
    expect([sent, [...journal.cursors.values()]]).toEqual([[], [2]])
  })
})

describe('couriers of several replicas', () => {
  it('work on one replica at a time, and hand over', async () => {
    const holders = new Set<string>()
    const store = {
      hold: ({ holder, places }: { holder: string; places: number }) => {
        if (places === 0) holders.delete(holder)
        else if (holders.size === 0) holders.add(holder)
        return Promise.resolve(holders.has(holder) ? 1 : 0)
      },
    }
    const steps: string[] = []
    const due: (() => void)[] = []
    const start = (holder: string) =>
      startCouriers({
        couriers: [{ name: 'w', courier: { step: () => Promise.resolve(steps.push(holder)) } }],
        store,
        holder,
        schedule: (_ms, run) => {
          due.push(run)
          return () => undefined
        },
        onFailure: () => undefined,
      })
    const round = async () => {
      for (const run of due.splice(0)) run()
      await new Promise((resolve) => setImmediate(resolve))
    }
    const a = start('a')
    const b = start('b')
    for (let i = 0; i < 4; i++) await round()
    expect(new Set(steps)).toEqual(new Set(['a']))
    await a.stop()
    steps.length = 0
    for (let i = 0; i < 4; i++) await round()
    expect(new Set(steps)).toEqual(new Set(['b']))
    await b.stop()
    expect(holders.size).toBe(0)
  })
})

let server: Server | undefined
afterEach(() => {
  server?.closeAllConnections()
  server?.close()
})

/** A receiver on this machine; answers with `statuses` in turn, then 204. */
async function receiver(statuses: number[]) {
  const got: { headers: IncomingMessage['headers']; body: string }[] = []
  server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      got.push({ headers: request.headers, body })
      response.writeHead(statuses.shift() ?? 204, { location: 'http://169.254.169.254/' }).end()
    })
  })
  await new Promise<void>((resolve) => server?.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return { got, url: (host: string) => new URL(`http://${host}:${port}/hook`), port }
}

const OPEN = createReach({ loopback: true, networks: [] })
const CLOSED = createReach({ loopback: false, networks: [] })

describe('a post', () => {
  it('arrives, signed, at a receiver that fails twice', async () => {
    const { got, url } = await receiver([500, 302])
    const { journal, events, courier } = world(0)
    const options = { url: url('127.0.0.1'), mayReach: OPEN, timeoutMs: 5_000 }
    const one = courier({ post: (headers, body) => post(options, headers, body) })
    await one.step()
    journal.state.count = 1
    for (let i = 0; i < 3; i++) await one.step()
    expect(events.map(({ type }) => type)).toEqual(['failed', 'failed', 'delivered'])
    expect(new Set(got.map(({ headers }) => headers['webhook-id']))).toEqual(new Set(['e1-1']))
    const { headers, body }: (typeof got)[number] = got[2] ?? { headers: {}, body: '' }
    const signed = `e1-1.${String(headers['webhook-timestamp'])}.${body}`
    const mac = createHmac('sha256', Buffer.alloc(24)).update(signed).digest('base64')
    expect(headers['webhook-signature']).toBe(`v1,${mac}`)
    expect(JSON.parse(body)).toMatchObject({ type: 'request.denied', data: { id: 'req-1' } })
  })

  // Threats §2.J 322.
  it('goes to no address of this machine or its network, whatever it is called', async () => {
    const { got, url, port } = await receiver([])
    for (const host of [
      '127.0.0.1',
      'localhost',
      '2130706433',
      '0',
      '[::1]',
      '[::ffff:7f00:1]',
      'localhost.',
    ]) {
      const answer = await post({ url: url(host), mayReach: CLOSED, timeoutMs: 2_000 }, {}, '{}')
      expect([host, answer.status]).toEqual([host, 0])
    }
    const lookup = ((
      _name: string,
      _options: unknown,
      done: (error: null, found: unknown) => void,
    ) => done(null, [{ address: '127.0.0.1', family: 4 }])) as never
    const rebound = {
      url: new URL(`http://public.example:${port}/`),
      mayReach: CLOSED,
      timeoutMs: 2_000,
      lookup,
    }
    expect(await post(rebound, {}, '{}')).toMatchObject({ why: 'address-refused' })
    expect(got).toEqual([])
  })

  it.each([
    '10.1.2.3',
    '169.254.169.254',
    '100.64.0.1',
    '192.168.1.1',
    '::1',
    'fe80::1',
    'fd00::1',
    '::ffff:10.0.0.1',
    '64:ff9b::a00:1',
    '::ffff:0:127.0.0.1',
    '::ffff:0:a00:1',
    '168.63.129.16',
    '224.0.0.1',
    '0.0.0.0',
    'x',
  ])('may not reach %s', (address) => {
    expect(CLOSED(address)).toBe(false)
  })

  it('may reach the internet, and what is written', () => {
    expect(CLOSED('93.184.216.34')).toBe(true)
    expect(CLOSED('2606:2800:220:1::1')).toBe(true)
    const network = { family: 4, bytes: [10, 1, 0, 0], prefix: 16, text: '10.1.0.0/16' } as const
    const some = createReach({ loopback: false, networks: [network] })
    expect([some('10.1.2.3'), some('10.2.0.1')]).toEqual([true, false])
  })
})
