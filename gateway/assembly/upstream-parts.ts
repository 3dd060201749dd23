import { createClassifier } from '../classify/classifier.ts'
import { GatewayError } from '../domain/errors.ts'
import type { UpstreamOptions } from '../forward/upstream-pools.ts'
import type { UpstreamEntry } from '../pep/upstream-table.ts'
import { createSecretFile, type SecretFile } from '../settings/secret-file.ts'
import type { Settings, UpstreamSettings } from '../settings/settings.ts'
import { pem, required } from './issuer-options.ts'
import type { LoadedRules } from './load-rules.ts'

/** Connection options of one upstream, its TLS files read. @throws ERR_CONFIG_UNREADABLE */
export async function upstreamOptions(upstream: UpstreamSettings): Promise<UpstreamOptions> {
  const { tls, timeouts } = upstream
  const [ca, cert, key] = await Promise.all([
    optionalPem(tls?.caFile),
    optionalPem(tls?.certFile),
    optionalPem(tls?.keyFile),
  ])
  return {
    name: upstream.name,
    origin: new URL(upstream.url).origin,
    connections: upstream.connections,
    privilegedConnections: upstream.privilegedConnections,
    connectTimeoutMs: timeouts.connect,
    headersTimeoutMs: timeouts.headers,
    idleTimeoutMs: timeouts.idle,
    queueMax: upstream.queue,
    queueTimeoutMs: timeouts.headers,
    ...(tls === undefined
      ? {}
      : {
          tls: {
            ...(ca === undefined ? {} : { ca }),
            ...(cert === undefined ? {} : { cert }),
            ...(key === undefined ? {} : { key }),
            ...(tls.serverName === undefined ? {} : { serverName: tls.serverName }),
          },
        }),
  }
}

async function optionalPem(file: string | undefined): Promise<string | undefined> {
  return file === undefined ? undefined : pem(file)
}

/** The credential of an upstream, read once so that a bad file is found at start. */
export async function openCredential(upstream: UpstreamSettings): Promise<SecretFile | undefined> {
  if (upstream.credential === undefined) return undefined
  const secret = createSecretFile({ path: upstream.credential.valueFile })
  required(await secret.refresh())
  return secret
}

/** The upstream as the request path sees it. @throws ERR_CONFIG_INVALID when its pack is missing */
export function upstreamEntry(
  upstream: UpstreamSettings,
  parts: {
    readonly settings: Settings
    readonly rules: LoadedRules
    readonly secret: SecretFile | undefined
  },
): UpstreamEntry {
  const pack = parts.rules.packs.get(upstream.pack)
  if (pack === undefined) {
    throw new GatewayError('ERR_CONFIG_INVALID', `there is no route pack ${upstream.pack}`)
  }
  const { credential } = upstream
  return {
    name: upstream.name,
    transport: upstream.protocol,
    host: upstream.match.host?.toLowerCase(),
    pathPrefix: upstream.match.pathPrefix ?? '',
    stripPrefix: upstream.stripPrefix,
    basePath: basePathOf(upstream.url),
    errorShape: pack.errorShape,
    classifier: createClassifier({
      pack,
      upstream: upstream.name,
      peekBytesMax: parts.settings.limits.peekBytes,
    }),
    assertion: upstream.assertion,
    websocket: upstream.websocket,
    credential() {
      const value = parts.secret?.current()
      if (credential === undefined || value === undefined) return undefined
      const text = credential.scheme === '' ? value : `${credential.scheme} ${value}`
      return [credential.header.toLowerCase(), text]
    },
  }
}

function basePathOf(url: string): string {
  const { pathname } = new URL(url)
  return pathname.endsWith('/') ? pathname.slice(0, -1) : pathname
}
