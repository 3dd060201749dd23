/**
 * Syslog over TLS (RFC 5425) or TCP (RFC 6587). Nobody answers for a message: what was written
 * counts as arrived only when the connection was still good a while later, and what was not is sent
 * again on the next one.
 */
import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { unlessAborted } from './aborts.ts'
import { problemOf, SinkProblem, type Outlet } from './sink-port.ts'
import { syslogFrame, type SyslogSender } from './syslog-message.ts'

/** Where to. */
export interface SyslogOutletOptions extends SyslogSender {
  readonly target: { readonly host: string; readonly port: number }
  /** `undefined` is plain TCP. */
  readonly tls: { readonly ca?: string } | undefined
  /** For a connection, and for the kernel to take a batch. */
  readonly timeoutMs: number
  /** How long a connection must stay good after a write. */
  readonly settleMs: number
}

const RECORDS_MAX = 100
const KEEP_ALIVE_MS = 30_000
/** The other side has so long to read to the end and close. */
const CLOSE_MS = 1_000

/** Connects when there is something to send. */
export function createSyslogOutlet(options: SyslogOutletOptions): Outlet {
  let socket: Socket | undefined
  const outlet: Outlet = {
    recordsMax: RECORDS_MAX,
    settleMs: options.settleMs,
    async deliver(batch, signal) {
      const text = batch.map((record) => syslogFrame(record, options)).join('')
      socket ??= await opened(options, signal, (lost) => {
        if (socket !== lost) return
        socket = undefined
        outlet.onLost?.()
      })
      const writing = socket
      try {
        await unlessAborted(written(writing, text, options.timeoutMs), signal)
      } catch (error) {
        writing.destroy()
        throw problemOf(error)
      }
    },
    async close(signal) {
      const open = socket
      socket = undefined
      return open === undefined ? true : closed(open, signal)
    },
  }
  return outlet
}

/** A connection that was made; `onGone` is told when it is no longer good. */
async function opened(
  options: SyslogOutletOptions,
  signal: AbortSignal,
  onGone: (socket: Socket) => void,
): Promise<Socket> {
  const { target, tls } = options
  const name = isIP(target.host) === 0 ? { servername: target.host } : {}
  const socket =
    tls === undefined
      ? connectPlain(target)
      : connectTls({ ...target, ...name, ...tls, minVersion: 'TLSv1.2' })
  const ready = new Promise<void>((resolve, reject) => {
    socket.once(tls === undefined ? 'connect' : 'secureConnect', resolve)
    socket.once('error', reject)
    socket.once('close', () => reject(new SinkProblem('connection-lost')))
  })
  socket.setNoDelay(true)
  socket.setKeepAlive(true, KEEP_ALIVE_MS)
  // Nothing is said back; what is said is thrown away, and its end is the end of the connection.
  socket.resume()
  try {
    await inTime(unlessAborted(ready, signal), options.timeoutMs)
  } catch (error) {
    socket.on('error', () => undefined)
    socket.destroy()
    throw problemOf(error)
  }
  socket.on('error', () => onGone(socket))
  socket.on('end', () => onGone(socket))
  socket.on('close', () => onGone(socket))
  return socket
}

function written(socket: Socket, text: string, timeoutMs: number): Promise<void> {
  let lost: () => void = () => undefined
  const done = new Promise<void>((resolve, reject) => {
    lost = () => reject(new SinkProblem('connection-lost'))
    socket.once('close', lost)
    socket.write(text, (error) => {
      if (error) reject(error)
      else resolve()
    })
  })
  return inTime(done, timeoutMs).finally(() => socket.off('close', lost))
}

/** Whether the other side read to our end and closed without a word. */
async function closed(socket: Socket, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted || socket.destroyed) {
    socket.destroy()
    return false
  }
  const gone = new Promise<boolean>((resolve) => {
    socket.once('error', () => resolve(false))
    socket.once('close', (hadError) => resolve(!hadError))
  })
  socket.end()
  return inTime(unlessAborted(gone, signal), CLOSE_MS)
    .catch(() => false)
    .finally(() => socket.destroy())
}

async function inTime<T>(promise: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new SinkProblem('timeout')), timeoutMs)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
