import { isAbsolute, join } from 'node:path'
import { loadApprovals } from '../access/approvals/load.ts'
import { NO_APPROVAL_RULES, type ApprovalRules } from '../access/approvals/rule.ts'
import type { CompiledPack } from '../classify/pack/compiled-pack.ts'
import {
  builtInPackNames,
  loadPacks,
  namesIn,
  neededPackFiles,
} from '../classify/pack/pack-loader.ts'
import { closest, type Diagnostic, type Loaded } from '../domain/diagnostics.ts'
import type { Grant } from '../domain/access.ts'
import { systemClock } from '../domain/clock.ts'
import type { GrantCatalog, ResourceCatalog } from '../domain/ports.ts'
import type { CompiledPolicy } from '../pdp/compiled-policy.ts'
import { API_AREAS, areaName } from '../pap/v1/api-areas.ts'
import { loadPolicy, type Engine } from '../pdp/load-policy.ts'
import type { KnownNames } from '../pdp/policy/warnings-of-names.ts'
import { createGrantCatalog, loadGrants } from '../pip/grants.ts'
import { loadResources, type ResourceDirectory } from '../pip/resources.ts'
import type { Settings } from '../settings/settings.ts'
import { classProblems } from './data-key.ts'
import { approvalProblems } from './approval-names.ts'
import { unknownHolders } from './grant-names.ts'
import { smallBudgets } from './weights-budget.ts'
import { readRuleFiles, type RuleFiles } from './rule-files.ts'

/** A rule folder, loaded, checked and self-tested as one. */
export interface LoadedRules {
  readonly revision: string
  readonly policy: CompiledPolicy
  readonly resources: ResourceCatalog
  /** What `grants.yaml` gives; absent where it gives nothing. */
  readonly grants?: GrantCatalog
  /** What `approvals.yaml` says; no rules where there is no such file. */
  readonly approvals: ApprovalRules
  /** Built-in packs with the operator's routes laid over them, by name. */
  readonly packs: ReadonlyMap<string, CompiledPack>
  /** Where the operator's routes ask for less than the packs they extend. */
  readonly lowered: readonly Diagnostic[]
}

/**
 * Loads every file of the rule folder. All or nothing: one error in one file gives no rules.
 * @param settings whose upstreams must find their packs; `undefined` to check rules alone
 * @param engine instead of the one that the settings name
 */
export async function loadRules(
  dir: string,
  settings: Settings | undefined,
  engine?: Engine,
): Promise<Loaded<LoadedRules>> {
  const files = await readRuleFiles(dir)
  const loaded = files.ok ? await loadRuleFiles(files.value, settings, engine) : files
  return placed(loaded, dir, settings)
}

/** What is wrong in a file of the rules, named from the working directory: below `dir`. */
export function placed<T>(
  loaded: Loaded<T>,
  dir: string,
  settings: Settings | undefined,
): Loaded<T> {
  const place = (d: Diagnostic): Diagnostic =>
    isAbsolute(d.file) || d.file === settings?.provenance.file
      ? d
      : { ...d, file: join(dir, d.file) }
  return loaded.ok
    ? { ...loaded, warnings: loaded.warnings.map(place) }
    : { ok: false, diagnostics: loaded.diagnostics.map(place) }
}

/** As {@link loadRules}, from files that have been read already, wherever from. */
export async function loadRuleFiles(
  files: RuleFiles,
  settings: Settings | undefined,
  engine: Engine = settings?.pdp.engine ?? 'compiled',
): Promise<Loaded<LoadedRules>> {
  const { revision } = files
  const policy = await loadPolicy({ files, revision, engine, known: knownNames(settings) })
  const resources = loadResources(files.resources)
  const grants = loadGrantsOf(files)
  const approvals = loadApprovalsOf(files)
  const packs = await loadNeededPacks(files, settings)
  const parts = [policy, resources, grants, approvals, packs]
  const missing = packs.ok ? await missingPacks(settings, packs.value) : []
  const crossed = crossProblems({ policy, resources, approvals }, settings)
  const wrong = [...missing, ...crossed.filter(({ severity }) => severity === 'error')]
  if (!policy.ok || !resources.ok || !grants.ok || !approvals.ok || !packs.ok || wrong.length > 0) {
    const found = parts.flatMap((part) => (part.ok ? part.warnings : part.diagnostics))
    return { ok: false, diagnostics: [...found, ...wrong] }
  }
  return {
    ok: true,
    value: {
      revision,
      policy: policy.value,
      resources: resources.value,
      ...catalogOf(grants.value, policy.value),
      approvals: approvals.value,
      packs: packs.value,
      lowered: packs.warnings.filter(({ code }) => code === 'privilege-lowered'),
    },
    warnings: [
      ...policy.warnings,
      ...resources.warnings,
      ...grants.warnings,
      ...packs.warnings,
      ...approvals.warnings,
      ...crossed,
      ...smallBudgets(policy.value.limits.weights, resources.value.sized),
      ...unknownIssuers(settings, policy.value),
      ...unknownHolders(files.grants, grants.value, {
        policy: policy.value,
        known: knownNames(settings),
      }),
    ],
  }
}

