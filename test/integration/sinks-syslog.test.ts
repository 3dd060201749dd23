import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer as createTlsServer, Server as TlsServer } from 'node:tls'
import { afterAll, afterEach, describe, expect, it } from '@jest/globals'
import { leafHash } from '../../gateway/audit/line/record.ts'
import { createSyslogOutlet } from '../../gateway/audit/sinks/syslog-outlet.ts'
import { removeDirectories } from '../support/audit-harness.ts'
import { createAuthority } from '../support/certificates.ts'
import { cursorOf, fileLog, PLENTY_MS, startSink, stopSinks, upTo } from '../support/sinks.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  await stopSinks()
  for (const close of closing.splice(0)) await close()
})
afterAll(removeDirectories)

/** Reads octet-counted frames; `onFrame` may end the connection. */
async function receiver(server: Server, onFrame: (count: number, socket: Socket) => void) {
  const frames: string[] = []
  const sockets = new Set<Socket>()
  const onSocket = (socket: Socket): void => {
    let rest = Buffer.alloc(0)
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      for (;;) {
        const space = rest.indexOf(' ')
        const length = Number(rest.toString('latin1', 0, Math.max(space, 0)) || Number.NaN)
        if (!(rest.length > space + length)) return
        frames.push(rest.toString('utf8', space + 1, space + 1 + length))
        rest = rest.subarray(space + 1 + length)
        onFrame(frames.length, socket)
      }
    })
  }
  server.on(server instanceof TlsServer ? 'secureConnection' : 'connection', onSocket)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  const { port } = server.address() as AddressInfo
  const seqs = (): number[] =>
    frames.map((frame) => Number(/"seq":(\d+)/.exec(frame)?.[1] ?? Number.NaN))
  return { frames, seqs, port, sockets }
}

const quiet = (): void => undefined
const outletTo = (port: number, more: { host?: string; tls?: { ca?: string } } = {}) =>
  createSyslogOutlet({
    target: { host: more.host ?? '127.0.0.1', port },
    tls: more.tls,
    facility: 13,
    host: 'gw1',
    timeoutMs: 2_000,
    settleMs: 60_000,
  })

describe('a syslog sink', () => {
  it('sends counted messages whose text is the line of the ledger', async () => {
    const log = fileLog()
    log.addMany(150)
    log.add({ type: 'decision', fields: { effect: 'deny', path: '/ü\n<34>1 forged' } })
    const { frames, seqs, port } = await receiver(createServer(), quiet)
    const { sinks } = startSink(log, outletTo(port))
    await sinks.stop(PLENTY_MS)
    expect(seqs()).toEqual(upTo(151))
    expect(frames[0]).toMatch(/^<110>1 2026-11-21T12:00:00\.000Z gw1 modelgate b1 log\.opened - \{/)
    const last = frames.at(-1) ?? ''
    expect(last).toMatch(/^<109>1 /)
    expect(last).not.toContain('\n')
    const line = last.slice(last.indexOf('\ufeff') + 1)
    expect(leafHash(Buffer.from(line))).toBe(log.head().hash)
    // The other side closed after the end: it has read everything.
    expect(cursorOf(log.dir)).toEqual(log.head())
  })

  it('sends again on the next connection what may have been lost with the last', async () => {
    const log = fileLog()
    log.addMany(30)
    let cuts = 0
    const { seqs, port } = await receiver(createServer(), (count, socket) => {
      if (count === 12 && cuts++ === 0) socket.resetAndDestroy()
    })
    const { sinks, until } = startSink(log, outletTo(port))
    await until(({ type }) => type === 'sent')
    for (let turn = 0; turn < 500 && seqs().length < 12 + 31; turn++) {
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
    await sinks.stop(PLENTY_MS)
    expect(new Set(seqs())).toEqual(new Set(upTo(30)))
    expect(seqs().slice(-31)).toEqual(upTo(30))
  })

  it('counts nothing as arrived when the other side does not close', async () => {
    const log = fileLog()
    log.addMany(3)
    const server = createServer({ allowHalfOpen: true })
    const { port } = await receiver(server, quiet)
    const { sinks, until } = startSink(log, outletTo(port))
    await until(({ type }) => type === 'sent')
    await sinks.stop(10_000)
    expect(cursorOf(log.dir)).toEqual({ seq: -1, hash: '' })
  })

  it('speaks over TLS only to whom it may trust, by the name it was told', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'modelgate-sink-'))
    closing.push(() => rm(dir, { recursive: true }))
    const authority = await createAuthority(dir, 'collectors')
    const { certFile, keyFile } = await authority.issue('localhost', 'serverAuth')
    const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)])
    const tls = await receiver(createTlsServer({ cert, key }), quiet)
    const log = fileLog()
    log.addMany(2)
    const ca = (await readFile(authority.certFile)).toString()
    const wary = startSink(log, outletTo(tls.port, { host: 'localhost', tls: {} }))
    await wary.until(({ type }) => type === 'failed')
    await wary.sinks.stop(0)
    expect(tls.seqs()).toEqual([])
    const { sinks } = startSink(log, outletTo(tls.port, { host: 'localhost', tls: { ca } }))
    await sinks.stop(PLENTY_MS)
    expect(tls.seqs()).toEqual(upTo(2))
  })
})
