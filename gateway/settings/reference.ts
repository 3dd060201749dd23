/**
 * Generates, from the schemas of operator files, what must never drift from them: the JSON Schemas
 * that editors use and the reference pages. Pure: the command line writes, a test compares.
 */
import { z } from 'zod'
import { variableFor } from './environment.ts'
import { fieldsOf, type Field } from './schema-walk.ts'
import {
  DOCUMENT_SCHEMAS,
  schemaFile,
  schemaId,
  type DocumentKind,
} from './schemas/index-of-documents.ts'
import { byteSize, duration } from './units.ts'

/** A file whose text is wholly generated; `path` is from the root of the project. */
export interface GeneratedFile {
  readonly path: string
  readonly text: string
}

/** Every generated file of `kinds`, in a stable order, with stable bytes. */
export function generatedFiles(
  kinds: readonly DocumentKind[] = DOCUMENT_SCHEMAS,
): readonly GeneratedFile[] {
  return kinds.flatMap((kind) => [
    { path: schemaFile(kind.kind), text: `${JSON.stringify(jsonSchemaOf(kind), null, 2)}\n` },
    { path: kind.page, text: referencePage(kind) },
  ])
}

/** The JSON Schema (draft-07) of the file as operators write it, unknown keys refused. */
export function jsonSchemaOf(kind: DocumentKind): Readonly<Record<string, unknown>> {
  const schema = z.toJSONSchema(kind.schema, { target: 'draft-7', io: 'input' })
  const { $schema, ...rest } = schema
  return { $schema, $id: schemaId(kind.kind), title: kind.file, ...rest }
}

function referencePage(kind: DocumentKind): string {
  const fields = fieldsOf(kind.schema)
  const sections = [...new Set(fields.map((field) => field.path[0] ?? ''))]
  const tables = sections.flatMap((section) => [
    `## ${section}`,
    '',
    ...table(
      kind,
      fields.filter((field) => field.path[0] === section),
    ),
    '',
  ])
  return [
    `# ${kind.title}: \`${kind.file}\``,
    '',
    '<!-- Generated from the schema by `npm run generate`; changes here are lost. -->',
    '',
    ...INTRODUCTION,
    ...(kind.variables ? VARIABLES : []),
    ...tables,
  ].join('\n')
}

const INTRODUCTION = [
  'Durations are written `250ms`, `30s`, `15m`, `1h`, `7d`; sizes `512B`, `64KiB`, `1MiB`, `2GiB`.',
  '`[]` in a key stands for each entry of a list. Unknown keys are errors.',
  '',
]

const VARIABLES = [
  'Paths in `*_file` keys are from the directory of the file; directories are from the working',
  'directory. Every key in the table with a variable can be overridden by it; `N` is the number of',
  'the list entry, from 0, and lists of values are separated by commas. Flags go before variables,',
  'variables before the file.',
  '',
]

function table(kind: DocumentKind, fields: readonly Field[]): string[] {
  const heads = ['key', 'type', 'default', ...(kind.variables ? ['variable'] : []), 'description']
  const rows = fields.map((field) => [
    code(keyText(field)),
    typeText(z.toJSONSchema(field.schema as z.ZodType, { io: 'input', target: 'draft-7' })),
    defaultText(field),
    ...(kind.variables ? [variableText(field)] : []),
    field.description,
  ])
  return [heads, heads.map(() => '---'), ...rows].map(
    (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`,
  )
}

const code = (text: string): string => `\`${text}\``

function keyText(field: Field): string {
  return field.path.join('.').replaceAll('.*', '[]')
}

function defaultText(field: Field): string {
  if (field.defaultValue !== undefined) {
    const value = field.defaultValue
    return code(typeof value === 'string' ? value : JSON.stringify(value))
  }
  return field.required ? 'required' : '–'
}

function variableText(field: Field): string {
  // Free keys cannot be spelt in the name of a variable.
  const free = z.toJSONSchema(field.schema as z.ZodType, { io: 'input' }).type === 'object'
  return free ? '–' : code(variableFor(field.path))
}

type JsonSchema = z.core.JSONSchema.BaseSchema

const PATTERNS: ReadonlyMap<unknown, string> = new Map([
  [patternOf(duration), 'duration'],
  [patternOf(byteSize), 'size'],
])

function patternOf(schema: z.ZodType): unknown {
  return z.toJSONSchema(schema, { io: 'input' }).pattern
}

/** A JSON Schema in a few words: `duration`, `integer 1 to 10`, `list of text`. */
function typeText(schema: JsonSchema): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => code(String(value))).join(', ')
  if (schema.const !== undefined) return code(String(schema.const))
  const choices = schema.anyOf ?? schema.oneOf
  if (choices !== undefined) {
    return choices.map((choice) => typeText(choice)).join(' or ')
  }
  if (schema.type === 'array') return `list of ${typeText(schema.items as JsonSchema)}`
  if (schema.type === 'integer') return `integer ${range(schema)}`.trim()
  if (schema.type === 'object') return `map of ${typeText(mapValue(schema))}`
  if (schema.type === 'string') return PATTERNS.get(schema.pattern) ?? 'text'
  return typeof schema.type === 'string' ? schema.type : 'any'
}

function range({ minimum, maximum }: JsonSchema): string {
  const bounded = (bound: number | undefined): bound is number =>
    bound !== undefined && Math.abs(bound) < Number.MAX_SAFE_INTEGER
  return bounded(minimum) && bounded(maximum) ? `${minimum} to ${maximum}` : ''
}

function mapValue(schema: JsonSchema): JsonSchema {
  return typeof schema.additionalProperties === 'object' ? schema.additionalProperties : {}
}
