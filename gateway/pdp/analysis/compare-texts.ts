/** The same order on every machine: by UTF-16 code units, no locale. */
export function compareTexts(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1
}
