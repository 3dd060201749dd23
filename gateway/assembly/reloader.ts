import { existsSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { mkdir } from 'node:fs/promises'
import type { Diagnostic } from '../domain/diagnostics.ts'
import { GatewayError } from '../domain/errors.ts'
import type { Services } from '../pep/runtime.ts'
import type { Settings } from '../settings/settings.ts'
import { configDigest, contentDigest, digestOf } from './content-digest.ts'
import { loadConfig, type ConfigSource } from './load-config.ts'
import { FOLDER_MODE } from './revisions/files.ts'
import type { Cause } from './revisions/history-index.ts'
import { accept, announce, noteInForce, refuseReload, samePin } from './reload-notes.ts'
import type { ActiveRules, RuleRevisions } from './revisions/rule-revisions.ts'
import type { RunningRuntime } from './running-runtime.ts'
import { startChangeWatch, type ChangeWatch } from './watch.ts'

/** What asked for a reload, and who. */
export interface ReloadCause {
  readonly how: Cause
  /** A subject, or the user of the operating system. */
  readonly by: string
}

/** Keeps configuration and rules in force as the files say, without a restart. */
export interface Reloader {
  /** Loads both again, one attempt at a time. Resolves to what is wrong; empty when in force. */
  reload(cause?: ReloadCause): Promise<readonly Diagnostic[]>
  /** Says what came into force at start: counted, logged and recorded like any reload. */
  started(active: ActiveRules, warnings: readonly Diagnostic[]): Promise<void>
  /** Resolves when what came into force until now is in the history too. */
  settled(): Promise<void>
  /** The rules in force. */
  active(): ActiveRules
  /** Settings as last accepted. */
  settings(): Settings
  watch(): Promise<ChangeWatch>
}

/** What the reloader works on. */
export interface ReloaderDeps {
  readonly source: ConfigSource
  readonly rulesDir: string
  readonly revisions: RuleRevisions
  readonly services: Services
  readonly settings: Settings
  readonly runtime: RunningRuntime
  /** What was loaded at start. */
  readonly active: ActiveRules
  /** {@link contentDigest} before the rules in force were read. */
  readonly digest: string
  /** The user the gateway runs as, for the history: `os:modelgate`. */
  readonly user: string
}

/** Quiet time after a file notification. */
const SETTLE_MS = 150

/** Builds the reloader. A bad set never replaces a good one (I28). */
export function createReloader(deps: ReloaderDeps): Reloader {
  const { services, runtime, revisions } = deps
  const state: ReloadState = { settings: deps.settings, active: deps.active }
  let running: Promise<unknown> = Promise.resolve()
  const load = async (cause: ReloadCause): Promise<readonly Diagnostic[]> => {
    const config = await loadConfig(deps.source)
    if (!config.ok) return refuseReload(services, 'configuration', config.diagnostics)
    const rules = await revisions.load(config.value)
    if (!rules.ok) return refuseReload(services, 'rules', rules.diagnostics)
    const before = state.active
    const acceptance = { active: rules.value, ...causeOf(cause, before, rules.value) }
    await runtime.replace(config.value, rules.value.rules, (configRevision) =>
      noteInForce(services, acceptance, configRevision),
    )
    state.settings = config.value
    state.active = rules.value
    const fixed = fixedSettings(deps.settings, config.value)
    announce(services, [...config.warnings, ...rules.warnings, ...fixed])
    await accept(deps, before, acceptance)
    return []
  }
  const attempt = (cause: ReloadCause): Promise<readonly Diagnostic[]> =>
    load(cause).catch((error: unknown) =>
      refuseReload(services, 'configuration', findingsOf(deps.source.file, error)),
    )
  const fileCause: ReloadCause = { how: 'file', by: deps.user }
  const reload = (cause = fileCause): Promise<readonly Diagnostic[]> => {
    const next = running.then(() => attempt(cause))
    running = next
    return next
  }
  return {
    async started(active, warnings) {
      announce(services, warnings)
      const acceptance = { active, how: 'start', by: deps.user } as const
      noteInForce(services, acceptance, runtime.current().configRevision)
      await accept(deps, undefined, acceptance)
    },
    reload,
    settled: () => running.then(() => undefined),
    active: () => state.active,
    settings: () => state.settings,
    watch: () => watchFiles(deps, state, reload),
  }
}

interface ReloadState {
  settings: Settings
  active: ActiveRules
}

async function watchFiles(
  deps: ReloaderDeps,
  state: ReloadState,
  reload: () => Promise<readonly Diagnostic[]>,
): Promise<ChangeWatch> {
  const { services, source, revisions } = deps
  // A pin may come before there is any history; a folder that is not there cannot be watched.
  await mkdir(revisions.historyDir, { recursive: true, mode: FOLDER_MODE }).catch(
    (error: unknown) => {
      const { historyDir } = revisions
      services.log.error({ folder: historyDir, err: error }, 'there is no place for the history')
    },
  )
  return startChangeWatch({
    folders: watchedFolders(deps),
    fingerprint: () => contentDigest(source, revisions, state.settings),
    initial: deps.digest,
    onChange: async () => {
      const config = await configDigest(source, state.settings)
      await reload()
      return digestOf(config, revisions.loadedFingerprint())
    },
    onUnwatchable: (folder, error) =>
      services.log.warn({ folder, err: error }, 'a folder cannot be watched; it is polled'),
    settleMs: SETTLE_MS,
    pollMs: deps.settings.rules.poll,
  })
}

/** A pin that came or went is the cause, and whoever set it is who did it. */
function causeOf(
  cause: ReloadCause,
  before: ActiveRules,
  active: ActiveRules,
): ReloadCause & { readonly reason?: string | undefined } {
  const { pin } = active
  if (pin === undefined || samePin(before.pin, pin)) return cause
  const how = pin.revision === null ? cause.how : 'rollback'
  return { how, by: pin.by, reason: pin.reason }
}

/** A folder of routes that comes later is noticed by its parent and read by polling. */
function watchedFolders(deps: ReloaderDeps): string[] {
  const config = dirname(resolve(deps.source.cwd, deps.source.file))
  const routes = join(deps.rulesDir, 'routes')
  const { historyDir } = deps.revisions
  const optional = [routes, historyDir].filter((folder) => existsSync(folder))
  return [config, deps.rulesDir, ...optional]
}

function findingsOf(file: string, error: unknown): readonly Diagnostic[] {
  const known = error instanceof GatewayError ? error.diagnostics : []
  return known.length > 0 ? known : [unusable(file, error)]
}

function unusable(file: string, error: unknown): Diagnostic {
  const message = error instanceof Error ? error.message : String(error)
  const place = { file, line: 1, column: 1, severity: 'error', code: 'unusable' } as const
  return { ...place, message, remedy: 'Correct the configuration; the old one stays in force.' }
}

/** Settings that listeners, ledger, store, log and watch took at start and keep. */
const FIXED = ['listen', 'audit', 'store', 'budgets', 'log', 'rules', 'shutdown'] as const
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
