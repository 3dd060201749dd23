import { resolve } from 'node:path'
import { loadConfig } from '../assembly/load-config.ts'
import { findById, type StoredRecord } from '../audit/query.ts'
import { EXIT, type CliIo } from './io.ts'
import { configFile, findingsOf, printDiagnostics, wantsJson } from './report.ts'
import type { OptionValues } from './verb.ts'

/**
 * Shows what the ledger holds of one decision: the decision as it was made, under the rules and the
 * environment of that moment, and what became of the request. The chain is not verified here.
 */
export async function showRecorded(id: string, options: OptionValues, io: CliIo): Promise<number> {
  const file = configFile(options, io)
  const config = await loadConfig({ file, cwd: io.cwd, env: io.env })
  if (!config.ok) {
    printDiagnostics(io, findingsOf(config))
    return EXIT.invalid
  }
  const dir = resolve(io.cwd, config.value.audit.dir)
  const records = await findById(dir, id)
  if (records.length === 0) {
    io.err(`no record in ${dir} has the id ${JSON.stringify(id)}\n`)
    return EXIT.failed
  }
  const inOrder = [...records].reverse()
  io.out(
    wantsJson(options) ? `${JSON.stringify(inOrder, null, 2)}\n` : inOrder.map(text).join('\n'),
  )
  return EXIT.ok
}

/** Fields of the envelope and those that repeat the id say nothing to a reader. */
const HIDDEN: ReadonlySet<string> = new Set(['v', 'log', 'mono', 'boot', 'prev', 'type', 'id'])

function text(record: StoredRecord): string {
  const fields = Object.entries(record).filter(([key]) => !HIDDEN.has(key))
  const lines = fields.map(([key, value]) => `  ${key.padEnd(10)}${plain(value)}`)
  return `${String(record['type'])} ${String(record['id'])}\n${lines.join('\n')}\n`
}

function plain(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
