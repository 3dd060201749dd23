import type { Diagnostic, Position } from '../../domain/diagnostics.ts'

/** What a check says of one place: its stable name, what is wrong, and what to write instead. */
export type Said = Pick<Diagnostic, 'code' | 'message' | 'remedy'>

/** Past this many, errors are counted and no longer listed (I17). */
const ERRORS_MAX = 200

/** Past this many of one code, warnings are counted and no longer listed. */
export const WARNINGS_PER_CODE_MAX = 50

/** Collects what is wrong in one file, bounded. */
export interface Findings {
  error(line: number, column: number, said: Said): void
  warning(line: number, column: number, said: Said): void
  readonly errors: readonly Diagnostic[]
  /** In the order of the file, however they were found. */
  readonly warnings: readonly Diagnostic[]
}

/** Starts a bounded list of findings in `file`. */
export function createFindings(file: string): Findings {
  const errors: Diagnostic[] = []
  const warnings = new Map<string, Diagnostic[]>()
  const omitted = new Map<string, { readonly at: Position; count: number }>()
  return {
    error(line, column, said) {
      const at = { file, line, column, severity: 'error' } as const
      if (errors.length < ERRORS_MAX) errors.push({ ...at, ...said })
      else if (errors.length === ERRORS_MAX) errors.push({ ...at, ...MORE })
    },
    warning(line, column, said) {
      const at = { file, line, column }
      const listed = warnings.get(said.code)
      if (listed === undefined) {
        warnings.set(said.code, [{ ...at, severity: 'warning', ...said }])
      } else if (listed.length < WARNINGS_PER_CODE_MAX) {
        listed.push({ ...at, severity: 'warning', ...said })
      } else {
        const more = omitted.get(said.code)
        if (more === undefined) omitted.set(said.code, { at, count: 1 })
        else more.count++
      }
    },
    errors,
    get warnings() {
      const rest = [...omitted].map(([code, { at, count }]) => moreOf(code, at, count))
      const all = [...[...warnings.values()].flat(), ...rest]
      return all.sort((a, b) => a.line - b.line || a.column - b.column)
    },
  }
}

const MORE: Said = {
  code: 'too-many-findings',
  message: `there are more than ${ERRORS_MAX} findings; the rest is not listed`,
  remedy: 'Correct the ones above first.',
}

function moreOf(code: string, at: Position, count: number): Diagnostic {
  return {
    ...at,
    severity: 'warning',
    code: 'too-many-findings',
    message: `${count} more ${code}, the first of them here, are not listed`,
    remedy: 'Correct the ones that are listed first.',
  }
}
