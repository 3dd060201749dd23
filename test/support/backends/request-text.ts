/** A request as bytes, taken apart without any opinion: what is in it is for backends to read. */

/** The parts of an HTTP/1.1 request. */
export interface RequestParts {
  readonly method: string
  /** As in the request line. */
  readonly target: string
  /** Name (as written) and value, in order. */
  readonly headers: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
}

/** Takes a whole request apart. Chunks are joined. */
export function partsOf(raw: Buffer): RequestParts {
  const end = raw.indexOf('\r\n\r\n')
  const [line = '', ...fields] = raw.toString('latin1', 0, end).split('\r\n')
  const [method = '', target = ''] = line.split(' ')
  const headers = fields.map((field): [string, string] => {
    const colon = field.indexOf(':')
    return [field.slice(0, colon), field.slice(colon + 1).trim()]
  })
  const rest = raw.subarray(end + 4)
  const isChunked = headers.some(([name]) => name.toLowerCase() === 'transfer-encoding')
  return { method, target, headers, body: isChunked ? joinChunks(rest) : rest }
}

function joinChunks(bytes: Buffer): Buffer {
  const pieces: Buffer[] = []
  let at = 0
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', at)
    const size = Number.parseInt(bytes.toString('latin1', at, lineEnd), 16)
    if (!(size > 0)) return Buffer.concat(pieces)
    pieces.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size))
    at = lineEnd + 4 + size
  }
}

/** The bytes of a request; a body gets its length unless a header frames it. */
export function bytesOf(parts: RequestParts): Buffer {
  const { method, target, headers, body } = parts
  const isFramed = headers.some(([name]) => /^(?:content-length|transfer-encoding)$/i.test(name))
  const fields = headers.map(([name, value]) => `${name}: ${value}`)
  if (body.length > 0 && !isFramed) fields.push(`Content-Length: ${body.length}`)
  const head = `${[`${method} ${target} HTTP/1.1`, ...fields].join('\r\n')}\r\n\r\n`
  return Buffer.concat([Buffer.from(head, 'latin1'), body])
}

/** The values of a header, by any spelling of its name that a CGI-like server takes for it. */
export function headerValues(parts: RequestParts, name: string): readonly string[] {
  const wanted = name.toLowerCase().replaceAll('_', '-')
  return parts.headers
    .filter(([one]) => one.toLowerCase().replaceAll('_', '-') === wanted)
    .map(([, value]) => value)
}
