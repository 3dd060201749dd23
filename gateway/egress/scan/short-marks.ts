import { weights, type ScanFinding } from './finding.ts'
import type { Match } from './needle-search.ts'
import { isFramedPickle } from './pickle-context.ts'

/** A mark too short for the table of needles: searched by the runtime, one after the other. */
interface ShortMark {
  readonly finding: ScanFinding
  readonly bytes: Buffer
  readonly confirm: (data: Buffer, at: number) => Match
}

const mark = (format: string, text: string, confirm: ShortMark['confirm']): ShortMark => ({
  finding: weights(format),
  bytes: Buffer.from(text, 'latin1'),
  confirm,
})

/** Each costs a pass of its own, though a fast one. With what is confirmed they have 56 bits or more. */
const MARKS: readonly ShortMark[] = [
  mark('catboost', 'CBM1', isCatBoost),
  mark('pickle', '\x80\x04\x95', isFramedPickle),
  mark('pickle', '\x80\x05\x95', isFramedPickle),
]

/** The first finding by a short mark that begins in the range. */
export function searchMarks(data: Buffer, from: number, to: number): ScanFinding | undefined {
  for (const { bytes, finding, confirm } of MARKS) {
    let at = data.indexOf(bytes, from)
    while (at >= 0 && at < to) {
      if (confirm(data, at) === 'yes') return finding
      at = data.indexOf(bytes, at + 1)
    }
  }
  return undefined
}

/** The size of the core, then a FlatBuffer with a root offset under 256. */
function isCatBoost(data: Buffer, at: number): Match {
  if (data.length < at + 12) return 'more'
  const size = data.readUInt32LE(at + 4)
  return size > 0 && size < 0x80000000 && data.readUInt32LE(at + 8) < 256 ? 'yes' : 'no'
}
