/**
 * Just enough HTTP/1.1 framing (RFC 9112 §6) to cut raw bytes into messages. It is for tests that
 * know what they expect: it is not strict, and what it cannot frame it leaves alone.
 */

/** Options of {@link messageLength}. */
export interface Framing {
  /** A response to HEAD, or with status 1xx, 204 or 304: no body whatever the header says. */
  readonly bodiless?: boolean
  /** A response without a length runs until the connection closes; whether it has. */
  readonly untilClose?: boolean
  readonly response?: boolean
}

const CRLF = '\r\n'

/** Bytes of the first whole message in `bytes`, or `undefined` while it is incomplete. */
export function messageLength(bytes: Buffer, framing: Framing = {}): number | undefined {
  const headEnd = bytes.indexOf('\r\n\r\n')
  if (headEnd === -1) return undefined
  const bodyAt = headEnd + 4
  const head = bytes.toString('latin1', 0, headEnd)
  if (framing.bodiless === true) return bodyAt
  if (/^transfer-encoding:.*chunked/im.test(head)) return chunkedEnd(bytes, bodyAt)
  const declared = /^content-length:[ \t]*(\d{1,15})/im.exec(head)?.[1]
  if (declared === undefined && framing.response === true) {
    return framing.untilClose === true ? bytes.length : undefined
  }
  const end = bodyAt + Number(declared ?? 0)
  return end <= bytes.length ? end : undefined
}

/** Where a chunked body that starts at `bodyAt` ends, trailers included. */
function chunkedEnd(bytes: Buffer, bodyAt: number): number | undefined {
  let at = bodyAt
  for (;;) {
    const lineEnd = bytes.indexOf(CRLF, at)
    if (lineEnd === -1) return undefined
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
    if (!Number.isSafeInteger(size) || size < 0) return undefined
    if (size === 0) return trailersEnd(bytes, lineEnd + 2)
    at = lineEnd + 2 + size + 2
    if (at > bytes.length) return undefined
  }
}

function trailersEnd(bytes: Buffer, trailersAt: number): number | undefined {
  let at = trailersAt
  for (;;) {
    const lineEnd = bytes.indexOf(CRLF, at)
    if (lineEnd === -1) return undefined
    if (lineEnd === at) return at + 2
    at = lineEnd + 2
  }
}

/** The payload of a chunked body that {@link messageLength} has found to be whole. */
export function dechunk(body: Buffer): Buffer {
  const parts: Buffer[] = []
  let at = 0
  for (;;) {
    const lineEnd = body.indexOf(CRLF, at)
    const size = Number.parseInt(body.toString('latin1', at, lineEnd), 16)
    if (lineEnd === -1 || !(size > 0)) return Buffer.concat(parts)
    parts.push(body.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = lineEnd + 2 + size + 2
  }
}
