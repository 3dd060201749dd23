import type { Diagnostic, Position } from '../../domain/diagnostics.ts'

/** What a check says of one place: its stable name, what is wrong, and what to write instead. */
export type Said = Pick<Diagnostic, 'code' | 'message' | 'remedy'>

/** Past this many, findings are counted and no longer listed (I17). */
const FINDINGS_MAX = 200

/** Collects what is wrong in one file, bounded. */
export interface Findings {
  error(line: number, column: number, said: Said): void
  warning(line: number, column: number, said: Said): void
  readonly errors: readonly Diagnostic[]
  readonly warnings: readonly Diagnostic[]
}

/** Starts a bounded list of findings in `file`. */
export function createFindings(file: string): Findings {
  const errors: Diagnostic[] = []
  const warnings: Diagnostic[] = []
  const add = (list: Diagnostic[], severity: Diagnostic['severity'], at: Position, said: Said) => {
    if (list.length < FINDINGS_MAX) list.push({ ...at, severity, ...said })
    else if (list.length === FINDINGS_MAX) list.push({ ...at, severity, ...MORE })
  }
  return {
    error: (line, column, said) => add(errors, 'error', { file, line, column }, said),
    warning: (line, column, said) => add(warnings, 'warning', { file, line, column }, said),
    errors,
    warnings,
  }
}

const MORE: Said = {
  code: 'too-many-findings',
  message: `there are more than ${FINDINGS_MAX} findings; the rest is not listed`,
  remedy: 'Correct the ones above first.',
}
