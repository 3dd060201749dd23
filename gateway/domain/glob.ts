/**
 * The one glob of the project: `*` stands for any run of characters, the empty one included, and
 * every other character for itself. No classes, no braces, no negation, nothing that can hang.
 */

/**
 * Whether `text` as a whole matches `glob`, case-sensitively. Total and iterative: at most
 * `glob.length * text.length` steps, no recursion and no regex (I20). Both sides may hold anything.
 */
export function globMatches(glob: string, text: string): boolean {
  let g = 0
  let t = 0
  // Where the last `*` was, and the text it has been tried up to: the only place to return to.
  let star = -1
  let mark = 0
  while (t < text.length) {
    if (glob[g] === '*') {
      star = g++
      mark = t
    } else if (g < glob.length && glob.charCodeAt(g) === text.charCodeAt(t)) {
      g++
      t++
    } else if (star >= 0) {
      g = star + 1
      t = ++mark
    } else {
      return false
    }
  }
  while (glob[g] === '*') g++
  return g === glob.length
}

/** How many characters of `glob` stand for themselves: the measure of how specific it is. */
export function globSpecificity(glob: string): number {
  return glob.replaceAll('*', '').length
}
