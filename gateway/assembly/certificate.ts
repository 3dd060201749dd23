import { createSecureContext } from 'node:tls'
import type { Diagnostic } from '../domain/diagnostics.ts'
import { GatewayError } from '../domain/errors.ts'
import type { Logger } from '../log/logger.ts'
import type { ListenerOptions } from '../pep/listener.ts'
import type { Settings } from '../settings/settings.ts'
import { pem } from './issuer-options.ts'

type ListenerTls = NonNullable<ListenerOptions['tls']>

/** A listener that may speak TLS, by its key in the configuration. */
export type TlsListener = 'data' | 'grpc'

/** Keeps the certificate that a listener presents as its files say. */
export interface CertificateKeeper {
  /** Reads the files again now. What cannot be used is logged and leaves the old in force. */
  refresh(): Promise<void>
  stop(): void
}

/** What the keeper works on. */
export interface CertificateKeeperDeps {
  readonly settings: Settings
  readonly listener: TlsListener
  /** What is in force. */
  readonly tls: ListenerTls | undefined
  readonly log: Logger
  /** @throws Error when certificate and key do not belong together */
  replace(tls: ListenerTls): void
}

const REFRESH_MS = 10_000

/**
 * The PEM texts of a listener, `undefined` without TLS; certificate and key belong together.
 * @throws ERR_CONFIG_UNREADABLE ERR_CONFIG_INVALID naming the file
 */
export async function readListenerTls(
  settings: Settings,
  listener: TlsListener,
): Promise<ListenerTls | undefined> {
  const tls = settings.listen[listener]?.tls
  if (tls === undefined) return undefined
  const texts = {
    cert: await pem(tls.certFile),
    key: await pem(tls.keyFile),
    ...(tls.clientCaFile === undefined ? {} : { clientCa: await pem(tls.clientCaFile) }),
  }
  try {
    const { cert, key, clientCa } = texts
    createSecureContext({ cert, key, ...(clientCa === undefined ? {} : { ca: clientCa }) })
    return texts
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    const message = `${tls.certFile}: cannot be used with ${tls.keyFile}: ${reason}`
    throw new GatewayError('ERR_CONFIG_INVALID', message, { cause: error })
  }
}

/** What is wrong with the certificate files of the listeners, where they are named. */
export async function certificateProblems(settings: Settings): Promise<readonly Diagnostic[]> {
  const found = await Promise.all([problemsOf(settings, 'data'), problemsOf(settings, 'grpc')])
  return found.flat()
}

async function problemsOf(
  settings: Settings,
  listener: TlsListener,
): Promise<readonly Diagnostic[]> {
  try {
    await readListenerTls(settings, listener)
    return []
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const place = settings.provenance.positionOf(['listen', listener, 'tls'])
    const remedy = 'Name a certificate and its own key, PEM, readable by the gateway.'
    return [{ ...place, severity: 'error', code: 'unusable-certificate', message, remedy }]
  }
}

/**
 * Looks at the files every ten seconds, so that a renewed certificate needs no restart. Certificate
 * and key are written one after the other: a pair that does not match is tried again.
 */
export function keepCertificate(deps: CertificateKeeperDeps): CertificateKeeper {
  if (deps.tls === undefined) return { refresh: () => Promise.resolve(), stop: () => undefined }
  let inForce = JSON.stringify(deps.tls)
  const refresh = async (): Promise<void> => {
    try {
      const tls = await readListenerTls(deps.settings, deps.listener)
      const seen = JSON.stringify(tls)
      if (tls === undefined || seen === inForce) return
      deps.replace(tls)
      inForce = seen
      deps.log.info({}, `the certificate of the ${deps.listener} listener was replaced`)
    } catch (error) {
      deps.log.error({ err: error }, 'the certificate files cannot be used; the old ones stay')
    }
  }
  const timer = setInterval(() => void refresh(), REFRESH_MS)
  timer.unref()
  return { refresh, stop: () => clearInterval(timer) }
}
