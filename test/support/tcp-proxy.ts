/** A way to a server of this machine that a test can cut, as a network does, or lead elsewhere. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

/** See the head of this file. */
export interface TcpProxy {
  readonly port: number
  /** From now on nothing passes, and nobody is told: connections stay open. */
  cut(): void
  /** What is sent from now on passes; what was sent meanwhile is lost, with its connections. */
  heal(): void
  /** From now on each byte takes so long, either way, in milliseconds; none overtakes another. */
  delay(ms: number): void
  /** Leads to another port from now on; those who are connected must come again. */
  leadTo(port: number): void
  close(): Promise<void>
}

/** Starts one that leads to `port`. */
export async function startProxy(port: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  const lossy = new Set<Socket>()
  let isCut = false
  let to = port
  let delayMs = 0
  const pass = (from: Socket, target: Socket): void => {
    let dueAt = 0
    const send = (bytes: Buffer): void => {
      dueAt = Math.max(dueAt, performance.now() + delayMs)
      if (dueAt <= performance.now()) target.write(bytes)
      else setTimeout(() => target.write(bytes), dueAt - performance.now()).unref()
    }
    from.on('data', (bytes: Buffer) => {
      // A stream that has lost a part is never whole again.
      if (isCut) lossy.add(from)
      else if (!lossy.has(from)) send(bytes)
    })
    from.on('close', () => {
      sockets.delete(from)
      lossy.delete(from)
      if (!isCut) target.destroy()
    })
  }
  const server = createServer((client) => {
    const upstream = connect(to, '127.0.0.1')
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', () => undefined)
    }
    pass(client, upstream)
    pass(upstream, client)
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  const drop = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  return {
    port: (server.address() as AddressInfo).port,
    cut: () => void (isCut = true),
    heal: () => void (isCut = false),
    delay: (ms) => void (delayMs = ms),
    leadTo(other) {
      to = other
      drop()
    },
    close() {
      drop()
      return new Promise((resolve) => {
        server.close(() => resolve())
      })
    },
  }
}
