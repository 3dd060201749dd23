/** Witnesses and signers that lie, fall silent or say too much. */
import { createServer, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from '@jest/globals'
import { listen } from '../../gateway/assembly/listeners.ts'
import { createSocketSigner } from '../../gateway/audit/signing/socket-signer.ts'
import { createWitnessClient, SKEW_MAX_MS } from '../../gateway/audit/signing/witness-client.ts'
import { NOON } from '../support/audit-harness.ts'
import { newSigner } from '../support/tree-log.ts'
import { growingLog, removeWitnessing, witnessingDirectory } from '../support/witnessing.ts'

const own = newSigner('w1.example.net', 'cosignature')
const log = growingLog()
const at = NOON / 1000
const open: Server[] = []
const sockets = new Set<Socket>()

afterEach(async () => {
  for (const socket of sockets) socket.destroy()
  sockets.clear()
  for (const server of open.splice(0)) await new Promise((done) => server.close(done))
})
afterAll(removeWitnessing)

/** A server that answers requests with raw bytes in turn, the last one for ever; counts requests. */
function liar(...answers: readonly string[]) {
  const asked: string[] = []
  const server = createServer((socket) => {
    sockets.add(socket)
    let text = ''
    socket.on('error', () => undefined)
    socket.on('data', (bytes) => {
      text += bytes.toString()
      const [, length] = /content-length: (\d+)/i.exec(text) ?? []
      const head = text.indexOf('\r\n\r\n')
      if (head < 0 || Buffer.byteLength(text.slice(head + 4)) < Number(length)) return
      asked.push(text.slice(head + 4))
      text = ''
      const answer = answers[Math.min(asked.length, answers.length) - 1]
      if (answer !== undefined) socket.write(answer)
    })
  })
  open.push(server)
  return { server, asked }
}

const http = (status: string, body: string, type = 'text/plain') =>
  `HTTP/1.1 ${status}\r\nContent-Type: ${type}\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
const size = (text: string) => http('409 Conflict', text, 'text/x.tlog.size')
const good = own.sign(log.text(9), at)

async function push(...answers: readonly string[]) {
  const { server, asked } = liar(...answers)
  const port = await listen(server, '127.0.0.1', 0)
  const client = createWitnessClient({
    url: new URL(`http://127.0.0.1:${port}/prefix/`),
    verifier: own.verifier,
    timeoutMs: 300,
    now: () => NOON,
  })
  const answer = await client.push(log.notice(9))
  client.close()
  return { answer, asked }
}

