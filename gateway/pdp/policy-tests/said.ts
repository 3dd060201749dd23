import { closest, type Diagnostic } from '../../domain/diagnostics.ts'

/** What a finding says. */
export type Said = Pick<Diagnostic, 'message' | 'remedy'>

/** `Did you mean …?`, or `otherwise`. */
export function meant(word: string, candidates: Iterable<string>, otherwise: string): string {
  const near = closest(word, candidates)
  return near === undefined ? otherwise : `Did you mean \`${near}\`?`
}
