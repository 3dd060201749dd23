/** The spellings of `domain/parameters.ts`, arranged for looking up the keys of a body. */
import { foldFieldName } from '../../classify/names.ts'
import {
  ADDED_MAX_TOKENS,
  INPUT_LISTS,
  PARAMETER_NAMES,
  PARAMETER_OBJECTS,
  PARAMETERS,
  REQUEST_SOURCES,
  type Parameter,
  type ParameterName,
} from '../../domain/parameters.ts'

/** One meaning of a key. */
export interface Spelt {
  readonly parameter: ParameterName
  readonly name: string
  /** `true` and `false` do not have this meaning. */
  readonly exceptFlags: boolean
}

/** An element of a list that asks for a parameter. */
export interface Listed {
  readonly parameter: ParameterName
  readonly value: string
}

const specOf = (name: ParameterName): Parameter => PARAMETERS[name]

/** Meanings of keys, by folded name. */
export const SPELLINGS: ReadonlyMap<string, readonly Spelt[]> = grouped(
  PARAMETER_NAMES.flatMap((parameter) =>
    specOf(parameter).spellings.map(({ name, exceptFlags = false }) => ({
      key: foldFieldName(name),
      value: { parameter, name, exceptFlags },
    })),
  ),
)

/** Lists whose elements ask for parameters, by folded name. */
export const LISTED: ReadonlyMap<string, readonly Listed[]> = grouped(
  PARAMETER_NAMES.flatMap((parameter) => {
    const { listed } = specOf(parameter)
    if (listed === undefined) return []
    const key = foldFieldName(listed.list)
    return listed.values.map((value) => ({ key, value: { parameter, value } }))
  }),
)

/** Objects of parameters: the spellings that are known, by folded name. */
export const OBJECTS: ReadonlyMap<string, readonly string[]> = grouped(
  PARAMETER_OBJECTS.map((value) => ({ key: foldFieldName(value), value })),
)

/** Lists of inputs, folded. */
export const INPUTS: ReadonlySet<string> = new Set(INPUT_LISTS.map(foldFieldName))

/** Fields that name where requests are read from, folded. */
export const SOURCES: ReadonlySet<string> = new Set(REQUEST_SOURCES.map(foldFieldName))

/** Whether `true` and `false` are values that a cap leaves alone. */
export function takesFlags(parameter: ParameterName): boolean {
  return specOf(parameter).flags
}

/** Where an API reads the length of its answer. */
export interface LengthFields {
  /** Path of the field that is written when a length is added. */
  readonly addAt: readonly [string] | readonly [string, string]
  /** Dotted paths of others that it obeys. */
  readonly alsoAt?: readonly string[]
}

/** Where a server of `pack` reads the length when it is asked for `path`. */
export function lengthFields(pack: string, path: string): LengthFields {
  const row = ADDED_MAX_TOKENS.find(
    ({ packs, pathEnd }) => (packs === undefined || packs.includes(pack)) && path.endsWith(pathEnd),
  )
  return { addAt: row?.field ?? ['max_tokens'], alsoAt: row?.also ?? [] }
}

function grouped<V>(
  entries: readonly { readonly key: string; readonly value: V }[],
): ReadonlyMap<string, readonly V[]> {
  const groups = new Map<string, V[]>()
  for (const { key, value } of entries) groups.set(key, [...(groups.get(key) ?? []), value])
  return groups
}
