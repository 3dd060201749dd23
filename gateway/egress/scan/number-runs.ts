import type { Match } from './needle-search.ts'

/** How far behind a place numbers are looked for, where so much is there. */
const REACH_BYTES = 640
/** Characters of numbers, more than an example has. */
const NUMBER_RUN_CHARS = 100

/** So many characters of numbers in a row, somewhere behind the place. */
export function isBeforeNumberRun(data: Buffer, at: number): Match {
  const around = data.subarray(at, at + REACH_BYTES)
  let run = 0
  for (const char of around) {
    const isSeparator = char === 0x0a || char === 0x0d || char === 0x20
    const isNumber =
      (char >= 0x2b && char <= 0x39 && char !== 0x2f) || char === 0x45 || char === 0x65
    run = isNumber || isSeparator ? run + 1 : 0
    if (run > NUMBER_RUN_CHARS) return 'yes'
  }
  return around.length < REACH_BYTES ? 'more' : 'no'
}
