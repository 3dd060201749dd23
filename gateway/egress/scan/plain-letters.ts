/** Letters and digits that a JSON text writes as `\\u0041`: nobody has to, but a reader gets the letter. */

const BACKSLASH = 0x5c
const ESCAPE = Buffer.from('\\u00')
const ESCAPE_BYTES = 6
const NOTHING = Buffer.alloc(0)

/** Undoes such escapes in a stream in pieces cut anywhere; backslashes may be doubled. */
export class PlainLetters {
  /** The beginning of an escape at the end of the last piece. */
  private cut: Buffer = NOTHING

  /** The piece as it reads; what could be half an escape comes with the next one. */
  push(chunk: Buffer): Buffer {
    const data = this.cut.length === 0 ? chunk : Buffer.concat([this.cut, chunk])
    const end = data.length - cutBytes(data)
    this.cut = end === data.length ? NOTHING : data.subarray(end)
    const whole = end === data.length ? data : data.subarray(0, end)
    const first = whole.indexOf(ESCAPE)
    return first < 0 ? whole : unescaped(whole, first)
  }
}

/** Bytes of an escape that is not whole, at the end. */
function cutBytes(data: Buffer): number {
  const from = Math.max(0, data.length - ESCAPE_BYTES + 1)
  for (let at = from; at < data.length; at++) {
    if (data[at] !== BACKSLASH) continue
    const rest = data.subarray(at)
    const isOpen = ESCAPE.subarray(0, rest.length).equals(rest.subarray(0, ESCAPE.length))
    if (isOpen) return rest.length
  }
  return 0
}

function unescaped(data: Buffer, first: number): Buffer {
  const out = Buffer.allocUnsafe(data.length)
  let [from, length] = [0, 0]
  for (let at = first; at >= 0; at = data.indexOf(ESCAPE, at + 1)) {
    const code = at + ESCAPE_BYTES > data.length ? -1 : codeAt(data, at + 4)
    if (!isLetter(code)) continue
    let to = at
    while (to > from && data[to - 1] === BACKSLASH) to--
    length += data.copy(out, length, from, to)
    out[length++] = code
    from = at + ESCAPE_BYTES
  }
  length += data.copy(out, length, from)
  return out.subarray(0, length)
}

function codeAt(data: Buffer, at: number): number {
  const digits = data.toString('latin1', at, at + 2)
  return /^[0-9a-f]{2}$/i.test(digits) ? Number.parseInt(digits, 16) : -1
}

function isLetter(code: number): boolean {
  if (code >= 0x61) return code <= 0x7a
  return (code >= 0x30 && code <= 0x39) || (code >= 0x41 && code <= 0x5a)
}
