/** Holds records against the schema that is shipped, so that none is written that it does not know. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv } from 'ajv'
import { parseLines, readTree } from './world-files.ts'

/** Benches run compiled, below `dist`, and write more than anybody wants to look at. */
const IS_COMPILED = import.meta.url.includes('/dist/test/')
const ROOT = IS_COMPILED ? '../../../' : '../../'
const FILE = new URL(`${ROOT}docs/reference/record.schema.json`, import.meta.url)

const schema = JSON.parse(readFileSync(FILE, 'utf8')) as object
const isRecord = new Ajv({
  allErrors: true,
  strict: true,
  strictTypes: false,
  strictRequired: false,
  formats: { 'date-time': /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z$/ },
}).compile(schema)

/** What is wrong with a record, in words; empty when nothing is. */
export function schemaProblems(record: unknown): string[] {
  if (isRecord(record)) return []
  const type = String((record as { type?: unknown }).type)
  return (isRecord.errors ?? []).map(
    ({ instancePath, message, params }) =>
      `${type}${instancePath} ${message ?? ''} ${JSON.stringify(params)}`,
  )
}

/** Looks at every record a gateway left in its ledger. @throws Error */
export async function expectKnownLedger(dir: string): Promise<void> {
  if (!IS_COMPILED) expectKnownRecords(parseLines(await readTree(join(dir, 'seg'))))
}

/** @throws Error that names what is wrong with the first records that the schema does not know */
export function expectKnownRecords(records: readonly unknown[]): void {
  const problems = records.flatMap(schemaProblems)
  if (problems.length === 0) return
  throw new Error(`records against record.schema.json:\n${problems.slice(0, 10).join('\n')}`)
}

/** The types of records that the schema knows. */
export function knownTypes(): readonly string[] {
  const { properties } = schema as { properties: { type: { enum: string[] } } }
  return properties.type.enum
}
