/**
 * From the text of three files to one immutable revision, or to a list of what is wrong. All or
 * nothing: read, parse, validate, build, self-test; the caller swaps the reference (I28). A set
 * with any error gives no revision, so that a bad set never replaces a good one.
 */
import type { Diagnostic, Loaded } from '../domain/diagnostics.ts'
import { createCasbinMatcher } from './engine/casbin-engine.ts'
import { createCompiledMatcher } from './engine/compiled-engine.ts'
import type { CompiledPolicy } from './compiled-policy.ts'
import { parseConditions, type ConditionSet } from './conditions/condition-set.ts'
import { namesIn } from './policy/expression.ts'
import { NO_LIMITS, type LimitTable } from './limits/limits.ts'
import { parseLimits } from './limits/parse-limits.ts'
import { checkModel } from './policy/model-conf.ts'
import { parsePolicy } from './policy/policy-csv.ts'
import { createHoldings } from './policy/role-links.ts'
import type { PolicyTable } from './policy/rule.ts'
import type { KnownNames } from './policy/warnings-of-names.ts'
import { selfTest } from './engine/self-test.ts'

/** One rule file: its name as people know it, and its text. */
export interface RuleFile {
  readonly file: string
  readonly text: string
}

/** `casbin` is the interpreter, whose cost grows with every rule; `compiled` gives the same answers. */
export type Engine = 'compiled' | 'casbin'

/** What {@link loadPolicy} reads. */
export interface PolicySource {
  readonly files: {
    readonly model: RuleFile
    readonly policy: RuleFile
    readonly conditions: RuleFile
    /** `limits.yaml`, where there is one. */
    readonly limits?: RuleFile | undefined
  }
  /** What answers; the compiled engine when absent. */
  readonly engine?: Engine
  /** `sha256:<hex>` over the rule files; every decision carries it. */
  readonly revision: string
  /** What the configuration names; without it no name of a user, role or server is called unknown. */
  readonly known?: KnownNames | undefined
}

/** Loads one revision. Never rejects: what the engine throws while it is built is a finding too. */
export async function loadPolicy(source: PolicySource): Promise<Loaded<CompiledPolicy>> {
  const { model, policy, conditions } = source.files
  const checked = checkModel(model)
  const named = parseConditions(conditions)
  const matrix = named.ok ? matrixOf(source, policy, named.value) : undefined
  const limits = named.ok ? limitsOf(source, named.value) : undefined
  if (!checked.ok || !named.ok || !matrix?.ok || !limits?.ok) {
    const parts = [checked, named, matrix, limits].filter((part) => part !== undefined)
    return { ok: false, diagnostics: parts.flatMap((p) => (p.ok ? p.warnings : p.diagnostics)) }
  }
  const { revision, engine = 'compiled' } = source
  const parts = { conditions: named.value, limits: limits.value, revision, engine }
  const compiled = await compile(matrix.value, parts)
  if ('severity' in compiled) return { ok: false, diagnostics: [compiled] }
  const unused = warnUnused(compiled)
  const found = [named, matrix, limits].flatMap((part) => part.warnings)
  return { ok: true, value: compiled, warnings: [...found, ...unused] }
}

function matrixOf(
  { known }: PolicySource,
  file: RuleFile,
  conditions: ConditionSet,
): Loaded<PolicyTable> {
  const canBeUnknown = (name: string) => !ALWAYS_KNOWN.has(conditions.get(name).kind)
  return parsePolicy(file, conditions.names, { canBeUnknown, known })
}

/** Kinds of conditions that test what every request has. */
const ALWAYS_KNOWN: ReadonlySet<string> = new Set(['always', 'time', 'network'])

function limitsOf({ files }: PolicySource, conditions: ConditionSet): Loaded<LimitTable> {
  if (files.limits === undefined) return { ok: true, value: NO_LIMITS, warnings: [] }
  return parseLimits(files.limits, { conditions })
}

interface Parts extends Pick<CompiledPolicy, 'conditions' | 'limits' | 'revision'> {
  readonly engine: Engine
}

async function compile(table: PolicyTable, parts: Parts): Promise<CompiledPolicy | Diagnostic> {
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
    const compiled = await build(table, parts)
    const problem = selfTest(compiled)
    if (problem !== undefined) return fail(problem)
    if (table.shadowed === table.rules) return compiled
    const shadow = await build({ ...table, rules: table.shadowed }, parts)
    return Object.freeze({ ...compiled, shadow })
  } catch (error) {
    return fail(`the engine failed: ${error instanceof Error ? error.message : 'unknown'}`)
  }
}

async function build(table: PolicyTable, parts: Parts): Promise<CompiledPolicy> {
  const { engine, conditions, limits, revision } = parts
  const matcher =
    engine === 'casbin'
      ? await createCasbinMatcher(table.rules, table.links)
      : createCompiledMatcher(table.rules, conditions.numbers)
  const holdingsOf = createHoldings(table.links)
  return Object.freeze({ revision, table, conditions, limits, holdingsOf, matcher })
}

function warnUnused({ table, conditions, limits }: CompiledPolicy): Diagnostic[] {
  const used = new Set(table.shadowed.flatMap((rule) => namesIn(rule.when).map(({ name }) => name)))
  return [...conditions.names]
    .filter((name) => !used.has(name) && !limits.conditions.has(name))
    .map((name) => ({
      ...conditions.positionOf(name),
      severity: 'warning',
      code: 'unused-condition',
      message: `no rule uses the condition \`${name}\``,
      remedy: 'Remove it, or use it in the `when` column.',
    }))
}
