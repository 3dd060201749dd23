/** From what decisions demand of classes, and what `resources.yaml` tags, to what is done to an answer. */
import { stricter, type Treatment } from '../../domain/data-classes.ts'
import type { ResourceCatalog } from '../../domain/ports.ts'
import type { Resource } from '../../domain/vocabulary.ts'
import { compileFields, type FieldRules } from './field-rules.ts'
import type { TaggedField } from './field-rule.ts'

/** What is demanded of the classes of one resource. */
export interface ClassDuty {
  readonly resource: Resource
  /** By class, the strictest of all limits that apply. */
  readonly treatments: Map<string, Treatment>
}

/** The classes of everything a request is about, by {@link datasetText}. */
export type ClassDuties = Map<string, ClassDuty>

/** Whose keys tokens are made with; a version of a model has those of the model. */
export function datasetText({ kind, name }: Resource): string {
  return `${kind}:${name}`
}

/** Notes a demand. */
export function addClassDuty(
  duties: ClassDuties,
  resource: Resource,
  treatments: ReadonlyMap<string, Treatment>,
): void {
  const dataset = datasetText(resource)
  const duty = duties.get(dataset) ?? { resource, treatments: new Map<string, Treatment>() }
  duties.set(dataset, duty)
  for (const [name, treatment] of treatments) {
    duty.treatments.set(name, stricter(duty.treatments.get(name) ?? 'pass', treatment))
  }
}

/** The fields that are tagged with a class that is treated. */
export function taggedFields(duties: ClassDuties, catalog: ResourceCatalog): TaggedField[] {
  return [...duties].flatMap(([dataset, { resource, treatments }]) => {
    const fields = catalog.attributesOf(resource)?.fields ?? {}
    return Object.entries(fields).flatMap(([path, dataClass]): TaggedField[] => {
      const treatment = treatments.get(dataClass) ?? 'pass'
      return treatment === 'pass' ? [] : [{ path, dataClass, treatment, dataset }]
    })
  })
}

/** Sets that are compiled for one catalog; a set is what a group of callers has on a resource. */
const COMPILED_MAX = 256
const compiled = new WeakMap<ResourceCatalog, Map<string, FieldRules>>()

/** The compiled rules of {@link taggedFields}, kept as long as the catalog is in force. */
export function rulesFor(fields: readonly TaggedField[], catalog: ResourceCatalog): FieldRules {
  const known = compiled.get(catalog) ?? new Map<string, FieldRules>()
  compiled.set(catalog, known)
  const key = JSON.stringify(fields)
  const before = known.get(key)
  if (before !== undefined) return before
  if (known.size === COMPILED_MAX) known.clear()
  const rules = compileFields(fields)
  known.set(key, rules)
  return rules
}

/** What is being done to an answer, by field: to see whether more is demanded. */
export type ClassesTaken = ReadonlyMap<string, Treatment>

/** Names a field of a dataset and what it is tagged with. */
function fieldKey({ dataset, path, dataClass }: TaggedField): string {
  return JSON.stringify([dataset, path, dataClass])
}

/** What is taken up of `fields`. */
export function takenUp(fields: readonly TaggedField[]): ClassesTaken {
  return new Map(fields.map((field) => [fieldKey(field), field.treatment]))
}

/** Whether everything that `fields` demand is being done already, as strictly. */
export function isAllTaken(
  fields: readonly TaggedField[],
  taken: ClassesTaken | undefined,
): boolean {
  return fields.every((field) => {
    const being = taken?.get(fieldKey(field))
    return being !== undefined && stricter(being, field.treatment) === being
  })
}
