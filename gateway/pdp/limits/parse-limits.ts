/** Reads `rules/limits.yaml`, or says exactly where and why not. All or nothing. */
import { closest, type Loaded, type Position } from '../../domain/diagnostics.ts'
import { loadDocument, type DocumentPath, type LoadedDocument } from '../../settings/document.ts'
import { BUDGET_UNITS, BUDGET_WINDOWS } from '../../domain/obligations.ts'
import { limitsSchema, type LimitSpec } from '../../settings/schemas/limits.ts'
import type { BudgetSpec } from '../../settings/schemas/limits-use.ts'
import type { ConditionSet } from '../conditions/condition-set.ts'
import { namesIn, parseExpression, type Expression } from '../policy/expression.ts'
import { createFindings, type Findings, type Said } from '../policy/finding.ts'
import { parseResourcePattern, type ResourcePattern } from '../policy/resource-pattern.ts'
import { ANYONE } from '../policy/rule.ts'
import { demandsOf } from './demands.ts'
import type { Limit } from './limit-index.ts'
import { createLimitTable, type LimitTable } from './limits.ts'

/** What `limits.yaml` is read against. */
export interface LimitContext {
  readonly conditions: Pick<ConditionSet, 'names'>
}

/** Parses the text of `source.file`. Unknown keys, conditions, subjects and patterns are errors. */
export function parseLimits(
  source: { readonly file: string; readonly text: string },
  { conditions }: LimitContext,
): Loaded<LimitTable> {
  const loaded = loadDocument(source, limitsSchema)
  if (!loaded.ok) return loaded
  const findings = createFindings(source.file)
  const reader = new LimitReader(source.text, loaded.value, findings, conditions.names)
  const limits = Object.entries(loaded.value.value.limits).map(([name, spec]) =>
    reader.read(name, spec),
  )
  if (findings.errors.length > 0) {
    return { ok: false, diagnostics: [...findings.errors, ...findings.warnings] }
  }
  const { weights } = loaded.value.value
  const value = createLimitTable(limits, reader.used, {
    weights,
    source: reader.source(['weights']),
  })
  return { ok: true, value, warnings: [...loaded.warnings, ...findings.warnings] }
}

const KINDS = ['user', 'group', 'role']
const EVERYTHING: ResourcePattern = { text: '*', kind: '*', name: '*', version: undefined }

class LimitReader {
  readonly used = new Set<string>()
  readonly #lines: readonly string[]
  readonly #document: LoadedDocument<unknown>
  readonly #findings: Findings
  readonly #conditions: ReadonlySet<string>

  constructor(
    text: string,
    document: LoadedDocument<unknown>,
    findings: Findings,
    conditions: ReadonlySet<string>,
  ) {
    this.#lines = text.split('\n')
    this.#document = document
    this.#findings = findings
    this.#conditions = conditions
  }

