/**
 * Holds events against what the publishers of OCSF and ECS say of their fields. The facts are theirs,
 * taken from their repositories at the commits that the files in test/fixtures/formats name: required
 * attributes, types, enumerations, and which of several attributes an object must have.
 */
import { readFileSync } from 'node:fs'

interface Attribute {
  readonly type?: string
  readonly object?: string
  readonly array?: boolean
  readonly required?: boolean
  readonly profile?: string
  readonly enum?: Readonly<Record<string, string>>
  readonly sibling?: string
}
interface Shape {
  readonly attributes: Readonly<Record<string, Attribute>>
  readonly constraints?: { readonly at_least_one?: readonly string[] }
}
interface OcsfSchema {
  readonly version: string
  readonly types: Readonly<Record<string, { type?: string; regex?: string; max_len?: number }>>
  readonly classes: Readonly<
    Record<string, Shape & { readonly category_uid: number; readonly profiles: readonly string[] }>
  >
  readonly objects: Readonly<Record<string, Shape>>
}
type Members = Readonly<Record<string, unknown>>

const fixture = (name: string): unknown =>
  JSON.parse(readFileSync(new URL(`../fixtures/formats/${name}`, import.meta.url), 'utf8'))

const ocsf = fixture('ocsf-1.8.0.json') as OcsfSchema

/** What is wrong with an OCSF event; empty when nothing is. */
export function ocsfProblems(event: Members): string[] {
  const shape = ocsf.classes[String(event['class_uid'])]
  if (shape === undefined) return [`class ${String(event['class_uid'])} is not known`]
  const metadata = event['metadata'] as Members | undefined
  const profiles = (metadata?.['profiles'] as string[] | undefined) ?? []
  const strangers = profiles.filter((profile) => !shape.profiles.includes(profile))
  const uid = Number(event['class_uid']) * 100 + Number(event['activity_id'])
  return [
    ...strangers.map((profile) => `profile ${profile} is not one of the class`),
    ...(metadata?.['version'] === ocsf.version ? [] : ['metadata.version']),
    ...(event['category_uid'] === shape.category_uid ? [] : ['category_uid']),
    ...(event['type_uid'] === uid ? [] : ['type_uid']),
    ...problemsOf(event, shape, { at: '', profiles }),
  ]
}

interface Place {
  readonly at: string
  readonly profiles: readonly string[]
}

function problemsOf(value: Members, shape: Shape, place: Place): string[] {
  const { at, profiles } = place
  const { attributes, constraints } = shape
  const isOn = ({ profile }: Attribute) => profile === undefined || profiles.includes(profile)
  const missing = Object.entries(attributes)
    .filter(([name, one]) => one.required === true && isOn(one) && !(name in value))
    .map(([name]) => `${at}${name} is required`)
  const anyOf = constraints?.at_least_one
  const lacking =
    anyOf !== undefined && !anyOf.some((name) => name in value)
      ? [`${at} needs one of ${anyOf.join(', ')}`]
      : []
  const wrong = Object.entries(value).flatMap(([name, member]) => {
    const attribute = attributes[name]
    if (attribute === undefined || !isOn(attribute)) return [`${at}${name} is no attribute`]
    return memberProblems(member, attribute, { at: `${at}${name}`, profiles })
  })
  const captions = Object.entries(value).flatMap(([name, member]) =>
    captionProblems(value, { name, member, attribute: attributes[name] }),
  )
  return [...missing, ...lacking, ...wrong, ...captions.map((one) => `${at}${one}`)]
}

/** The words beside a number are those of its enumeration. */
function captionProblems(
  value: Members,
  one: {
    readonly name: string
    readonly member: unknown
    readonly attribute?: Attribute | undefined
  },
): string[] {
  const { enum: words, sibling } = one.attribute ?? {}
  if (words === undefined || sibling === undefined || one.member === 99) return []
  const said = value[sibling]
  const right = words[String(one.member)]
  return said === undefined || said === right ? [] : [`${sibling} is not ${String(right)}`]
}

function memberProblems(member: unknown, attribute: Attribute, place: Place): string[] {
  if (attribute.array === true) {
    if (!Array.isArray(member)) return [`${place.at} is no list`]
    return member.flatMap((item, index) =>
      memberProblems(
        item,
        { ...attribute, array: false },
        { ...place, at: `${place.at}[${index}]` },
      ),
    )
  }
  if (attribute.object === 'object') return isMembers(member) ? [] : [`${place.at} is no object`]
  if (attribute.object !== undefined) {
    const shape = ocsf.objects[attribute.object]
    if (shape === undefined)
      return [`${place.at}: object ${attribute.object} is not in the fixture`]
    if (!isMembers(member)) return [`${place.at} is no object`]
    return problemsOf(member, shape, { ...place, at: `${place.at}.` })
  }
  if (attribute.enum !== undefined && !(String(member) in attribute.enum)) {
    return [`${place.at}: ${String(member)} is not in the enumeration`]
  }
  return scalarProblems(member, attribute.type ?? 'string_t', place.at)
}

function scalarProblems(member: unknown, type: string, at: string): string[] {
  const { type: base = type, regex, max_len: longest = Infinity } = ocsf.types[type] ?? {}
  const isRight = {
    string_t: typeof member === 'string',
    integer_t: Number.isInteger(member),
    long_t: Number.isInteger(member),
    boolean_t: typeof member === 'boolean',
    json_t: true,
  }[base]
  if (isRight !== true) return [`${at} is no ${type}`]
  if (typeof member !== 'string') return []
  const fits = (regex === undefined || new RegExp(regex).test(member)) && member.length <= longest
  return fits ? [] : [`${at}: ${member} is no ${type}`]
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const ecs = fixture('ecs-9.4.0.json') as {
  readonly version: string
  readonly fields: Readonly<
    Record<string, { type: string; array?: boolean; values?: Readonly<Record<string, string[]>> }>
  >
}

/** What is wrong with an ECS document; empty when nothing is. Fields below `modelgate` are our own. */
export function ecsProblems(document: Members): string[] {
  const event = document['event'] as Readonly<Record<string, unknown>>
  const category = (event['category'] as string[])[0] ?? ''
  const types = ecs.fields['event.category']?.values?.[category] ?? []
  const strangers = (event['type'] as string[]).filter((type) => !types.includes(type))
  return [
    ...((document['ecs'] as Members)['version'] === ecs.version ? [] : ['ecs.version']),
    ...strangers.map((type) => `event.type ${type} does not go with ${category}`),
    ...leavesOf({ ...document, modelgate: undefined }, '').flatMap(([name, value]) =>
      ecsLeafProblems(name, value),
    ),
  ]
}

function leavesOf(value: Members, at: string): [string, unknown][] {
  const present = Object.entries(value).filter(([, member]) => member !== undefined)
  return present.flatMap(([name, member]) =>
    isMembers(member) ? leavesOf(member, `${at}${name}.`) : [[`${at}${name}`, member]],
  )
}

function ecsLeafProblems(name: string, value: unknown): string[] {
  const field = ecs.fields[name]
  if (field === undefined) return [`${name} is no field`]
  if ((field.array === true) !== Array.isArray(value)) return [`${name}: list or not`]
  const items: unknown[] = Array.isArray(value) ? value : [value]
  const kind = field.type === 'long' ? 'number' : 'string'
  return items.flatMap((item) => {
    if (typeof item !== kind) return [`${name} is no ${field.type}`]
    const isListed = field.values === undefined || String(item) in field.values
    return isListed ? [] : [`${name}: ${String(item)} is not allowed`]
  })
}
