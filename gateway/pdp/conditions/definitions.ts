/**
 * What conditions of one file refer to by name: zones and calendars. A name that is not defined is
 * an error where it is written; a definition nobody refers to is a warning.
 */
import { closest, type Diagnostic } from '../../domain/diagnostics.ts'
import type { DocumentPath, LoadedDocument } from '../../settings/document.ts'
import type { ConditionsDocument } from '../../settings/schemas/conditions.ts'

/** Named lists, by name. */
export interface Definitions {
  /** Networks in CIDR form. */
  readonly zones: ReadonlyMap<string, readonly string[]>
  /** Dates, sorted. */
  readonly calendars: ReadonlyMap<string, readonly string[]>
}

/** One place where a condition names a definition. */
interface Reference {
  readonly section: 'zones' | 'calendars'
  readonly name: string
  readonly path: DocumentPath
}

/** The definitions of a file. */
export function definitionsOf({ zones, calendars }: ConditionsDocument): Definitions {
  return {
    zones: new Map(Object.entries(zones)),
    calendars: new Map(Object.entries(calendars)),
  }
}

/** Whether a day reference is a date; the schema has checked that it is one or the other. */
export const isDateText = (reference: string): boolean => /^\d/.test(reference)

/** What is wrong with the references of a document: errors for unknown names, warnings for unused. */
export function checkReferences(
  document: LoadedDocument<ConditionsDocument>,
  definitions: Definitions,
): Diagnostic[] {
  const references = referencesIn(document.value)
  const unknown = references
    .filter(({ section, name }) => !definitions[section].has(name))
    .map((reference) => unknownName(reference, document, definitions))
  const unused = (['zones', 'calendars'] as const).flatMap((section) => {
    const used = new Set(references.filter((r) => r.section === section).map(({ name }) => name))
    return [...definitions[section].keys()]
      .filter((name) => !used.has(name))
      .map((name) => unusedName(section, name, document))
  })
  return [...unknown, ...unused]
}

function referencesIn({ conditions }: ConditionsDocument): Reference[] {
  const found: Reference[] = []
  const add = (section: Reference['section'], path: DocumentPath, names: string[] = []): void => {
    names.forEach((name, index) => {
      if (section === 'calendars' && isDateText(name)) return
      found.push({ section, name, path: [...path, index] })
    })
  }
  for (const [name, spec] of Object.entries(conditions)) {
    if (spec.kind === 'network') add('zones', ['conditions', name, 'zones'], spec.zones)
    if (spec.kind !== 'time') continue
    add('calendars', ['conditions', name, 'only'], spec.only)
    add('calendars', ['conditions', name, 'except'], spec.except)
  }
  return found
}

const WORDS = {
  zones: { one: 'zone', example: '`zones: { office: [10.0.0.0/8] }`' },
  calendars: { one: 'calendar', example: '`calendars: { holidays: [2026-12-25] }`' },
} as const

function unknownName(
  { section, name, path }: Reference,
  document: LoadedDocument<unknown>,
  definitions: Definitions,
): Diagnostic {
  const { one, example } = WORDS[section]
  const near = closest(name, definitions[section].keys())
  return {
    ...document.positionOf(path),
    severity: 'error',
    code: `unknown-${one}`,
    message: `no ${one} is named \`${name}\``,
    remedy:
      near === undefined
        ? `Define it at the top of this file, as in ${example}.`
        : `Did you mean \`${near}\`?`,
  }
}

function unusedName(
  section: Reference['section'],
  name: string,
  document: LoadedDocument<unknown>,
): Diagnostic {
  const { one } = WORDS[section]
  return {
    ...document.positionOf([section, name]),
    severity: 'warning',
    code: `unused-${one}`,
    message: `no condition uses the ${one} \`${name}\``,
    remedy: 'Remove it, or use it in a condition.',
  }
}
