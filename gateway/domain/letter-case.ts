/**
 * `text` without its case, to compare keys as readers do that match them in any case. Upper-casing
 * first also folds U+017F (long s) and U+212A (Kelvin sign), as Go does.
 */
export function withoutCase(text: string): string {
  return text.toUpperCase().toLowerCase()
}
