/** Compares the value of a definition in `model.conf`, word by word, with what it must be. */

/** Where a value first differs, counting from 0, and how. */
export interface Difference {
  readonly offset: number
  readonly message: string
}

interface Word {
  readonly text: string
  readonly offset: number
}

/**
 * How `value` differs from `wanted`, spacing aside. Where `isAnyOrder`, the parts between `&&` may
 * stand in any order, since each of them is pure and total. Linear in the length of the value.
 */
export function differenceOf(
  value: string,
  wanted: string,
  isAnyOrder: boolean,
): Difference | undefined {
  const words = wordsOf(value)
  const comment = words.find(({ text }) => text === '#')
  if (comment !== undefined) {
    // Casbin would cut the line here.
    return { offset: comment.offset, message: 'a comment cannot follow a definition' }
  }
  const end = value.trimEnd().length
  if (!isAnyOrder) return differenceIn(words, wordsOf(wanted), end)
  return differenceOfParts(words, wordsOf(wanted), end)
}

/** Names, `&&`, `||`, comparisons, and every other character on its own; spaces separate. */
function wordsOf(text: string): Word[] {
  const found = text.matchAll(/[A-Za-z0-9_]+|&&|\|\||[=!<>]=|\S/g)
  return Array.from(found, (match) => ({ text: match[0], offset: match.index }))
}

function differenceIn(
  words: readonly Word[],
  wanted: readonly Word[],
  end: number,
): Difference | undefined {
  for (const [i, { text, offset }] of words.entries()) {
    const expected = wanted[i]?.text
    if (expected === text) continue
    const instead = expected === undefined ? 'nothing' : `\`${expected}\``
    return { offset, message: `\`${shortened(text)}\` where ${instead} should be` }
  }
  const missing = wanted[words.length]?.text
  return missing === undefined ? undefined : { offset: end, message: `\`${missing}\` is missing` }
}

function differenceOfParts(
  words: readonly Word[],
  wanted: readonly Word[],
  end: number,
): Difference | undefined {
  const left = partsOf(wanted)
  for (const part of partsOf(words)) {
    const place = left.findIndex((other) => differenceIn(part, other, 0) === undefined)
    if (place >= 0) {
      left.splice(place, 1)
      continue
    }
    const [first] = part
    const meant = left.find((other) => other[0]?.text === first?.text)
    if (meant !== undefined) return differenceIn(part, meant, endOf(part, end))
    if (first === undefined) return { offset: end, message: 'a test is missing' }
    return { offset: first.offset, message: `\`${shortened(first.text)}\` is not one of its tests` }
  }
  const missing = left[0]?.[0]?.text
  if (missing === undefined) return undefined
  return { offset: end, message: `the test \`${missing}\` is missing` }
}

function partsOf(words: readonly Word[]): Word[][] {
  const parts: Word[][] = [[]]
  for (const word of words) {
    if (word.text === '&&') parts.push([])
    else parts.at(-1)?.push(word)
  }
  return parts
}

function endOf(part: readonly Word[], end: number): number {
  const last = part.at(-1)
  return last === undefined ? end : last.offset + last.text.length
}

function shortened(text: string): string {
  return text.length > 64 ? `${text.slice(0, 64)}…` : text
}
