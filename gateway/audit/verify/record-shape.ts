/**
 * Holds records against the schema that is shipped with the gateway, fast enough for every record of
 * a ledger. It knows what of JSON Schema (draft-07) that file uses, and no more. Fields that the
 * schema does not know are no fault: new ones may come within a version.
 */

/** What is wrong with a value, in words that begin with where it is; `undefined` when nothing is. */
export type ShapeCheck = (value: unknown) => string | undefined

type Schema = Readonly<Record<string, unknown>>
type Fields = Readonly<Record<string, unknown>>

/** What says nothing of a value, or what {@link compileShape} does not look at. */
const SILENT: ReadonlySet<string> = new Set([
  ...['$schema', '$id', 'title', 'description', 'definitions', 'additionalProperties', 'then'],
])

type Compile = (schema: Schema, root: Root) => ShapeCheck | undefined

interface Root {
  readonly definitions: Schema
  /** Each definition once, however often it is referred to. */
  readonly done: Map<string, ShapeCheck>
}

const KEYWORDS: Readonly<Record<string, Compile>> = {
  $ref: referred,
  type: ofType,
  const: constant,
  enum: oneOf,
  pattern: matching,
  format: instant,
  minimum: atLeast,
  maxItems: atMost,
  required: present,
  properties: members,
  items: elements,
  anyOf: anyOf,
  allOf: allOf,
  if: conditional,
}

/**
 * The check that a schema stands for.
 * @throws TypeError when the schema uses what is not known here
 */
export function compileShape(schema: object): ShapeCheck {
  const definitions = ((schema as Schema)['definitions'] ?? {}) as Schema
  return compile(schema, { definitions, done: new Map() }) ?? (() => undefined)
}

function compile(schema: unknown, root: Root): ShapeCheck | undefined {
  if (schema === true) return undefined
  if (typeof schema !== 'object' || schema === null) throw new TypeError('a schema is an object')
  const checks: ShapeCheck[] = []
  for (const keyword of Object.keys(schema)) {
    if (SILENT.has(keyword)) continue
    const known = Object.hasOwn(KEYWORDS, keyword) ? KEYWORDS[keyword] : undefined
    if (known === undefined) throw new TypeError(`the keyword ${keyword} is not known`)
    const check = known(schema as Schema, root)
    if (check !== undefined) checks.push(check)
  }
  return together(checks)
}

function together(checks: readonly ShapeCheck[]): ShapeCheck | undefined {
  const [only] = checks
  if (checks.length < 2) return only
  return (value) => {
    for (const check of checks) {
      const problem = check(value)
      if (problem !== undefined) return problem
    }
    return undefined
  }
}

/** Definitions do not refer to themselves. */
function referred({ $ref }: Schema, root: Root): ShapeCheck | undefined {
  const name = String($ref).replace('#/definitions/', '')
  const known = root.done.get(name)
  if (known !== undefined) return known
  const check = compile(root.definitions[name], root) ?? (() => undefined)
  root.done.set(name, check)
  return check
}

const IS: Readonly<Record<string, (value: unknown) => boolean>> = {
  array: Array.isArray,
  boolean: (value) => typeof value === 'boolean',
  integer: Number.isInteger,
  null: (value) => value === null,
  number: (value) => typeof value === 'number',
  object: isFields,
  string: (value) => typeof value === 'string',
}

function ofType({ type }: Schema): ShapeCheck {
  const name = String(type)
  const is = IS[name]
  if (is === undefined) throw new TypeError(`the type ${name} is not known`)
  return (value) => (is(value) ? undefined : ` is no ${name}`)
}

function constant({ const: wanted }: Schema): ShapeCheck {
  return (value) => (value === wanted ? undefined : ` is not ${JSON.stringify(wanted)}`)
}

function oneOf(schema: Schema): ShapeCheck {
  const known = new Set(schema['enum'] as readonly unknown[])
  return (value) => (known.has(value) ? undefined : ' is none of those known')
}

/** Patterns are of the schema alone, and each has a bound: no record can make one slow (I20). */
function matching({ pattern }: Schema): ShapeCheck {
  const wanted = new RegExp(String(pattern))
  return (value) =>
    typeof value !== 'string' || wanted.test(value) ? undefined : ' is not written as it should be'
}

