/** What the schema finds wrong with a document, as findings with a place and a remedy. */
import type { z } from 'zod'
import { closest, type Diagnostic } from '../domain/diagnostics.ts'
import type { Locate } from './document-places.ts'
import { keysAt } from './schema-walk.ts'

/** The findings of one issue: one for each unknown key, or for each fault of the form that was meant. */
export function issueDiagnostics(
  issue: z.core.$ZodIssue,
  schema: z.ZodType,
  locate: Locate,
): Diagnostic[] {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? step.toString() : step))
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => unknownKey(key, path, schema, locate))
  }
  const meant = issue.code === 'invalid_union' ? branchMeant(issue) : undefined
  if (meant !== undefined) {
    return meant.flatMap((inner) =>
      issueDiagnostics({ ...inner, path: [...path, ...inner.path] }, schema, locate),
    )
  }
  if (path.length === 0 && issue.message.endsWith('received null')) return [empty(schema, locate)]
  const { position, label } = locate(path)
  const key = path.length === 0 ? 'the document' : path.join('.')
  const where = label === undefined ? key : `${label} (${key})`
  const missing =
    'input' in issue ? issue.input === undefined : issue.message.endsWith('received undefined')
  return [
    {
      ...position,
      severity: 'error',
      code: missing ? 'missing-key' : 'invalid-value',
      message: missing ? `${where}: this key is required` : `${where}: ${issue.message}`,
      remedy: remedyFor(issue),
    },
  ]
}

/**
 * Of a choice between a short and a long form, what is wrong with the one that was written: the only
 * one of the right type. Its findings say where and why; the choice as a whole could not.
 */
function branchMeant(issue: z.core.$ZodIssueInvalidUnion): z.core.$ZodIssue[] | undefined {
  const possible = issue.errors.filter(
    (branch) => !branch.some(({ code, path }) => code === 'invalid_type' && path.length === 0),
  )
  return possible.length === 1 ? possible[0] : undefined
}

function unknownKey(
  key: string,
  path: (string | number)[],
  schema: z.ZodType,
  locate: Locate,
): Diagnostic {
  const known = keysAt(schema, path)
  // A key that another form of the same object has is spelt right, and in the wrong company.
  const isElsewhere = known.includes(key)
  const near = isElsewhere ? undefined : closest(key, known)
  const others = isElsewhere ? known.filter((name) => name !== key) : known
  const remedy =
    near === undefined
      ? `Remove it${isElsewhere ? ' here' : ''}, or use one of: ${others.slice(0, 24).join(', ')}.`
      : `Did you mean \`${near}\`?`
  return {
    ...locate([...path, key]).keyPosition,
    severity: 'error',
    code: 'unknown-key',
    message: `unknown key \`${key}\`${path.length === 0 ? '' : ` in ${path.join('.')}`}`,
    remedy,
  }
}

function empty(schema: z.ZodType, locate: Locate): Diagnostic {
  return {
    ...locate([]).position,
    severity: 'error',
    code: 'invalid-value',
    message: 'there is nothing in this file',
    remedy: `Write what belongs here, under: ${keysAt(schema, []).join(', ')}.`,
  }
}

/** What helps where nothing is known but the file. */
export const FILE_REMEDY = 'See the reference of this file in docs/reference.'

function remedyFor(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_union' && 'options' in issue && Array.isArray(issue.options)) {
    return `Use one of: ${issue.options.map(String).join(', ')}.`
  }
  if (issue.code === 'invalid_value') return `Use one of: ${issue.values.map(String).join(', ')}.`
  if (issue.code === 'invalid_type') return `Write a value of type ${issue.expected}.`
  return FILE_REMEDY
}