describe('a witness', () => {
  it('that signs is believed, after one 409', async () => {
    const { answer, asked } = await push(size('5\n'), http('200 OK', good))
    expect(answer).toEqual({ result: 'cosigned', line: good })
    expect(asked).toEqual([log.body(0, 9), log.body(5, 9)])
  })

  it('is not believed when the signature is not right', async () => {
    const noise = newSigner('w2.example.net', 'cosignature').sign(log.text(9), at)
    expect((await push(http('200 OK', noise + good))).answer).toEqual({
      result: 'cosigned',
      line: good,
    })
    for (const body of [
      '',
      noise,
      newSigner('w1.example.net', 'cosignature').sign(log.text(9), at),
      own.sign(log.text(8), at),
      own.sign(growingLog('other').text(9), at),
      own.sign(growingLog('leaf', newSigner('other/log')).text(9), at),
      own.sign(log.text(9), at - SKEW_MAX_MS / 1000 - 1),
      own.sign(log.text(9), at + SKEW_MAX_MS / 1000 + 1),
      `${good.slice(0, -10)}AAAAAAAA=\n`,
      good.slice(0, -1),
      good.replace('\n', '\r\n'),
      `${good}\n`,
      `${log.text(9)}\n${good}`,
      `more\n\n${good}`,
      good.replace('\u2014', '-'),
      good.repeat(65),
    ]) {
      const { answer } = await push(http('200 OK', body))
      expect([body, answer.result]).toEqual([body, 'invalid'])
    }
  })

  it.each([
    ['422 Unprocessable Entity', 'forked'],
    ['403 Forbidden', 'refused'],
    ['404 Not Found', 'refused'],
    ['400 Bad Request', 'refused'],
    ['500 Internal Server Error', 'refused'],
    ['204 No Content', 'refused'],
    ['302 Found\r\nLocation: http://127.0.0.1:1/', 'refused'],
  ])('that answers %s: %s, asked once', async (status, result) => {
    const { answer, asked } = await push(http(status, status.startsWith('204') ? '' : good))
    expect([answer.result, asked.length]).toEqual([result, 1])
  })

  it('is asked twice at most, whatever sizes it says', async () => {
    expect(await push(size('5\n'), size('6\n'))).toMatchObject({
      answer: { result: 'ahead' },
      asked: { length: 2 },
    })
    expect(await push(size('10\n'))).toMatchObject({
      answer: { result: 'ahead', why: 'it has cosigned 10 records' },
      asked: { length: 1 },
    })
    for (const text of [
      '',
      '5',
      '05\n',
      '-1\n',
      '5\r\n',
      '5\n\n',
      `${'9'.repeat(40)}\n`,
      '0x5\n',
    ]) {
      const { answer, asked } = await push(size(text), http('200 OK', good))
      expect([text, answer.result, asked.length]).toEqual([text, 'refused', 1])
    }
    const untyped = await push(http('409 Conflict', '5\n'))
    expect([untyped.answer.result, untyped.asked.length]).toEqual(['refused', 1])
  })

  it('cannot fill the memory or hold up for ever', async () => {
    const long = 'x'.repeat(70 * 1024)
    const heads = 'HTTP/1.1 200 OK\r\n'
    for (const answer of [
      http('200 OK', long),
      `${heads}Transfer-Encoding: chunked\r\n\r\n11800\r\n${long.slice(0, 0x11800)}\r\n`,
      `${heads}X: ${long}\r\n\r\n`,
      `${heads}Content-Length: 500\r\n\r\n${good}`,
      'HTTP/1.1 200',
      'nonsense\r\n\r\n',
    ]) {
      expect((await push(answer)).answer.result).toBe('unreachable')
    }
    expect((await push()).answer.result).toBe('unreachable')
  })

  it('gets no words of its own into the log', async () => {
    const { answer } = await push(http('400 x', 'no\n{"level":"fatal"}\u001b[31m'))
    expect(answer).toEqual({ result: 'refused', why: 'it answers 400 no level fatal m' })
  })
})

describe('a signer', () => {
  const key = log.signer
  const line = key.sign(log.text(9))

  async function sign(...answers: readonly string[]) {
    const { server, asked } = liar(...answers)
    const socketPath = join(witnessingDirectory(), 's')
    await new Promise<void>((done) => server.listen(socketPath, done))
    const { verifier } = key
    const signer = createSocketSigner({ socketPath, verifier, timeoutMs: 300 })
    const notice = log.notice(9)
    const signed = await Promise.resolve(signer.sign({ ...notice, from: { size: 5 } })).catch(
      (error: unknown) => error,
    )
    return { signed, asked }
  }

  it('that signs is believed, and only its own key', async () => {
    expect(await sign(http('200 OK', newSigner('noise').sign(log.text(9)) + line))).toEqual({
      signed: line,
      asked: [log.unsigned(5, 9)],
    })
    const after = await sign(size('7\n'), http('200 OK', line))
    expect([after.signed, after.asked[1]]).toEqual([line, log.unsigned(7, 9)])
  })

  it.each([
    ['silence', undefined, /does not answer/],
    ['a wrong signature', http('200 OK', key.sign(log.text(8))), /is wrong/],
    ['another key', http('200 OK', newSigner('test/audit/n1').sign(log.text(9))), /did not sign/],
    ['nothing', http('200 OK', ''), /did not sign|no end of line/],
    ['a longer log', size('12\n'), /older state of the ledger.*accept-gap/],
    ['a fork', http('422 x', ''), /was changed.*accept-gap/],
    ['another log', http('404 x', 'this signs others alone'), /404 this signs others alone/],
    ['a failure', http('500 x', ''), /answers 500/],
  ])('that answers with %s gives no checkpoint', async (_what, answer, why) => {
    const { signed } = await sign(...(answer === undefined ? [] : [answer]))
    expect(signed).toMatchObject({ code: 'ERR_AUDIT_UNAVAILABLE' })
    expect(String(signed)).toMatch(why)
  })
})
