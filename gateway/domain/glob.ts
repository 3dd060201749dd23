/**
 * The one glob of the project: `*` stands for any run of characters, the empty one included, and
 * every other character for itself. No classes, no braces, no negation, nothing that can hang.
 */

/**
 * Whether `text` as a whole matches `glob`, case-sensitively. Total, no recursion, no regex (I20):
 * each literal between two stars is looked for once, where the one before it ended, and never given
 * back, since the first place that fits leaves the most room for the rest. Both sides may hold
 * anything.
 */
export function globMatches(glob: string, text: string): boolean {
  let star = glob.indexOf('*')
  if (star < 0) return glob === text
  if (!text.startsWith(glob.slice(0, star))) return false
  let at = star
  for (;;) {
    const start = star + 1
    star = glob.indexOf('*', start)
    if (star < 0) {
      const last = glob.slice(start)
      return text.length - at >= last.length && text.endsWith(last)
    }
    const literal = glob.slice(start, star)
    const found = text.indexOf(literal, at)
    if (found < 0) return false
    at = found + literal.length
  }
}

/** How many characters of `glob` stand for themselves: the measure of how specific it is. */
export function globSpecificity(glob: string): number {
  return glob.replaceAll('*', '').length
}
