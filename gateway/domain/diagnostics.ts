/**
 * What is wrong in a file an operator edits: where, what, why and what to do. Loaders return these
 * as values; the command line and the reload path show them.
 */

/** A position in a file; line and column count from 1. */
export interface Position {
  readonly file: string
  readonly line: number
  readonly column: number
}

/** One finding. An `error` refuses the file set; a `warning` never does. */
export interface Diagnostic extends Position {
  readonly severity: 'error' | 'warning'
  /** Stable kebab-case name of the check, e.g. `unknown-key`. */
  readonly code: string
  readonly message: string
  /** What to write instead. */
  readonly remedy: string
}

/** The value of a loader, or why there is none. Warnings may accompany a value. */
export type Loaded<T> =
  | { readonly ok: true; readonly value: T; readonly warnings: readonly Diagnostic[] }
  | { readonly ok: false; readonly diagnostics: readonly Diagnostic[] }

/** `file:line:column: severity: message (remedy)`, the form compilers use and editors parse. */
export function diagnosticText(d: Diagnostic): string {
  return `${d.file}:${d.line}:${d.column}: ${d.severity}: ${d.message} [${d.code}]\n    ${d.remedy}`
}

/**
 * The candidate closest to `word` when it is near enough to be what was meant (edit distance of at
 * most a third of its length), for "did you mean" hints. Bounded: words past 64 characters get none.
 */
export function closest(word: string, candidates: Iterable<string>): string | undefined {
  if (word.length > 64) return undefined
  let best: string | undefined
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const candidate of candidates) {
    const distance = editDistance(word.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) {
      best = candidate
      bestDistance = distance
    }
  }
  return best
}

/** Optimal string alignment: two letters that changed places count as one mistake. */
function editDistance(a: string, b: string): number {
  let before: number[] = []
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const best = Math.min(
        at(previous, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1),
        at(previous, j) + 1,
        at(row, j - 1) + 1,
      )
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      row.push(swapped ? Math.min(best, at(before, j - 2) + 1) : best)
    }
    before = previous
    previous = row
  }
  return at(previous, b.length)
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? 0
}
