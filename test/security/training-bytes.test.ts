/**
 * What was compared with the grant is what the upstream gets, byte for byte (threats §2.H 272): a
 * client that changes its body on the way, seen from an upstream that keeps every byte.
 */
import { createHash } from 'node:crypto'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals'
import { jsonAnswer, startForwardedWorld } from '../support/forwarded-training.ts'
import { parseResponses } from '../support/raw-client.ts'
import type { RecordingUpstream } from '../support/recording-upstream.ts'
import { BODY, type TrainingWorld } from '../support/training.ts'
import { until } from '../support/world-files.ts'
import { builtInPack } from '../unit/classify/support.ts'

beforeAll(() => builtInPack('openai'), 60_000)

let world: TrainingWorld
let upstream: RecordingUpstream
let close: () => Promise<void>
beforeEach(async () => {
  const started = await startForwardedWorld(() => jsonAnswer('{"id":"ftjob-1"}'))
  ;({ world, upstream, close } = started)
})
afterEach(() => close())

const TEXT = JSON.stringify(BODY)
const OTHER = TEXT.replace('file-train', 'file-other')
const HEAD = 'POST /v1/fine_tuning/jobs HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n'
const CHUNKED = `${HEAD}Transfer-Encoding: chunked\r\n\r\n`
const sized = (body: string, ...lines: string[]): string =>
  `${HEAD}${lines.map((line) => `${line}\r\n`).join('')}Content-Length: ${body.length}\r\n\r\n${body}`
const chunk = (part: string, extension = ''): string =>
  `${part.length.toString(16)}${extension}\r\n${part}\r\n`
const LAST = '0\r\n\r\n'

/** A client that says what it likes when it likes. */
function client() {
  const socket: Socket = connect({ port: world.pipeline.port, host: '127.0.0.1', noDelay: true })
  let received = Buffer.alloc(0)
  socket.on('data', (part: Buffer) => (received = Buffer.concat([received, part])))
  socket.on('error', () => undefined)
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  const statuses = (): number[] => parseResponses(received).map(({ status }) => status)
  return {
    statuses,
    closed,
    /** Resolves when the bytes have been taken by the kernel. */
    say: (text: string) => new Promise((resolve) => socket.write(text, 'latin1', resolve)),
    answers: (count: number) => until('answers', () => statuses().length >= count),
    leave: () => void socket.destroy(),
  }
}

/** Bodies that the upstream was sent, as they were on the wire. */
const sent = (): string[] => upstream.requests.map(({ body }) => body)

/** The digest of the body in each provenance. */
function proven(): unknown[] {
  return world.pipeline.records
    .filter(({ type }) => type === 'provenance')
    .map(({ fields }) => {
      const statement = JSON.parse(fields['statement'] as string) as {
        readonly predicate: {
          readonly runDetails: {
            readonly byproducts: readonly { name: string; digest: { sha256: string } }[]
          }
        }
      }
      const { byproducts } = statement.predicate.runDetails
      return byproducts.find(({ name }) => name === 'body')?.digest.sha256
    })
}

const digests = (): string[] =>
  sent().map((body) => createHash('sha256').update(body, 'latin1').digest('hex'))

/** The upstream got this once and nothing else, and the provenance is of exactly that. */
function expectOnly(body: string): void {
  expect(sent()).toEqual([body])
  expect(upstream.received().split('HTTP/1.1\r\n')).toHaveLength(2)
  expect(upstream.received().endsWith(body)).toBe(true)
  expect(proven()).toEqual(digests())
}

describe('a body that is as granted', () => {
  // 272
  it.each([
    ['with its length', [sized(TEXT)]],
    ['in pieces', [sized(TEXT).slice(0, 160), sized(TEXT).slice(160, 200), sized(TEXT).slice(200)]],
    ['in chunks', [CHUNKED, chunk(TEXT.slice(0, 9)), chunk(TEXT.slice(9)), LAST]],
    ['in chunks with extensions', [CHUNKED, chunk(TEXT, ';name="file-other"'), LAST]],
  ])('goes through as it was compared: %s', async (_how, parts) => {
    const caller = client()
    for (const part of parts) await caller.say(part)
    await caller.answers(1)
    expect(caller.statuses()).toEqual([200])
    expectOnly(TEXT)
    caller.leave()
  })
})

