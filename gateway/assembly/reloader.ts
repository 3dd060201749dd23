import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { diagnosticText, type Diagnostic } from '../domain/diagnostics.ts'
import type { Services } from '../pep/runtime.ts'
import type { Settings } from '../settings/settings.ts'
import { loadConfig, type ConfigSource } from './load-config.ts'
import { loadRules, type LoadedRules } from './load-rules.ts'
import { readRuleFiles } from './rule-files.ts'
import type { RunningRuntime } from './running-runtime.ts'
import { startChangeWatch, type ChangeWatch } from './watch.ts'

/** Keeps configuration and rules in force as the files say, without a restart. */
export interface Reloader {
  /** Loads both again, one attempt at a time. Resolves to what is wrong; empty when in force. */
  reload(): Promise<readonly Diagnostic[]>
  /** Says what came into force at start: counted, logged and recorded like any reload. */
  started(rules: LoadedRules, warnings: readonly Diagnostic[]): void
  watch(): Promise<ChangeWatch>
}

/** What the reloader works on. */
export interface ReloaderDeps {
  readonly source: ConfigSource
  readonly rulesDir: string
  readonly services: Services
  readonly settings: Settings
  readonly runtime: RunningRuntime
  /** {@link contentDigest} before the rules in force were read. */
  readonly digest: string
}

/** Quiet time after a file notification. */
const SETTLE_MS = 150

/** Builds the reloader. A bad set never replaces a good one (I28). */
export function createReloader(deps: ReloaderDeps): Reloader {
  const { services, runtime } = deps
  let latest = deps.settings
  let running: Promise<unknown> = Promise.resolve()
  const announce = (warnings: readonly Diagnostic[]): void => {
    for (const warning of warnings) services.log.warn({ ...warning }, warning.message)
  }
  const load = async (): Promise<readonly Diagnostic[]> => {
    const config = await loadConfig(deps.source)
    if (!config.ok) return refuse(services, 'configuration', config.diagnostics)
    const rules = await loadRules(deps.rulesDir, config.value)
    if (!rules.ok) return refuse(services, 'rules', rules.diagnostics)
    await runtime.replace(config.value, rules.value)
    latest = config.value
    announce([...config.warnings, ...rules.warnings, ...fixedSettings(deps.settings, config.value)])
    accept(services, runtime, rules.value)
    return []
  }
  const attempt = (): Promise<readonly Diagnostic[]> =>
    load().catch((error: unknown) =>
      refuse(services, 'configuration', [unusable(deps.source.file, error)]),
    )
  const reload = (): Promise<readonly Diagnostic[]> => {
    const next = running.then(attempt)
    running = next
    return next
  }
  return {
    started(rules, warnings) {
      announce(warnings)
      accept(services, runtime, rules)
    },
    reload,
    watch() {
      return startChangeWatch({
        folders: watchedFolders(deps),
        fingerprint: () => contentDigest(deps.source, deps.rulesDir, latest),
        initial: deps.digest,
        onChange: async () => {
          await reload()
        },
        onUnwatchable: (folder, error) =>
          services.log.warn({ folder, err: error }, 'a folder cannot be watched; it is polled'),
        settleMs: SETTLE_MS,
        pollMs: deps.settings.rules.poll,
      })
    },
  }
}

/** A folder of routes that comes later is noticed by its parent and read by polling. */
function watchedFolders(deps: ReloaderDeps): string[] {
  const config = dirname(resolve(deps.source.cwd, deps.source.file))
  const routes = join(deps.rulesDir, 'routes')
  return [config, deps.rulesDir, ...(existsSync(routes) ? [routes] : [])]
}

/**
 * A digest of everything a reload reads: configuration, rules, and the keys and certificates that
 * `settings` names. Content that cannot be read has one too.
 */
export async function contentDigest(
  source: ConfigSource,
  rulesDir: string,
  settings: Settings,
): Promise<string> {
  const files = [resolve(source.cwd, source.file), ...namedFiles(settings)]
  const contents = files.map((file) => readFile(file, 'base64').catch(() => 'unreadable'))
  const config = JSON.stringify(await Promise.all(contents))
  const rules = await readRuleFiles(rulesDir)
  const revision = rules.ok ? rules.value.revision : JSON.stringify(rules.diagnostics)
  return createHash('sha256').update(config).update(revision).digest('hex')
}

function refuse(
  services: Services,
  what: 'configuration' | 'rules',
  diagnostics: readonly Diagnostic[],
): readonly Diagnostic[] {
  services.metrics.policyReload({ result: 'failure' })
  services.log.error(
    { findings: diagnostics.map(diagnosticText) },
    `the ${what} cannot be used; what was in force stays in force`,
  )
  const [first] = diagnostics
  const where = first === undefined ? '' : `${first.file}:${first.line}:${first.column}`
  note(services, 'policy.refused', { what, findings: diagnostics.length, where })
  return diagnostics
}

function accept(services: Services, runtime: RunningRuntime, rules: LoadedRules): void {
  const { revision } = rules
  const { configRevision } = runtime.current()
  services.metrics.policyReload({
    result: 'success',
    revision,
    rules: rules.policy.table.rules.length,
    at: services.clock.now(),
  })
  services.log.info({ revision, configRevision }, 'configuration and rules are in force')
  note(services, 'policy.changed', { pol: revision, cfg: configRevision })
}

function note(services: Services, type: string, fields: Record<string, string | number>): void {
  services.ledger.append({ type, fields }, 'disk').catch(() => services.metrics.auditError())
}

function unusable(file: string, error: unknown): Diagnostic {
  const message = error instanceof Error ? error.message : String(error)
  const place = { file, line: 1, column: 1, severity: 'error', code: 'unusable' } as const
  return { ...place, message, remedy: 'Correct the configuration; the old one stays in force.' }
}

/** Settings that listeners, ledger, log and watch took at start and keep. */
const FIXED = ['listen', 'audit', 'log', 'rules', 'shutdown'] as const
const FIXED_LIMITS = ['headerBytes', 'connections', 'headersTimeout', 'keepAliveTimeout'] as const

function fixedSettings(before: Settings, after: Settings): Diagnostic[] {
  const differs = (a: unknown, b: unknown): boolean => JSON.stringify(a) !== JSON.stringify(b)
  const changed: string[] = FIXED.filter((key) => differs(before[key], after[key]))
  const limits = FIXED_LIMITS.filter((key) => before.limits[key] !== after.limits[key])
  return [...changed, ...(limits.length === 0 ? [] : ['limits'])].map((key) => ({
    ...after.provenance.positionOf([key]),
    severity: 'warning',
    code: 'needs-restart',
    message: `a change of \`${[key, ...(key === 'limits' ? limits : [])].join(' ')}\` takes effect at the next start`,
    remedy: 'Restart the gateway to apply it.',
  }))
}

/** The values of every `*File` key, wherever it is. */
function namedFiles(settings: unknown): string[] {
  if (typeof settings !== 'object' || settings === null) return []
  return Object.entries(settings).flatMap(([key, value]) => {
    if (key === 'provenance') return []
    return key.endsWith('File') && typeof value === 'string' ? [value] : namedFiles(value)
  })
}
