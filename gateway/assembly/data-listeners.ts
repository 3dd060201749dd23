import { createFlights, type Flights } from '../pep/streams/flights.ts'
import { createCallListener, type CallListener } from '../pep/grpc/call-listener.ts'
import { createDataListener, type DataListener, type ListenerOptions } from '../pep/listener.ts'
import type { Services } from '../pep/runtime.ts'
import type { Settings } from '../settings/settings.ts'
import { keepCertificate, readListenerTls, type CertificateKeeper } from './certificate.ts'
import { closed, listen } from './listeners.ts'
import type { RunningRuntime } from './running-runtime.ts'

/** The listeners of callers, as one. */
export interface DataListeners {
  readonly dataPort: number
  /** Absent without a gRPC listener. */
  readonly grpcPort: number | undefined
  /** What is being worked on, of both. */
  readonly flights: Flights
  /** Reads the files of certificates again now. */
  refreshCertificates(): Promise<void>
  /** Refuses new requests; resolves when every connection has ended. */
  drain(): Promise<void>
  /** Closes connections on which nothing is under way. */
  closeIdle(): void
  /** Closes every connection. */
  destroy(): void
  /** Stops looking after certificates. */
  stopCertificates(): void
}

/** What the listeners are opened with. */
export interface DataListenerParts {
  readonly settings: Settings
  readonly services: Services
  readonly runtime: RunningRuntime
}

/**
 * Opens the data listener, and the gRPC listener where there is one. What is decided again by a
 * change of the rules is decided for both.
 * @throws ERR_LISTEN ERR_CONFIG_INVALID
 */
export async function openDataListeners(parts: DataListenerParts): Promise<DataListeners> {
  const { settings, services, runtime } = parts
  const flights = createFlights(services)
  const tls = await readListenerTls(settings, 'data')
  const callTls = await readListenerTls(settings, 'grpc')
  const options = listenerOptions(settings, tls)
  const data = createDataListener(() => runtime.current(), services, options, flights)
  runtime.onReplaced(() => void flights.decideAgain())
  services.lockouts.onLocked((lockout) => flights.cutSubject(lockout))
  const { host, port } = settings.listen.data
  const dataPort = await listen(data.server, host, port)
  const opened = await openCalls(parts, flights, callTls).catch(async (error: unknown) => {
    await closed(data.server)
    throw error
  })
  const calls = opened?.listener
  const keepers = [
    keeper(parts, 'data', tls, data),
    ...(calls === undefined ? [] : [keeper(parts, 'grpc', callTls, calls)]),
  ]
  return { dataPort, grpcPort: opened?.port, flights, ...endings(data, calls), ...kept(keepers) }
}

async function openCalls(
  { settings, services, runtime }: DataListenerParts,
  flights: Flights,
  tls: ListenerOptions['tls'],
): Promise<{ readonly listener: CallListener; readonly port: number } | undefined> {
  const { grpc } = settings.listen
  if (grpc === undefined) return undefined
  const options = {
    ...listenerOptions(settings, tls),
    headerCountMax: settings.limits.headerCount,
  }
  const listener = createCallListener(() => runtime.current(), services, options, flights)
  return { listener, port: await listen(listener.server, grpc.host, grpc.port) }
}

function keeper(
  { settings, services }: DataListenerParts,
  name: 'data' | 'grpc',
  tls: ListenerOptions['tls'],
  listener: Pick<DataListener, 'replaceTls'>,
): CertificateKeeper {
  const { log } = services
  const replace: DataListener['replaceTls'] = (next) => listener.replaceTls(next)
  return keepCertificate({ settings, listener: name, tls, log, replace })
}

function kept(
  keepers: readonly CertificateKeeper[],
): Pick<DataListeners, 'refreshCertificates' | 'stopCertificates'> {
  return {
    async refreshCertificates() {
      await Promise.all(keepers.map((one) => one.refresh()))
    },
    stopCertificates() {
      for (const one of keepers) one.stop()
    },
  }
}

function endings(
  data: DataListener,
  calls: CallListener | undefined,
): Pick<DataListeners, 'drain' | 'closeIdle' | 'destroy'> {
  return {
    async drain() {
      const ended = [closed(data.server), ...(calls === undefined ? [] : [closed(calls.server)])]
      data.drain()
      calls?.drain()
      await Promise.all(ended)
    },
    closeIdle: () => data.server.closeIdleConnections(),
    destroy() {
      data.destroy()
      calls?.destroy()
    },
  }
}

function listenerOptions(settings: Settings, tls: ListenerOptions['tls']): ListenerOptions {
  const { limits } = settings
  return {
    headerBytesMax: limits.headerBytes,
    connectionsMax: limits.connections,
    headersTimeoutMs: limits.headersTimeout,
    keepAliveTimeoutMs: limits.keepAliveTimeout,
    ...(tls === undefined ? {} : { tls }),
  }
}
