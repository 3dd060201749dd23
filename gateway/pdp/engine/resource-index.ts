/**
 * From a resource to the patterns that cover it. Patterns with the same kind, name and version are
 * one `bucket`, a number from 0; what the rules of a bucket say is the business of `rule-cells.ts`,
 * which gives each bucket an address.
 */
import { isGateArea, type Resource, type ResourceKind } from '../../domain/vocabulary.ts'
import { createGlobIndex, type GlobIndex } from './glob-index.ts'
import { IntList } from './int-list.ts'
import type { ResourcePattern } from '../policy/resource-pattern.ts'

/** The bucket of the pattern `*`. */
const EVERYTHING = 0

/** The bucket of the pattern `*` where it is read as about the control API too. */
const EVERYTHING_OF_GATE = 1

/** What names are looked up in: areas of the control API are no servers like others. */
type Space = ResourceKind | 'gate'

/** The address of a bucket, not negative. */
export type AddressOf = (bucket: number) => number

/** Looks up buckets. Immutable. */
export interface ResourceIndex {
  /** Adds to `found` the addresses of the buckets whose patterns cover `resource`, each once. */
  find(resource: Resource, found: IntList): void
}

/** Collects patterns, then builds. */
export interface ResourceIndexBuilder {
  /** The bucket of `pattern`, for resources that are no areas of the control API. */
  bucketOf(pattern: ResourcePattern): number
  /** The bucket of `pattern`, for areas of the control API; only `*` and servers can be there. */
  bucketOfGate(pattern: ResourcePattern): number
  /**
   * The bucket of the same name that is found when the request names no version: a deny of one
   * version belongs there too, since the upstream may pick the very version that is denied.
   */
  bucketWithoutVersion(pattern: ResourcePattern): number
  /** How many buckets there are. */
  readonly size: number
  build(addressOf: AddressOf): ResourceIndex
}

/** One name glob of a kind; -1 where it has no bucket. */
interface Level {
  anyVersion: number
  withoutVersion: number
  versions: Map<string, number> | undefined
}

/** Starts with the buckets of `*`. */
export function createResourceIndexBuilder(): ResourceIndexBuilder {
  const kinds = new Map<Space, Map<string, Level>>()
  let size = 2
  const levelOf = (kind: Space, name: string): Level => {
    const names = kinds.get(kind) ?? new Map<string, Level>()
    kinds.set(kind, names)
    const level = names.get(name) ?? { anyVersion: -1, withoutVersion: -1, versions: undefined }
    names.set(name, level)
    return level
  }
  return {
    get size() {
      return size
    },
    bucketOf({ kind, name, version }) {
      if (kind === '*') return EVERYTHING
      const level = levelOf(kind, name)
      if (version === undefined) {
        if (level.anyVersion < 0) level.anyVersion = size++
        return level.anyVersion
      }
      level.versions ??= new Map()
      const bucket = level.versions.get(version) ?? size++
      level.versions.set(version, bucket)
      return bucket
    },
    bucketOfGate({ kind, name }) {
      if (kind === '*') return EVERYTHING_OF_GATE
      const level = levelOf('gate', name)
      if (level.anyVersion < 0) level.anyVersion = size++
      return level.anyVersion
    },
    bucketWithoutVersion({ kind, name }) {
      if (kind === '*') return EVERYTHING
      const level = levelOf(kind, name)
      if (level.withoutVersion < 0) level.withoutVersion = size++
      return level.withoutVersion
    },
    build: (addressOf) => createResourceIndex(kinds, addressOf),
  }
}

function createResourceIndex(
  kinds: ReadonlyMap<Space, Map<string, Level>>,
  addressOf: AddressOf,
): ResourceIndex {
  const indexes = new Map(
    [...kinds].map(([kind, names]) => [kind, createKindIndex(names, addressOf)]),
  )
  const everything = addressOf(EVERYTHING)
  const everythingOfGate = addressOf(EVERYTHING_OF_GATE)
  return {
    find(resource, found) {
      const isGate = isGateArea(resource)
      found.push(isGate ? everythingOfGate : everything)
      indexes.get(isGate ? 'gate' : resource.kind)?.find(resource, found)
    },
  }
}

/** A name whose rules speak of versions, by addresses; -1 where it has no bucket. */
interface VersionedLevel extends Pick<Level, 'anyVersion' | 'withoutVersion'> {
  readonly versions: GlobIndex
}

function createKindIndex(levels: ReadonlyMap<string, Level>, addressOf: AddressOf): ResourceIndex {
  const versioned: VersionedLevel[] = []
  const addressAt = (bucket: number) => (bucket < 0 ? -1 : addressOf(bucket))
  // Most names are one bucket for every version, and its address is their code; else -1 and less
  // is a place.
  const codes = new Map<string, number>()
  for (const [name, { anyVersion, withoutVersion, versions }] of levels) {
    if (versions === undefined && anyVersion >= 0) {
      codes.set(name, addressOf(anyVersion))
      continue
    }
    codes.set(name, -1 - versioned.length)
    const addresses = [...(versions ?? [])].map(([v, bucket]) => [v, addressOf(bucket)] as const)
    versioned.push({
      anyVersion: addressAt(anyVersion),
      withoutVersion: addressAt(withoutVersion),
      versions: createGlobIndex(new Map(addresses)),
    })
  }
  const names = createGlobIndex(codes)
  const matched = new IntList()
  return {
    find({ name, version }, found) {
      matched.clear()
      names.find(name, matched)
      for (let i = 0; i < matched.size; i++) {
        const code = matched.at(i)
        const level = versioned[-1 - code]
        if (code >= 0) found.push(code)
        else if (level !== undefined) findVersion(level, version, found)
      }
    },
  }
}

function findVersion(level: VersionedLevel, version: string | undefined, found: IntList): void {
  if (level.anyVersion >= 0) found.push(level.anyVersion)
  if (version !== undefined) level.versions.find(version, found)
  else if (level.withoutVersion >= 0) found.push(level.withoutVersion)
}
