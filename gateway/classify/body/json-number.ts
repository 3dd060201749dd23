/** The grammar of numbers (RFC 8259 §6) byte by byte, for those that are cut between two pieces. */

/** The phase that says: it is none. */
export const NO_NUMBER = 9
/** The phase that says: it has ended, before this byte. */
export const NUMBER_ENDED = 0

/** Which phase follows on which kind of byte. */
const BYTE_KINDS = new Uint8Array(256).fill(6)
BYTE_KINDS.fill(1, 0x31, 0x3a)
BYTE_KINDS[0x30] = 0
for (const [at, byte] of [...Buffer.from('.e+-')].entries()) BYTE_KINDS[byte] = at + 2
BYTE_KINDS[0x45] = 3
// prettier-ignore
const PHASES = Uint8Array.from([
  // 0  1-9 .  e  +  -  other
  9, 9, 9, 9, 9, 9, 9,
  2, 3, 9, 9, 9, 9, 9, // 1: after the minus
  9, 9, 4, 6, 9, 9, 0, // 2: after a leading zero
  3, 3, 4, 6, 9, 9, 0, // 3: digits
  5, 5, 9, 9, 9, 9, 9, // 4: after the point
  5, 5, 9, 6, 9, 9, 0, // 5: digits of the fraction
  8, 8, 9, 9, 7, 7, 9, // 6: after the e
  8, 8, 9, 9, 9, 9, 9, // 7: after the sign of the exponent
  8, 8, 9, 9, 9, 9, 0, // 8: digits of the exponent
])

/** The phase of a number that begins with this byte. */
export function firstPhase(byte: number): number {
  return byte === 0x2d ? 1 : nextPhase(1, byte)
}

/** The phase behind this byte. */
export function nextPhase(phase: number, byte: number): number {
  return PHASES[phase * 7 + (BYTE_KINDS[byte] ?? 6)] ?? NO_NUMBER
}
