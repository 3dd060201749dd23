import { resolve } from 'node:path'
import { loadConfig } from '../assembly/load-config.ts'
import { loadRules, type LoadedRules } from '../assembly/load-rules.ts'
import { recordedDecision, type RecordedOperation } from '../assembly/recorded-request.ts'
import { findById, type StoredRecord } from '../audit/read/query.ts'
import type { AccessRequest } from '../domain/access.ts'
import { explainDecision, type ExplainedDecision } from '../pdp/decision/explain.ts'
import { explainedText, placeOf } from './explain-text.ts'
import { EXIT, type CliIo } from './io.ts'
import { keysOption, ledgerIn } from './ledger-options.ts'
import { plainText } from '../domain/plain-text.ts'
import { configFile, findingsOf, printDiagnostics, textOption, wantsJson } from './report.ts'
import type { OptionValues } from './verb.ts'

/**
 * Shows what the ledger holds of one decision, under the rules and the circumstances of that moment,
 * and what became of the request; then judges the same request again under the rules of today. The
 * chain is not verified here.
 */
export async function showRecorded(id: string, options: OptionValues, io: CliIo): Promise<number> {
  const file = configFile(options, io)
  const config = await loadConfig({ file, cwd: io.cwd, env: io.env })
  if (!config.ok) {
    printDiagnostics(io, findingsOf(config))
    return EXIT.invalid
  }
  const dir = await ledgerIn(resolve(io.cwd, config.value.audit.dir), 'set audit.dir')
  const open = (await keysOption(options, io))?.record
  const records = [...(await findById(dir, id, { open }))].reverse()
  if (records.length === 0) {
    io.err(`no record in ${dir} has the id ${JSON.stringify(id)}\n`)
    return EXIT.failed
  }
  const rulesDir = resolve(io.cwd, textOption(options, 'rules') ?? config.value.rules.dir)
  const rules = await loadRules(rulesDir, undefined)
  if (!rules.ok) printDiagnostics(io, findingsOf(rules))
  const again = rules.ok ? judgedAgain(records, rules.value) : NO_RULES
  if (wantsJson(options))
    io.out(`${JSON.stringify({ records, again: jsonAgain(again) }, null, 2)}\n`)
  else {
    const shown = records.map(recordText).join('\n')
    io.out(`${shown}\n${againText(again, options['all'] === true)}`)
  }
  return rules.ok ? EXIT.ok : EXIT.invalid
}

/** One operation judged again. */
interface OperationAgain {
  readonly request: AccessRequest
  readonly action: string
  readonly resource: string
  readonly recorded: { readonly effect: string; readonly reason?: string; readonly rule?: string }
  /** Whether the effect or the reason would differ. */
  readonly differs: boolean
  readonly explained: ExplainedDecision
}

type Again =
  | { readonly kind: 'not-judged'; readonly why: string }
  | {
      readonly kind: 'judged'
      readonly revision: string
      readonly sameRevision: boolean
      readonly operations: readonly OperationAgain[]
    }

const NO_RULES: Again = { kind: 'not-judged', why: 'the rules do not load' }

function judgedAgain(records: readonly StoredRecord[], rules: LoadedRules): Again {
  const record = records.find(({ type }) => type === 'decision')
  if (record === undefined) return { kind: 'not-judged', why: 'its decision is not in the ledger' }
  const recorded = recordedDecision(record)
  if (recorded.kind === 'undecided') {
    const why = `it was refused in stage ${recorded.stage}, before any rule was asked`
    return { kind: 'not-judged', why }
  }
  if (recorded.kind === 'incomplete') return { kind: 'not-judged', why: recorded.why }
  return {
    kind: 'judged',
    revision: rules.revision,
    sameRevision: recorded.revision === rules.revision,
    operations: recorded.operations.map((operation) => operationAgain(operation, rules)),
  }
}

function operationAgain(operation: RecordedOperation, rules: LoadedRules): OperationAgain {
  const { request, resource, effect, reason, rule } = operation
  const resourceAttributes = rules.resources.attributesOf(request.resource)
  const asked = { ...request, resourceAttributes }
  const explained = explainDecision(rules.policy, asked)
  const { decision } = explained
  return {
    request: asked,
    action: request.action,
    resource,
    recorded: {
      effect,
      ...(reason === undefined ? {} : { reason }),
      ...(rule === undefined ? {} : { rule }),
    },
    differs: decision.effect !== effect || decision.reason !== reason,
    explained,
  }
}

/** Without the request, which the record shows as it was judged. */
function jsonAgain(again: Again): object {
  if (again.kind === 'not-judged') return again
  return {
    ...again,
    operations: again.operations.map((operation) => ({ ...operation, request: undefined })),
  }
}

function againText(again: Again, all: boolean): string {
  if (again.kind === 'not-judged') return `It cannot be judged again: ${plainText(again.why)}.\n`
  const rules = again.sameRevision
    ? 'the very rules it was made under'
    : 'the rules as they are now'
  return again.operations
    .map((operation) => `Judged again under ${rules}:\n${operationText(operation, all)}`)
    .join('\n')
}

function operationText(operation: OperationAgain, all: boolean): string {
  const { request, recorded, differs, explained } = operation
  const { effect, reason } = explained.decision
  const before = worded([recorded.effect, recorded.reason, recorded.rule])
  const now = worded([effect, reason, placeOf(explained.decision)])
  const outcome = differs
    ? `The outcome differs: it was ${before}, and would be ${now}.`
    : `The outcome is the same: ${now}.`
  return `${plainText(outcome)}\n${explainedText(request, explained, all)}`
}

function worded(parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== '').join(' ')
}

/** Fields of the envelope and those that repeat the id say nothing to a reader. */
const HIDDEN: ReadonlySet<string> = new Set(['v', 'log', 'mono', 'boot', 'prev', 'type', 'id'])

function recordText(record: StoredRecord): string {
  const fields = Object.entries(record).filter(([key]) => !HIDDEN.has(key))
  const lines = fields.map(([key, value]) => plainText(`  ${key.padEnd(10)}${plain(value)}`))
  return `${plainText(`${String(record['type'])} ${String(record['id'])}`)}\n${lines.join('\n')}\n`
}

function plain(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}
