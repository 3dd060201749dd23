/**
 * Reads a zod schema as a tree of keys: what suggestions for unknown keys, environment variables
 * and the generated reference have in common.
 */
import { z } from 'zod'

/** Keys and list indices from the root of a document. */
export type DocumentPath = readonly (string | number)[]

/** The parts of a zod schema's definition that the walk needs. */
export interface SchemaNode {
  readonly def: {
    readonly type: string
    readonly shape?: Readonly<Record<string, z.ZodType>>
    readonly element?: z.ZodType
    readonly valueType?: z.ZodType
    readonly keyType?: z.ZodType
    readonly innerType?: z.ZodType
    readonly in?: z.ZodType
    readonly options?: readonly z.ZodType[]
    readonly entries?: Readonly<Record<string, string | number>>
    readonly values?: readonly unknown[]
    readonly defaultValue?: unknown
  }
  readonly description?: string | undefined
}

/** A key of a document that holds a value, a list of values or free keys. */
export interface Field {
  /** Keys from the root; `*` stands for a list index, `<key>` for a key the operator chooses. */
  readonly path: readonly string[]
  readonly schema: unknown
  readonly description: string
  /** Whether the key must be written where its parent is. */
  readonly required: boolean
  /** What is assumed when it is not written, as it would be written; `undefined` when nothing. */
  readonly defaultValue: unknown
}

/** Takes off defaults, optionality and transforms; a union gives each of its members. */
export function unwrap(schema: unknown): SchemaNode[] {
  const node = schema as SchemaNode | undefined
  if (node?.def === undefined) return []
  if (node.def.innerType !== undefined) return unwrap(node.def.innerType)
  if (node.def.in !== undefined) return unwrap(node.def.in)
  if (node.def.options !== undefined) return node.def.options.flatMap(unwrap)
  return [node]
}

/** The schemas one step below `node`: a key of an object, an element of a list, a free key. */
export function descend(node: SchemaNode, step: string | number): z.ZodType[] {
  if (node.def.shape !== undefined) {
    const key = String(step)
    const child = Object.hasOwn(node.def.shape, key) ? node.def.shape[key] : undefined
    return child === undefined ? [] : [child]
  }
  if (node.def.element !== undefined) return isIndex(step) ? [node.def.element] : []
  const child = node.def.valueType
  return child === undefined ? [] : [child]
}

/** A place in a list, as documents (`0`) and environment variables (`'0'`, `'*'`) say it. */
function isIndex(step: string | number): boolean {
  return typeof step === 'number' || /^(\d+|\*)$/.test(step)
}

/** The schemas at `path` below `schema`, outermost wrappers included. */
export function schemasAt(schema: unknown, path: readonly (string | number)[]): unknown[] {
  let found: unknown[] = [schema]
  for (const step of path) {
    found = found.flatMap(unwrap).flatMap((node) => descend(node, step))
  }
  return found
}

/** Keys that the schema knows at `path`; unions give the keys of all their members. */
export function keysAt(schema: unknown, path: readonly (string | number)[]): string[] {
  const nodes = schemasAt(schema, path).flatMap(unwrap)
  return [...new Set(nodes.flatMap(ownKeys))]
}

/** Keys of an object, or of a record whose keys are a closed list. */
function ownKeys({ def }: SchemaNode): readonly string[] {
  if (def.shape !== undefined) return Object.keys(def.shape)
  return unwrap(def.keyType).flatMap((key) => Object.keys(key.def.entries ?? {}))
}

/** The default of `schema` as it would be written, or `undefined`. */
export function defaultOf(schema: unknown): unknown {
  for (const node of layers(schema)) {
    if (node.def.type === 'prefault' || node.def.type === 'default') return node.def.defaultValue
  }
  return undefined
}

/** Every {@link Field} of `schema` in the order it is declared; objects and lists are entered. */
export function fieldsOf(schema: unknown, path: readonly string[] = []): Field[] {
  const nodes = unwrap(schema)
  const shapes = nodes.flatMap(({ def }) => (def.shape === undefined ? [] : [def.shape]))
  if (shapes.length > 0) {
    const keys = [...new Set(shapes.flatMap((shape) => Object.keys(shape)))]
    return keys.flatMap((key) => fieldsOfKey(shapes, [...path, key]))
  }
  const list = nodes.length === 1 ? nodes[0]?.def.element : undefined
  if (list !== undefined && unwrap(list).some((node) => node.def.shape !== undefined)) {
    return fieldsOf(list, [...path, '*'])
  }
  return [fieldAt(schema, path)]
}

/** The fields of a key, of which the members of a union may say different things. */
function fieldsOfKey(
  shapes: readonly Readonly<Record<string, z.ZodType>>[],
  path: readonly string[],
): Field[] {
  const children = shapes.flatMap((shape) => shape[path.at(-1) ?? ''] ?? [])
  const [first, ...more] = children
  const fields = fieldsOf(first, path)
  const [field] = fields
  const isTag = more.length > 0 && children.every((one) => unwrap(one)[0]?.def.type === 'literal')
  if (isTag && field !== undefined) {
    const description = children.map((one) => fieldAt(one, path).description).join(' ')
    return [{ ...field, schema: z.union(children), description }]
  }
  if (children.length === shapes.length) return fields
  return fields.map((one) => ({ ...one, required: false }))
}

function fieldAt(schema: unknown, path: readonly string[]): Field {
  const outer = layers(schema)
  const optional = outer.some((n) => ['optional', 'prefault', 'default'].includes(n.def.type))
  const description = outer.find((node) => node.description !== undefined)?.description ?? ''
  return { path, schema, description, required: !optional, defaultValue: defaultOf(schema) }
}

/** The schema and what it wraps, from the outside in. */
function layers(schema: unknown): SchemaNode[] {
  const node = schema as SchemaNode | undefined
  if (node?.def === undefined) return []
  return [node, ...layers(node.def.innerType ?? node.def.in)]
}