describe('a body that becomes another on the way', () => {
  // 272
  it.each([
    ['a member more', TEXT.slice(0, -1), ',"test_file":"file-other"}'],
    ['the dataset again', TEXT.slice(0, -1), ',"training_file":"file-other"}'],
    ['the dataset again, escaped', TEXT.slice(0, -1), ',"training\\u005ffile":"file-other"}'],
    ['the base again', TEXT.slice(0, -1), ',"model":"gpt-other"}'],
    ['a second body', TEXT, OTHER],
    ['a second body on a line of its own', TEXT, `\n${OTHER}`],
    ['something that is no JSON', TEXT, '\u0000'],
  ])('is not sent, when a late chunk brings %s', async (_what, first, late) => {
    const caller = client()
    await caller.say(CHUNKED + chunk(first))
    expect(caller.statuses()).toEqual([])
    await caller.say(chunk(late) + LAST)
    await caller.answers(1)
    expect(caller.statuses()[0]).toBeGreaterThanOrEqual(400)
    expect(upstream.received()).toBe('')
    expect(proven()).toEqual([])
    caller.leave()
  })

  it('is not sent when it never ends', async () => {
    const caller = client()
    await caller.say(CHUNKED + chunk(TEXT))
    caller.leave()
    await until('a record', () => world.pipeline.records.length > 0)
    expect(upstream.received()).toBe('')
    expect(proven()).toEqual([])
  })

  it('is as it was when there is a trailer, which is not passed on', async () => {
    const caller = client()
    await caller.say(CHUNKED + chunk(TEXT))
    await caller.say('0\r\nTraining-File: file-other\r\n\r\n')
    await caller.answers(1)
    expect(caller.statuses()).toEqual([200])
    expectOnly(TEXT)
    expect(upstream.received()).not.toContain('file-other')
    caller.leave()
  })

  it('is not sent when its trailer frames it in another way', async () => {
    const caller = client()
    await caller.say(CHUNKED + chunk(TEXT))
    await caller.say('0\r\nContent-Length: 5\r\n\r\n')
    await caller.answers(1)
    expect(caller.statuses()).toEqual([400])
    expect(upstream.received()).toBe('')
    caller.leave()
  })

  it('is as it was, when more comes than its length', async () => {
    const caller = client()
    await caller.say(sized(TEXT) + OTHER)
    await caller.closed
    expect(caller.statuses()).toEqual([200, 400])
    expectOnly(TEXT)
  })

  it.each([
    ['two lengths', sized(OTHER, `Content-Length: ${TEXT.length}`)],
    ['a length and chunks', sized(chunk(TEXT) + LAST + OTHER, 'Transfer-Encoding: chunked')],
    ['a coding', sized(TEXT, 'Content-Encoding: gzip')],
  ])('is not sent when it could be cut in two ways: %s', async (_what, text) => {
    const caller = client()
    await caller.say(text)
    await caller.answers(1)
    expect(caller.statuses()[0]).toBeGreaterThanOrEqual(400)
    expect(upstream.received()).toBe('')
    caller.leave()
  })
})

describe('another request right behind', () => {
  it('is compared by itself', async () => {
    const caller = client()
    await caller.say(sized(TEXT) + sized(OTHER, 'Connection: close'))
    await caller.closed
    expect(caller.statuses()).toEqual([200, 403])
    expectOnly(TEXT)
  })

  it('does not change the one that waits to be put on record', async () => {
    let goOn = (): void => undefined
    const run = world.replica.run.bind(world.replica)
    world.replica.run = async (command) => {
      await new Promise<void>((resolve) => (goOn = resolve))
      world.replica.run = run
      return run(command)
    }
    const caller = client()
    await caller.say(sized(TEXT))
    await until('the provenance', () => proven().length === 1)
    // Compared and recorded, and not sent yet.
    expect(upstream.received()).toBe('')
    await caller.say(OTHER)
    await caller.say(sized(OTHER))
    goOn()
    await caller.answers(1)
    expect(caller.statuses()[0]).toBe(200)
    await caller.closed
    expectOnly(TEXT)
  })
})