  read(name: string, spec: LimitSpec): Limit {
    const path = ['limits', name]
    const listed = spec.resources?.map((text, i) => this.#pattern([...path, 'resources', i], text))
    const budgets = [spec.budget ?? []].flat()
    for (const [i, budget] of budgets.entries()) {
      this.#checkBudget([...path, 'budget', ...(budgets.length > 1 ? [i] : [])], budget)
    }
    const limit: Limit = {
      name,
      subjects: this.#subjects([...path, 'for'], spec.for ?? [ANYONE]),
      except: this.#subjects([...path, 'except'], spec.except ?? []),
      actions: spec.actions ?? ['infer'],
      resources: listed?.flatMap((pattern) => pattern ?? []) ?? [EVERYTHING],
      when: spec.when === undefined ? undefined : this.#when([...path, 'when'], spec.when),
      obligations: demandsOf(name, spec, (at) => this.source(at)),
    }
    return Object.freeze(limit)
  }

  /** A window within another that allows more than that one is never what ends anything. */
  #checkBudget(path: DocumentPath, budget: BudgetSpec): void {
    for (const unit of BUDGET_UNITS) {
      const given: Readonly<Partial<Record<string, number>>> = budget[unit] ?? {}
      const windows = Object.keys(BUDGET_WINDOWS).filter((window) => given[window] !== undefined)
      for (const [i, window] of windows.entries()) {
        const larger = windows.slice(i + 1).find((one) => (given[one] ?? 0) < (given[window] ?? 0))
        if (larger === undefined) continue
        const { line, column } = this.#document.positionOf([...path, unit, window])
        this.#findings.warning(line, column, {
          code: 'budget-contradicts',
          message: `\`${unit}\` allow more in \`${window}\` than in \`${larger}\`, so that \`${window}\` is never reached`,
          remedy: `Write less for \`${window}\`, more for \`${larger}\`, or leave one out.`,
        })
      }
    }
  }

  #subjects(path: DocumentPath, names: readonly string[]): readonly string[] {
    for (const [i, text] of names.entries()) this.#checkSubject([...path, i], text)
    if (path.at(-1) === 'except' && names.includes(ANYONE)) {
      const said = `${ANYONE} is everyone, so that this limit is for nobody`
      this.#fail(path, 0, { code: 'except-anyone', message: said, remedy: 'Name a role.' })
    }
    return names
  }

  #checkSubject(path: DocumentPath, text: string): void {
    const colon = text.indexOf(':')
    const kind = colon < 0 ? '' : text.slice(0, colon)
    const rest = text.slice(colon + 1)
    if (!KINDS.includes(kind)) {
      const near = colon < 0 ? undefined : closest(kind, KINDS)
      const remedy =
        near === undefined
          ? `Write one of: ${KINDS.map((k) => `${k}:${rest}`).join(', ')}.`
          : `Did you mean \`${near}:${rest}\`?`
      const message = `\`${text}\` has no prefix that subjects have`
      this.#fail(path, 0, { code: 'subject-prefix', message, remedy })
    } else if (rest === '' || rest.trim() !== rest) {
      const message = `nothing, or a space, follows ${kind}:`
      this.#fail(path, 0, { code: 'subject-name', message, remedy: 'Write the name.' })
    } else if (rest.includes('*')) {
      const message = 'subjects are exact; * has no meaning here'
      const remedy = `Name one, or use ${ANYONE} for every authenticated subject.`
      this.#fail(path, 0, { code: 'subject-wildcard', message, remedy })
    }
  }

  #pattern(path: DocumentPath, text: string): ResourcePattern | undefined {
    const parsed = parseResourcePattern(text)
    if (parsed.ok) return parsed.value
    const { offset, message, remedy } = parsed
    this.#fail(path, offset, { code: 'resource-pattern', message, remedy })
    return undefined
  }

  #when(path: DocumentPath, text: string): Expression | undefined {
    const parsed = parseExpression(text)
    if (!parsed.ok) {
      const { offset, message, remedy } = parsed.problem
      this.#fail(path, offset, { code: 'when-syntax', message, remedy })
      return undefined
    }
    for (const { name, offset } of namesIn(parsed.value)) {
      this.used.add(name)
      if (name === 'always' || this.#conditions.has(name)) continue
      const near = closest(name, [...this.#conditions, 'always'])
      const message = `no condition is named \`${name}\``
      const remedy =
        near === undefined ? 'Define it in conditions.yaml.' : `Did you mean \`${near}\`?`
      this.#fail(path, offset, { code: 'unknown-condition', message, remedy })
    }
    return parsed.value
  }

  /** `limits.yaml:12` for a path within the file. */
  source(path: DocumentPath): string {
    const { file, line } = this.#document.positionOf(path)
    return `${file}:${line}`
  }

  /** `offset` counts from the start of the text of the scalar at `path`. */
  #fail(path: DocumentPath, offset: number, said: Said): void {
    const { line, column }: Position = this.#document.positionOf(path)
    const opening = this.#lines[line - 1]?.charAt(column - 1)
    const quoted = opening === '"' || opening === "'"
    this.#findings.error(line, column + offset + (quoted && offset > 0 ? 1 : 0), said)
  }
}