/** What files say of each other that is not so. */
function crossProblems(
  parts: {
    readonly policy: Loaded<CompiledPolicy>
    readonly resources: Loaded<ResourceDirectory>
    readonly approvals: Loaded<ApprovalRules>
  },
  settings: Settings | undefined,
): readonly Diagnostic[] {
  const { policy, resources, approvals } = parts
  if (!policy.ok) return []
  const { limits } = policy.value
  const known = knownNames(settings)
  return [
    ...(resources.ok ? classProblems(limits.classes, resources.value.tagged, settings) : []),
    ...(approvals.ok ? approvalProblems(approvals.value, { policy: policy.value, known }) : []),
  ]
}

function loadGrantsOf({ grants }: RuleFiles): Loaded<readonly Grant[] | undefined> {
  if (grants === undefined) return { ok: true, value: undefined, warnings: [] }
  return loadGrants(grants, systemClock.now())
}

function loadApprovalsOf({ approvals }: RuleFiles): Loaded<ApprovalRules> {
  if (approvals !== undefined) return loadApprovals(approvals)
  return { ok: true, value: NO_APPROVAL_RULES, warnings: [] }
}

function catalogOf(
  grants: readonly Grant[] | undefined,
  { holdingsOf }: CompiledPolicy,
): Pick<LoadedRules, 'grants'> {
  if (grants === undefined || grants.length === 0) return {}
  return { grants: createGrantCatalog(grants, holdingsOf) }
}

/** What rules may name because the configuration gives it a name. */
export function knownNames(settings: Settings): KnownNames
export function knownNames(settings: Settings | undefined): KnownNames | undefined
export function knownNames(settings: Settings | undefined): KnownNames | undefined {
  if (settings === undefined) return undefined
  const { issuers, upstreams } = settings
  // What the control API asks the rules about; no upstream has such a name.
  const ownNames = API_AREAS.map(areaName)
  return {
    issuerNames: new Set(issuers.map(({ name }) => name)),
    issuersWithoutPerson: new Set(
      issuers.filter(({ personClaim }) => personClaim === undefined).map(({ name }) => name),
    ),
    issuerRoles: new Set(issuers.flatMap(({ roles }) => roles.map((name) => `role:${name}`))),
    upstreams: new Set([...upstreams.map(({ name }) => name), ...ownNames]),
  }
}

/** Those that upstreams name and operators extend: the others are of no consequence here. */
async function loadNeededPacks(
  { routes }: RuleFiles,
  settings: Settings | undefined,
): Promise<Loaded<ReadonlyMap<string, CompiledPack>>> {
  const named = settings?.upstreams.map(({ pack }) => pack) ?? []
  const wanted = [...named, ...routes.flatMap(namesIn)]
  return loadPacks([...(await neededPackFiles(wanted)), ...routes], await builtInPackNames())
}

/** A condition on an issuer that is not configured never holds, or never makes an exception. */
function unknownIssuers(settings: Settings | undefined, policy: CompiledPolicy): Diagnostic[] {
  if (settings === undefined) return []
  const names = settings.issuers.map(({ name }) => name)
  return policy.conditions.issuers
    .filter(({ name }) => !names.includes(name))
    .map(({ name, position }): Diagnostic => {
      const near = closest(name, names)
      return {
        ...position,
        severity: 'warning',
        code: 'unknown-issuer',
        message: `no issuer of the configuration is named ${name}`,
        remedy:
          near === undefined ? `Use one of: ${names.join(', ')}.` : `Did you mean \`${near}\`?`,
      }
    })
}

async function missingPacks(
  settings: Settings | undefined,
  packs: ReadonlyMap<string, CompiledPack>,
): Promise<readonly Diagnostic[]> {
  if (settings === undefined) return []
  const names = [...new Set([...packs.keys(), ...(await builtInPackNames())])].sort()
  return settings.upstreams.flatMap((upstream, index): Diagnostic[] => {
    if (packs.has(upstream.pack)) return []
    const near = closest(upstream.pack, names)
    return [
      {
        ...settings.provenance.positionOf(['upstreams', index, 'pack']),
        severity: 'error',
        code: 'unknown-pack',
        message: `upstream ${upstream.name}: there is no route pack ${upstream.pack}`,
        remedy:
          near === undefined
            ? `Use one of: ${names.join(', ')}; or write rules/routes/${upstream.pack}.yaml.`
            : `Did you mean \`${near}\`?`,
      },
    ]
  })
}
