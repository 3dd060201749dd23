/**
 * Where Redis is and who to be there, as two files say: the URL, and the certificates it is checked
 * with. Both may be replaced while the gateway runs.
 */
import { isDeepStrictEqual } from 'node:util'
import { diagnosticText, type Diagnostic } from '../domain/diagnostics.ts'
import { GatewayError } from '../domain/errors.ts'
import type { Logger } from '../log/logger.ts'
import { createSecretFile, readPemFile } from '../settings/secret-file.ts'
import type { Settings } from '../settings/settings.ts'
import { parseRedisUrl, type RedisTarget } from '../store/redis-store.ts'

/** Milliseconds between two readings of the files. */
const REFRESH_MS = 10_000

/** What a connection is made with. */
export interface Place {
  readonly target: RedisTarget
  /** PEM; the system's certificates when absent. */
  readonly ca?: string
}

/** The files of one store. */
export interface RedisPlace {
  /** As the files said when they were last good together. */
  readonly current: Place
  /**
   * Reads both files. What has become unusable is told once and leaves the last good place, so that a
   * half-finished rotation breaks nothing; it is tried again. Never rejects.
   */
  reread(): Promise<void>
  /** Reads now and then, and tells of each other place. The returned function ends it. */
  watch(onMoved: (place: Place) => void): () => void
}

/** The settings that name the files. */
export type RedisFiles = Pick<
  Extract<Settings['store'], { readonly kind: 'redis' }>,
  'urlFile' | 'caFile'
>

type Found =
  | { readonly place: Place; readonly warnings: readonly Diagnostic[] }
  | { readonly diagnostics: readonly Diagnostic[] }

/** Reads both for the first time. @throws ERR_CONFIG_INVALID */
export async function openRedisPlace(
  { urlFile, caFile }: RedisFiles,
  log: Pick<Logger, 'info' | 'warn' | 'error'>,
): Promise<RedisPlace> {
  const url = createSecretFile({ path: urlFile })
  const pem =
    caFile === undefined ? undefined : createSecretFile({ path: caFile, readFile: readPemFile })

  async function find(): Promise<Found> {
    const loaded = await url.refresh()
    if (!loaded.ok) return loaded
    const certificates = await pem?.refresh()
    if (certificates?.ok === false) return certificates
    const target = parseRedisUrl(url.current() ?? '')
    if ('problem' in target) return { diagnostics: [urlProblem(urlFile, target.problem)] }
    const ca = pem?.current()
    const place = { target, ...(ca === undefined ? {} : { ca }) }
    return { place, warnings: loaded.warnings }
  }

  const first = await find()
  if ('diagnostics' in first) throw invalid(first.diagnostics)
  for (const warning of first.warnings) log.warn({}, diagnosticText(warning))
  let current = first.place
  let told = ''
  let moved: (place: Place) => void = () => undefined

  async function reread(): Promise<void> {
    const found = await find()
    const trouble = 'diagnostics' in found ? found.diagnostics.map(diagnosticText).join('\n') : ''
    if (trouble !== '' && trouble !== told) log.error({}, trouble)
    told = trouble
    if ('diagnostics' in found || isSame(found.place, current)) return
    current = found.place
    log.info({}, 'the URL of the store or its certificates changed')
    moved(current)
  }

  return {
    get current() {
      return current
    },
    reread,
    watch(onMoved) {
      moved = onMoved
      const timer = setInterval(() => void reread(), REFRESH_MS).unref()
      return () => {
        clearInterval(timer)
        moved = () => undefined
      }
    },
  }
}

function isSame(one: Place, other: Place): boolean {
  return one.ca === other.ca && isDeepStrictEqual(one.target, other.target)
}

/** Says what is wrong with the URL, and none of it. */
function urlProblem(file: string, problem: string): Diagnostic {
  return {
    ...{ file, line: 1, column: 1, severity: 'error', code: 'store-url' },
    message: `the URL of the store: ${problem}`,
    remedy: 'Write one URL as docs/operations.md describes it, in one line.',
  }
}

function invalid(diagnostics: readonly Diagnostic[]): GatewayError {
  const text = diagnostics.map(diagnosticText).join('\n')
  return new GatewayError('ERR_CONFIG_INVALID', `the store cannot be used\n${text}`, {
    diagnostics,
  })
}
