import { isAbsolute, join } from 'node:path'
import type { CompiledPack } from '../classify/compiled-pack.ts'
import { builtInPackFiles, loadPacks } from '../classify/pack-loader.ts'
import { closest, type Diagnostic, type Loaded } from '../domain/diagnostics.ts'
import type { ResourceCatalog } from '../domain/ports.ts'
import type { CompiledPolicy } from '../pdp/compiled-policy.ts'
import { loadPolicy } from '../pdp/load-policy.ts'
import { loadResources } from '../pip/resources.ts'
import type { Settings } from '../settings/settings.ts'
import { readRuleFiles, type RuleFiles } from './rule-files.ts'

/** A rule folder, loaded, checked and self-tested as one. */
export interface LoadedRules {
  readonly revision: string
  readonly policy: CompiledPolicy
  readonly resources: ResourceCatalog
  /** Built-in packs with the operator's routes laid over them, by name. */
  readonly packs: ReadonlyMap<string, CompiledPack>
}

/**
 * Loads every file of the rule folder. All or nothing: one error in one file gives no rules.
 * @param settings whose upstreams must find their packs; `undefined` to check rules alone
 */
export async function loadRules(
  dir: string,
  settings: Settings | undefined,
): Promise<Loaded<LoadedRules>> {
  const loaded = await loadFolder(dir, settings)
  const place = (d: Diagnostic): Diagnostic =>
    isAbsolute(d.file) || d.file === settings?.provenance.file
      ? d
      : { ...d, file: join(dir, d.file) }
  return loaded.ok
    ? { ...loaded, warnings: loaded.warnings.map(place) }
    : { ok: false, diagnostics: loaded.diagnostics.map(place) }
}

async function loadFolder(
  dir: string,
  settings: Settings | undefined,
): Promise<Loaded<LoadedRules>> {
  const files = await readRuleFiles(dir)
  if (!files.ok) return files
  const { revision } = files.value
  const engine = settings?.pdp.engine ?? 'compiled'
  const policy = await loadPolicy({ files: files.value, revision, engine })
  const resources = loadResources(files.value.resources)
  const packs = await loadAllPacks(files.value)
  const parts = [policy, resources, packs]
  const missing = packs.ok && settings !== undefined ? missingPacks(settings, packs.value) : []
  if (!policy.ok || !resources.ok || !packs.ok || missing.length > 0) {
    const found = parts.flatMap((part) => (part.ok ? part.warnings : part.diagnostics))
    return { ok: false, diagnostics: [...found, ...missing] }
  }
  return {
    ok: true,
    value: { revision, policy: policy.value, resources: resources.value, packs: packs.value },
    warnings: [...policy.warnings, ...resources.warnings, ...packs.warnings],
  }
}

async function loadAllPacks(files: RuleFiles): Promise<Loaded<ReadonlyMap<string, CompiledPack>>> {
  return loadPacks([...(await builtInPackFiles()), ...files.routes])
}

function missingPacks(
  settings: Settings,
  packs: ReadonlyMap<string, CompiledPack>,
): readonly Diagnostic[] {
  return settings.upstreams.flatMap((upstream, index): Diagnostic[] => {
    if (packs.has(upstream.pack)) return []
    const near = closest(upstream.pack, packs.keys())
    return [
      {
        ...settings.provenance.positionOf(['upstreams', index, 'pack']),
        severity: 'error',
        code: 'unknown-pack',
        message: `upstream ${upstream.name}: there is no route pack ${upstream.pack}`,
        remedy:
          near === undefined
            ? `Use one of: ${[...packs.keys()].sort().join(', ')}; or write rules/routes/${upstream.pack}.yaml.`
            : `Did you mean \`${near}\`?`,
      },
    ]
  })
}
