/**
 * The settings of the gateway: `config/gateway.yaml`, `MODELGATE_*` variables over it and flags
 * over those, validated as one and frozen. This room reads text and files it is given; it never
 * looks at the process.
 */
import type { Diagnostic, Loaded, Position } from '../domain/diagnostics.ts'
import { loadDocument, type LoadedDocument } from './document.ts'
import { environmentOverlays } from './environment.ts'
import { overlayDiagnostic, valueFor, type Overlay, type Source } from './overlay.ts'
import { schemasAt, type DocumentPath } from './schema-walk.ts'
import { gatewaySchema, type GatewayDocument } from './schemas/gateway.ts'
import { isPlainRemote } from './schemas/gateway-upstream.ts'
import { viewOf, type View } from './view.ts'

/** Where the values of a {@link Settings} came from. */
export interface Provenance {
  /** The config file, as named by the operator. */
  readonly file: string
  /** The document as written, overlays laid over, before defaults; snake_case keys. */
  readonly written: unknown
  /** Source of the value at `path` (snake_case keys and list indices). */
  sourceOf(path: DocumentPath): Source
  /** Where the value at `path` is written, for messages about what it leads to. */
  positionOf(path: DocumentPath): Position
}

/**
 * The configuration as code reads it: camelCase, deeply frozen, every default filled in, durations
 * in milliseconds, sizes in bytes, `*File` paths resolved from the directory of the config file.
 * Directories (`rules.dir`, `audit.dir`) are left as written, relative to the working directory.
 */
export type Settings = View<GatewayDocument> & { readonly provenance: Provenance }

/** One accepted issuer. */
export type IssuerSettings = Settings['issuers'][number]

/** One upstream. */
export type UpstreamSettings = Settings['upstreams'][number]

/** What {@link loadSettings} reads. */
export interface SettingsSource {
  /** Path of the config file, for messages and as the base of `*_file` keys. */
  readonly file: string
  /** Its content. */
  readonly text: string
  /** The environment; only `MODELGATE_*` is looked at. */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Flags by dotted key: `{'listen.data.port': 8081}`; text is read as the type of the key. */
  readonly overrides?: Readonly<Record<string, string | number | boolean>>
}

/**
 * Reads the settings. Precedence: overrides, environment, file, default. Every problem is reported
 * at once, each where it was written; a file with a problem gives no settings (I6).
 */
export function loadSettings(source: SettingsSource): Loaded<Settings> {
  const fromEnvironment = environmentOverlays(source.env, gatewaySchema)
  const fromFlags = flagOverlays(source.overrides ?? {})
  const overlays = [...fromEnvironment.overlays, ...fromFlags.overlays]
  const problems = [...fromEnvironment.diagnostics, ...fromFlags.diagnostics]
  const loaded = loadDocument(source, gatewaySchema, overlays)
  if (!loaded.ok || problems.length > 0) {
    return { ok: false, diagnostics: [...(loaded.ok ? [] : loaded.diagnostics), ...problems] }
  }
  const provenance = provenanceOf(source.file, loaded.value, overlays)
  const view = viewOf(loaded.value.value, gatewaySchema, source.file)
  const settings = Object.freeze({ ...view, provenance })
  return { ok: true, value: settings, warnings: cautions(settings) }
}

function flagOverlays(overrides: Readonly<Record<string, string | number | boolean>>): {
  readonly overlays: Overlay[]
  readonly diagnostics: Diagnostic[]
} {
  const overlays: Overlay[] = []
  const diagnostics: Diagnostic[] = []
  for (const [key, value] of Object.entries(overrides)) {
    const path = key.split('.').map((step) => (/^\d{1,4}$/.test(step) ? Number(step) : step))
    const origin = { source: 'flag', label: `flag ${key}` } as const
    const schemas = schemasAt(gatewaySchema, path)
    if (schemas.length === 0) {
      const remedy = 'Name a key of config/gateway.yaml, such as listen.data.port.'
      diagnostics.push(overlayDiagnostic(origin, 'unknown-key', 'no setting has this key', remedy))
      continue
    }
    const typed = typeof value === 'string' ? valueFor(schemas[0], value) : value
    overlays.push({ ...origin, path, value: typed })
  }
  return { overlays, diagnostics }
}

function provenanceOf(
  file: string,
  document: LoadedDocument<unknown>,
  overlays: readonly Overlay[],
): Provenance {
  return Object.freeze({
    file,
    written: document.written,
    positionOf: (path: DocumentPath) => document.positionOf(path),
    sourceOf: (path: DocumentPath): Source => {
      // A list with one entry laid over comes from where that entry comes from.
      const overlay = overlays.findLast((o) =>
        o.path.slice(0, path.length).every((step, i) => step === path[i]),
      )
      if (overlay !== undefined) return overlay.source
      return isWritten(document.written, path) ? 'file' : 'default'
    },
  })
}

function isWritten(root: unknown, path: DocumentPath): boolean {
  let node = root
  for (const step of path) {
    if (typeof node !== 'object' || node === null || !Object.hasOwn(node, step)) return false
    node = (node as Record<string | number, unknown>)[step]
  }
  return node !== undefined
}

const DAY_MS = 86_400_000

/** Settings that are accepted, but that a reviewer would ask about. */
function cautions(settings: Settings): Diagnostic[] {
  const caution = (path: DocumentPath, message: string, remedy: string): Diagnostic => {
    const position = settings.provenance.positionOf(path)
    return { ...position, severity: 'warning', code: 'insecure-setting', message, remedy }
  }
  const { geo, trustedProxies } = settings
  const isDeaf = geo?.header !== undefined && trustedProxies.length === 0
  const deaf = isDeaf
    ? caution(
        ['geo', 'header'],
        'the header is never read, and every country is unknown: no proxy is trusted',
        'Add the networks of the proxies that write it to trusted_proxies.',
      )
    : undefined
  const credentials = settings.upstreams.flatMap((upstream, index) =>
    upstream.credential !== undefined && isPlainRemote(upstream.url)
      ? [
          caution(
            ['upstreams', index, 'url'],
            `the credential of upstream ${upstream.name} crosses the network in the clear`,
            'Use https://, or put the gateway beside the upstream and use a loopback address.',
          ),
        ]
      : [],
  )
  const lifetimes = settings.issuers.flatMap((issuer, index) =>
    (issuer.maxTokenLifetime ?? 0) > DAY_MS
      ? [
          caution(
            ['issuers', index, 'max_token_lifetime'],
            `tokens of issuer ${issuer.name} are accepted for more than a day`,
            'Have the issuer give short-lived tokens; a stolen one is good until it expires.',
          ),
        ]
      : [],
  )
  return [...(deaf === undefined ? [] : [deaf]), ...credentials, ...lifetimes]
}
