/** One revision of the rules with what an analysis needs beside the compiled policy. */
import type { Loaded } from '../../domain/diagnostics.ts'
import { GatewayError } from '../../domain/errors.ts'
import type { ResourceCatalog } from '../../domain/ports.ts'
import type { ResourceKind } from '../../domain/vocabulary.ts'
import { loadDocument } from '../../settings/document.ts'
import {
  conditionsSchema,
  type ConditionsDocument,
  type ConditionSpec,
} from '../../settings/schemas/conditions.ts'
import { limitsSchema, type LimitSpec } from '../../settings/schemas/limits.ts'
import { resourcesSchema, type ResourceSpec } from '../../settings/schemas/resources.ts'
import type { CompiledPolicy } from '../compiled-policy.ts'
import type { RuleFile } from '../load-policy.ts'

/** A condition as written. */
export interface ConditionDefinition {
  readonly spec: ConditionSpec
  /** One text per meaning: descriptions, order of lists and names of zones do not change it. */
  readonly canonical: string
}

/** See the module. Immutable. */
export interface AnalysedRules {
  readonly policy: CompiledPolicy
  readonly resources: ResourceCatalog
  /** What `resources.yaml` says, by kind and then by name or glob. */
  readonly described: Readonly<
    Partial<Record<ResourceKind, Readonly<Record<string, ResourceSpec>>>>
  >
  readonly definitions: ReadonlyMap<string, ConditionDefinition>
  /** What `limits.yaml` says, by name; nothing where there is no such file. */
  readonly limits: Readonly<Record<string, LimitSpec>>
}

/** What {@link analysedRules} is made from: a revision that has been loaded, and files of it. */
export interface AnalysedSource {
  readonly policy: CompiledPolicy
  readonly resources: ResourceCatalog
  readonly files: {
    readonly conditions: RuleFile
    readonly resources: RuleFile
    readonly limits?: RuleFile | undefined
  }
}

/** Reads the details of a revision that is known to load. @throws ERR_RULES_INVALID if it does not */
export function analysedRules(source: AnalysedSource): AnalysedRules {
  const { policy, resources, files } = source
  const conditions = valueOf(loadDocument(files.conditions, conditionsSchema))
  const { models, datasets } = valueOf(loadDocument(files.resources, resourcesSchema)).value
  const definitions = new Map<string, ConditionDefinition>()
  for (const [name, spec] of Object.entries(conditions.value.conditions)) {
    definitions.set(name, { spec, canonical: canonicalText(spec, conditions.value) })
  }
  return {
    policy,
    resources,
    described: { model: models ?? {}, dataset: datasets ?? {} },
    definitions,
    limits:
      files.limits === undefined
        ? {}
        : valueOf(loadDocument(files.limits, limitsSchema)).value.limits,
  }
}

function valueOf<T>(loaded: Loaded<T>): T {
  if (loaded.ok) return loaded.value
  throw new GatewayError('ERR_RULES_INVALID', loaded.diagnostics[0]?.message ?? 'unreadable')
}

/** Fields that name something defined elsewhere in the file. */
const REFERENCES: Readonly<Record<string, 'zones' | 'calendars'>> = {
  zones: 'zones',
  only: 'calendars',
  except: 'calendars',
}

function canonicalText(spec: ConditionSpec, document: ConditionsDocument): string {
  const fields = Object.entries(spec)
    .filter(([key, value]) => key !== 'description' && value !== undefined)
    .map(([key, value]): [string, unknown] => {
      const table = REFERENCES[key]
      return [key, table === undefined ? value : resolved(value, document[table])]
    })
  return JSON.stringify(canonical(Object.fromEntries(fields)))
}

function resolved(value: unknown, table: Readonly<Record<string, unknown>>): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => resolved(item, table))
  return typeof value === 'string' && Object.hasOwn(table, value) ? table[value] : value
}

/** Keys sorted, and lists too: in every list of a condition any one entry, or each of them, counts. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => canonical(item))
    return items.flat().sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  }
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(entries.map(([key, inner]) => [key, canonical(inner)]))
}
