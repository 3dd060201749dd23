import { CLASS, HEX, Lane } from './decoding-lane.ts'
import { isFinding, type OpenInner, type ScanFinding } from './finding.ts'

/** Digits in a row that are decoded: in base64 so many are no accident. */
const DIGITS_MIN = 60

/**
 * Finds hexadecimal in a run that began as base64: behind a path or a prefix of any length, whose
 * characters are of both alphabets. Asked from its end, as runs are, so that base64 costs little.
 */
export class DigitsBehind {
  /** Digits at the end of what has passed, too few to be decoded. */
  private digits = ''
  private lanes: readonly Lane[] = []
  private found: ScanFinding | undefined
  private readonly open: OpenInner

  constructor(open: OpenInner) {
    this.open = open
  }

  /** Looks at the next characters of the run; what comes of it waits for {@link judge}. */
  push(chars: string): void {
    const text = this.digits === '' ? chars : this.digits + chars
    this.digits = ''
    for (let at = 0; at < text.length;) {
      at = this.lanes.length > 0 ? this.decode(text, at) : this.look(text, at)
    }
  }

  /** Judges what has been decoded since it was asked last. */
  judge(): ScanFinding | undefined {
    for (const lane of this.lanes) this.found ??= lane.judge()
    return this.found
  }

  /** Judges what only the end of the digits decides. */
  end(): ScanFinding | undefined {
    for (const lane of this.lanes) {
      lane.flush()
      this.found ??= lane.judge() ?? lane.sink.end()
    }
    this.lanes = []
    return this.found
  }

  private decode(text: string, from: number): number {
    let to = from
    while (to < text.length && CLASS[text.charCodeAt(to)] === HEX) to++
    for (const lane of this.lanes) lane.push(text.slice(from, to))
    if (to < text.length) this.end()
    return to
  }

  /** Where the digits begin, with lanes for them; or the end of the text. */
  private look(text: string, from: number): number {
    let start = from
    while (start + DIGITS_MIN <= text.length) {
      const other = lastOther(text, start, start + DIGITS_MIN)
      if (other < 0) {
        this.begin()
        return this.lanes.length > 0 ? start : text.length
      }
      start = other + 1
    }
    this.digits = text.slice(Math.max(start, lastOther(text, start, text.length) + 1))
    return text.length
  }

  private begin(): void {
    const lanes: Lane[] = []
    for (const shift of [0, 1]) {
      const sink = this.open()
      if (isFinding(sink)) {
        this.found ??= sink
        return
      }
      lanes.push(new Lane(sink, 'hex', shift))
    }
    this.lanes = lanes
  }
}

/** The last place from `from` to `to` whose character is no digit, or -1. */
function lastOther(text: string, from: number, to: number): number {
  let at = to - 1
  while (at >= from && CLASS[text.charCodeAt(at)] === HEX) at--
  return at < from ? -1 : at
}
