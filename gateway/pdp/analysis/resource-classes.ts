/**
 * The classes of resources that rules can tell apart: kind, name and version, where a version that
 * is not named is a case of its own. Two resources of one class are covered by the same patterns
 * and described by the same entry of `resources.yaml`, so that no rule can treat them differently.
 */
import { GatewayError } from '../../domain/errors.ts'
import {
  GATE_PREFIX,
  isGateArea,
  type Resource,
  type ResourceKind,
} from '../../domain/vocabulary.ts'
import {
  coversResource,
  type ResourcePattern,
  type RuleEffect,
} from '../policy/resource-pattern.ts'
import { createNameClasses, type NameClass, type NameClasses } from './name-classes.ts'

/** One class. */
export interface ResourceClass {
  readonly index: number
  readonly kind: ResourceKind
  /** A resource of the class that people recognise. */
  readonly witness: Resource
  /** `any`: no pattern that covers the name looks at the version. */
  readonly version: 'named' | 'any' | 'absent'
  /**
   * `model:<glob>` for everything that was written of its name, in rules and in `resources.yaml`; of
   * an area of the control API, only what says so.
   */
  readonly named: readonly string[]
  /** Texts of the patterns that cover the class, as a rule of either effect reads them. */
  readonly coveredBy: Readonly<Record<RuleEffect, readonly string[]>>
}

/** What the classes must be told apart by. */
export interface ClassSource {
  readonly patterns: readonly ResourcePattern[]
  /** Keys of `resources.yaml`: globs of names. */
  readonly described: Readonly<Partial<Record<ResourceKind, readonly string[]>>>
}

/** All classes of resources, in a readable order. */
export interface ResourceClasses {
  readonly classes: readonly ResourceClass[]
  /** The class of a resource; `undefined` when its name or version is empty or overlong. */
  readonly classOf: (resource: Resource) => ResourceClass | undefined
}

const KINDS: readonly ResourceKind[] = ['model', 'dataset', 'server']
/** Allows tell the control API apart from other servers, whether or not rules speak of it. */
const GATE = `${GATE_PREFIX}*`
const CLASSES_MAX = 200_000
const VERSION_FILLERS: readonly string[] = ['1', '2', '3', '7', 'example']

/** Builds the classes. @throws ERR_RULES_INVALID when there are more than can be counted */
export function createResourceClasses(source: ClassSource): ResourceClasses {
  const everywhere = source.patterns.filter(({ kind }) => kind === '*')
  const classes: ResourceClass[] = []
  const lookups = new Map<ResourceKind, (resource: Resource) => ResourceClass | undefined>()
  for (const kind of KINDS) {
    const patterns = distinct(source.patterns.filter((pattern) => pattern.kind === kind))
    const told = kind === 'server' && patterns.length + everywhere.length > 0 ? [GATE] : []
    const described = [...(source.described[kind] ?? []), ...told]
    const build = createKind({ kind, patterns, described })
    lookups.set(
      kind,
      build((made) => {
        if (classes.length >= CLASSES_MAX) throw tooManyClasses()
        const by = (effect: RuleEffect) => [
          ...texts(everywhere.filter((one) => coversResource(one, made.witness, effect))),
          ...made.coveredBy[effect],
        ]
        const coveredBy = { allow: by('allow'), deny: by('deny') }
        const added = { ...made, coveredBy, index: classes.length }
        classes.push(added)
        return added
      }),
    )
  }
  return { classes, classOf: (resource) => lookups.get(resource.kind)?.(resource) }
}

interface KindSource {
  readonly kind: ResourceKind
  readonly patterns: readonly ResourcePattern[]
  readonly described: readonly string[]
}

type Add = (made: Omit<ResourceClass, 'index'>) => ResourceClass

/** The classes of one kind, and how to find the one of a resource. */
function createKind({ kind, patterns, described }: KindSource) {
  const globs = [...new Set([...patterns.map(({ name }) => name), ...described])]
  const names = createNameClasses(globs)
  const byName = new Map<string, ResourcePattern[]>()
  for (const pattern of patterns) {
    const known = byName.get(pattern.name)
    if (known === undefined) byName.set(pattern.name, [pattern])
    else known.push(pattern)
  }
  const versionsOf = createVersions()
  return (add: Add) => {
    const found = names.classes.map((name) => {
      const covering = name.matches.flatMap((index) => byName.get(globs[index] ?? '') ?? [])
      const isGate = isGateArea({ kind, name: name.witness })
      const said = name.matches.map((index) => globs[index] ?? '')
      const named = said
        .filter((glob) => !isGate || glob.startsWith(GATE_PREFIX))
        .map((glob) => `${kind}:${glob}`)
      return addVersions({ kind, name, named, covering, versions: versionsOf(covering) }, add)
    })
    return (resource: Resource): ResourceClass | undefined => {
      const name = names.classOf(resource.name)
      return name === undefined ? undefined : found[name.index]?.(resource.version)
    }
  }
}

/** Classes of versions, kept: many names are covered by patterns with the same versions. */
function createVersions() {
  const kept = new Map<string, NameClasses>()
  return (patterns: readonly ResourcePattern[]): NameClasses | undefined => {
    const globs = new Set(
      patterns.flatMap(({ version }) => (version === undefined ? [] : [version])),
    )
    if (globs.size === 0) return undefined
    const sorted = [...globs].sort()
    const key = JSON.stringify(sorted)
    const classes = kept.get(key) ?? createNameClasses(sorted, VERSION_FILLERS)
    kept.set(key, classes)
    return classes
  }
}

interface Named {
  readonly kind: ResourceKind
  readonly name: NameClass
  readonly named: readonly string[]
  /** Patterns whose name covers it, whatever they say of the version. */
  readonly covering: readonly ResourcePattern[]
  readonly versions: NameClasses | undefined
}

function addVersions(given: Named, add: Add) {
  const { kind, name, covering, versions } = given
  const make = (version: NameClass | 'any' | 'absent'): ResourceClass => {
    const more = typeof version === 'object' ? { version: version.witness } : {}
    const witness: Resource = { kind, name: name.witness, ...more }
    const by = (effect: RuleEffect) =>
      texts(covering.filter((pattern) => coversResource(pattern, witness, effect)))
    const coveredBy = { allow: by('allow'), deny: by('deny') }
    return add({
      kind,
      version: typeof version === 'object' ? 'named' : version,
      witness,
      named: given.named,
      coveredBy,
    })
  }
  if (versions === undefined) {
    const any = make('any')
    return (): ResourceClass => any
  }
  const absent = make('absent')
  const present = versions.classes.map((version) => make(version))
  return (version: string | undefined): ResourceClass | undefined => {
    if (version === undefined) return absent
    const found = versions.classOf(version)
    return found === undefined ? undefined : present[found.index]
  }
}

function texts(patterns: readonly ResourcePattern[]): string[] {
  return [...new Set(patterns.map(({ text }) => text))]
}

function distinct(patterns: readonly ResourcePattern[]): ResourcePattern[] {
  return [...new Map(patterns.map((pattern) => [pattern.text, pattern])).values()]
}

function tooManyClasses(): GatewayError {
  return new GatewayError(
    'ERR_RULES_INVALID',
    `the patterns of these rules tell more than ${CLASSES_MAX} kinds of resources apart. ` +
      'Nothing was compared. Write fewer patterns with a * at the front or in the middle.',
  )
}
