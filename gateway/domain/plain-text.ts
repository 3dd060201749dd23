/** Text of strangers, shown to people. */

// What a terminal would act on or a reader would not see: controls, formatting, line separators.
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** Text of a record, or of a token, that cannot play tricks on a terminal: such characters as `\uXXXX`. */
export function plainText(text: string): string {
  return text.replace(UNSAFE, (match) =>
    [...Array(match.length).keys()]
      .map((at) => `\\u${match.charCodeAt(at).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}

/** As {@link plainText}, line by line: for texts that are several lines on purpose. */
export function plainLines(text: string): string {
  return text.split('\n').map(plainText).join('\n')
}