function instant(): ShapeCheck {
  return (value) =>
    typeof value !== 'string' || !Number.isNaN(Date.parse(value)) ? undefined : ' is no time'
}

function atLeast({ minimum }: Schema): ShapeCheck {
  const least = Number(minimum)
  return (value) => (typeof value !== 'number' || value >= least ? undefined : ' is too small')
}

function atMost({ maxItems }: Schema): ShapeCheck {
  const most = Number(maxItems)
  return (value) => (!Array.isArray(value) || value.length <= most ? undefined : ' is too long')
}

function present({ required }: Schema): ShapeCheck {
  const names = required as readonly string[]
  return (value) => {
    if (!isFields(value)) return undefined
    for (const name of names) if (value[name] === undefined) return ` has no ${name}`
    return undefined
  }
}

function members({ properties }: Schema, root: Root): ShapeCheck | undefined {
  const checks: (readonly [string, ShapeCheck])[] = []
  for (const [name, schema] of Object.entries(properties as Schema)) {
    const check = compile(schema, root)
    if (check !== undefined) checks.push([name, check])
  }
  if (checks.length === 0) return undefined
  const byName = new Map(checks)
  return (value) => {
    if (!isFields(value)) return undefined
    for (const name in value) {
      const problem = byName.get(name)?.(value[name])
      if (problem !== undefined) return ` ${name}${problem}`
    }
    return undefined
  }
}

function elements({ items }: Schema, root: Root): ShapeCheck | undefined {
  const check = compile(items, root)
  if (check === undefined) return undefined
  return (value) => {
    if (!Array.isArray(value)) return undefined
    for (const [at, item] of value.entries()) {
      const problem = check(item)
      if (problem !== undefined) return ` item ${at}${problem}`
    }
    return undefined
  }
}

function anyOf(schema: Schema, root: Root): ShapeCheck | undefined {
  const checks = (schema['anyOf'] as readonly unknown[]).map((one) => compile(one, root))
  if (checks.includes(undefined)) return undefined
  const known = checks as readonly ShapeCheck[]
  return (value) => {
    let first: string | undefined
    for (const check of known) {
      const problem = check(value)
      if (problem === undefined) return undefined
      first ??= problem
    }
    return first
  }
}

/** Conditions on the same field, one for each of its values, are looked up by that value. */
function allOf(schema: Schema, root: Root): ShapeCheck | undefined {
  const rest: ShapeCheck[] = []
  const byField = new Map<string, Map<unknown, ShapeCheck>>()
  for (const one of schema['allOf'] as readonly Schema[]) {
    const choice = choiceOf(one)
    const check = compile(choice === undefined ? one : choice.then, root)
    if (check === undefined) continue
    if (choice === undefined) {
      rest.push(check)
      continue
    }
    const cases = byField.get(choice.field) ?? new Map<unknown, ShapeCheck>()
    byField.set(choice.field, cases)
    cases.set(choice.is, check)
  }
  for (const [field, cases] of byField) {
    rest.push((value) => (isFields(value) ? cases.get(value[field])?.(value) : undefined))
  }
  return together(rest)
}

function conditional(schema: Schema, root: Root): ShapeCheck | undefined {
  return allOf({ allOf: [schema] }, root)
}

interface Choice {
  readonly field: string
  readonly is: unknown
  readonly then: unknown
}

/** `if: { properties: { type: { const: 'decision' } } }, then: …`. */
function choiceOf({ if: condition, then }: Schema): Choice | undefined {
  if (condition === undefined) return undefined
  const { properties, ...others } = condition as Schema
  const [[field, wanted] = [], ...more] = Object.entries((properties ?? {}) as Schema)
  const { const: is, ...rest } = (wanted ?? {}) as Schema
  const odd = [more, Object.keys(others), Object.keys(rest)].some(({ length }) => length > 0)
  if (odd || field === undefined || is === undefined || then === undefined) {
    throw new TypeError('a condition is of one field with one value')
  }
  return { field, is, then }
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
