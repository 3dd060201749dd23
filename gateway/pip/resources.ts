/** Knows what `rules/resources.yaml` says of models and datasets. */
import type { ResourceAttributes } from '../domain/access.ts'
import type { Loaded, Position } from '../domain/diagnostics.ts'
import { globMatches, globSpecificity } from '../domain/glob.ts'
import type { ResourceCatalog } from '../domain/ports.ts'
import type { Resource } from '../domain/vocabulary.ts'
import { loadDocument, type LoadedDocument } from '../settings/document.ts'
import {
  resourcesSchema,
  type ResourcesSpec,
  type ResourceSpec,
} from '../settings/schemas/resources.ts'

/** What the file expects of the artifact itself; absent fields are unknown. */
export interface ExpectedArtifact {
  readonly bytes?: number
  /** `sha256:<hex>`. */
  readonly digest?: string
}

/** A {@link ResourceCatalog} that also knows what the artifact should look like. */
export interface ResourceDirectory extends ResourceCatalog {
  expectedOf(resource: Resource): ExpectedArtifact | undefined
  /** Every field that is tagged, whatever it belongs to. */
  readonly tagged: readonly TaggedClass[]
  /** Every size of a model that is written. */
  readonly sized: readonly WrittenSize[]
}

/** A size of a model, where it is written. */
export interface WrittenSize {
  /** The name, or the glob. */
  readonly model: string
  readonly bytes: number
  readonly position: Position
}

/** A class of data, where a field is tagged with it. */
export interface TaggedClass {
  readonly dataClass: string
  readonly position: Position
}

/**
 * Loads the catalog. The entry under the exact name describes a resource; without one, the matching
 * glob with the most literal characters, the first written among equals. Entries are not merged.
 */
export function loadResources(source: {
  readonly file: string
  readonly text: string
}): Loaded<ResourceDirectory> {
  const loaded = loadDocument(source, resourcesSchema)
  if (!loaded.ok) return loaded
  const { models, datasets } = loaded.value.value
  const model = createLookup(models ?? {})
  const dataset = createLookup(datasets ?? {})
  const entryOf = ({ kind, name }: Resource): Entry | undefined => {
    if (kind === 'server') return undefined
    return kind === 'model' ? model(name) : dataset(name)
  }
  const directory: ResourceDirectory = {
    attributesOf: (resource) => entryOf(resource)?.attributes,
    expectedOf: (resource) => entryOf(resource)?.expected,
    tagged: taggedIn(loaded.value),
    sized: sizedIn(loaded.value),
  }
  return { ok: true, value: directory, warnings: loaded.warnings }
}

function sizedIn(document: LoadedDocument<ResourcesSpec>): readonly WrittenSize[] {
  return Object.entries(document.value.models ?? {}).flatMap(([model, { bytes }]) =>
    bytes === undefined
      ? []
      : [{ model, bytes, position: document.positionOf(['models', model, 'bytes']) }],
  )
}

function taggedIn(document: LoadedDocument<ResourcesSpec>): readonly TaggedClass[] {
  return (['models', 'datasets'] as const).flatMap((kind) =>
    Object.entries(document.value[kind] ?? {}).flatMap(([name, { fields }]) =>
      Object.entries(fields ?? {}).map(([path, dataClass]) => ({
        dataClass,
        position: document.positionOf([kind, name, 'fields', path]),
      })),
    ),
  )
}

interface Entry {
  readonly attributes: ResourceAttributes
  readonly expected: ExpectedArtifact
}

function createLookup(specs: Readonly<Record<string, ResourceSpec>>) {
  const exact = new Map<string, Entry>()
  const globs: { glob: string; entry: Entry }[] = []
  for (const [key, spec] of Object.entries(specs)) {
    const entry = entryFrom(spec)
    if (key.includes('*')) globs.push({ glob: key, entry })
    else exact.set(key, entry)
  }
  globs.sort((a, b) => globSpecificity(b.glob) - globSpecificity(a.glob))
  return (name: string): Entry | undefined =>
    exact.get(name) ?? globs.find(({ glob }) => globMatches(glob, name))?.entry
}

function entryFrom({ bytes, digest, tags, ...attributes }: ResourceSpec): Entry {
  return {
    attributes: Object.freeze({ ...defined({ ...attributes, bytes, digest }), tags: tags ?? [] }),
    expected: Object.freeze(defined({ bytes, digest })),
  }
}

/** Without the keys whose value is `undefined`. */
function defined<T extends object>(value: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>
  }
}
