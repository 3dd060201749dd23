/**
 * From the text of three files to one immutable revision, or to a list of what is wrong. All or
 * nothing: read, parse, validate, build, self-test; the caller swaps the reference (I28). A set
 * with any error gives no revision, so that a bad set never replaces a good one.
 */
import type { Diagnostic, Loaded } from '../domain/diagnostics.ts'
import { createCasbinMatcher } from './casbin-engine.ts'
import type { CompiledPolicy } from './compiled-policy.ts'
import { parseConditions, type ConditionSet } from './conditions.ts'
import { namesIn } from './expression.ts'
import { checkModel } from './model-conf.ts'
import { parsePolicy } from './policy-csv.ts'
import { createHoldings } from './role-links.ts'
import type { PolicyTable } from './rule.ts'
import { selfTest } from './self-test.ts'

/** One rule file: its name as people know it, and its text. */
export interface RuleFile {
  readonly file: string
  readonly text: string
}

/** What {@link loadPolicy} reads. */
export interface PolicySource {
  readonly files: {
    readonly model: RuleFile
    readonly policy: RuleFile
    readonly conditions: RuleFile
  }
  /** `sha256:<hex>` over the rule files; every decision carries it. */
  readonly revision: string
}

/** Loads one revision. Never rejects: what the engine throws while it is built is a finding too. */
export async function loadPolicy(source: PolicySource): Promise<Loaded<CompiledPolicy>> {
  const { model, policy, conditions } = source.files
  const checked = checkModel(model)
  const named = parseConditions(conditions)
  const matrix = named.ok ? parsePolicy(policy, named.value.names) : undefined
  if (!checked.ok || !named.ok || !matrix?.ok) {
    const parts = [checked, named, ...(matrix === undefined ? [] : [matrix])]
    return { ok: false, diagnostics: parts.flatMap((p) => (p.ok ? p.warnings : p.diagnostics)) }
  }
  const compiled = await compile(matrix.value, named.value, source.revision)
  if ('severity' in compiled) return { ok: false, diagnostics: [compiled] }
  const unused = warnUnused(matrix.value, named.value)
  return { ok: true, value: compiled, warnings: [...named.warnings, ...matrix.warnings, ...unused] }
}

async function compile(
  table: PolicyTable,
  conditions: ConditionSet,
  revision: string,
): Promise<CompiledPolicy | Diagnostic> {
  const fail = (message: string): Diagnostic => ({
    file: table.file,
    line: 1,
    column: 1,
    severity: 'error',
    code: 'self-test',
    message,
    remedy: 'Keep the previous rules and report this; it is a fault of the engine.',
  })
  try {
    const matcher = await createCasbinMatcher(table)
    const holdingsOf = createHoldings(table.links)
    const compiled = Object.freeze({ revision, table, conditions, holdingsOf, matcher })
    const problem = selfTest(compiled)
    return problem === undefined ? compiled : fail(problem)
  } catch (error) {
    return fail(`the engine failed: ${error instanceof Error ? error.message : 'unknown'}`)
  }
}

function warnUnused(table: PolicyTable, conditions: ConditionSet): Diagnostic[] {
  const used = new Set(table.rules.flatMap((rule) => namesIn(rule.when).map(({ name }) => name)))
  return [...conditions.names]
    .filter((name) => !used.has(name))
    .map((name) => ({
      ...conditions.positionOf(name),
      severity: 'warning',
      code: 'unused-condition',
      message: `no rule uses the condition \`${name}\``,
      remedy: 'Remove it, or use it in the `when` column.',
    }))
}
