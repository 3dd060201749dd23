/**
 * Reads the hops out of `X-Forwarded-For` and `Forwarded` (RFC 7239 §4). Hops are returned as they
 * are written and judged by whoever walks them, since the left part may come from a client.
 */
import { parseIp, type IpAddress } from '../domain/network.ts'

/** More hops than any real chain of proxies. */
export const HOPS_MAX = 32

const HEADER_CHARACTERS_MAX = 4096

/** The hops of `X-Forwarded-For`, leftmost first; `undefined` past the bounds. */
export function readForwardedFor(text: string): string[] | undefined {
  if (text.length > HEADER_CHARACTERS_MAX) return undefined
  const hops = text.split(',', HOPS_MAX + 1).map((hop) => hop.replace(/^[ \t]+|[ \t]+$/g, ''))
  return hops.length > HOPS_MAX ? undefined : hops
}

/**
 * The `for` of each element of `Forwarded`, leftmost first, unquoted; `''` where an element has
 * none. `undefined` when the header as a whole is not well formed, or past the bounds: a quote left
 * open by a client swallows what a proxy appended, and then nothing in it can be told apart.
 */
export function readForwarded(text: string): string[] | undefined {
  if (text.length > HEADER_CHARACTERS_MAX) return undefined
  const hops: string[] = []
  let element = new Map<string, string>()
  let offset = 0
  for (;;) {
    const pair = readPair(text, offset)
    // RFC 7239 §4: each parameter occurs once per element.
    if (pair === undefined || element.has(pair.name)) return undefined
    element.set(pair.name, pair.value)
    offset = pair.end
    if (pair.before === ';') continue
    hops.push(element.get('for') ?? '')
    if (hops.length > HOPS_MAX) return undefined
    if (pair.before === 'end') return hops
    element = new Map()
  }
}

interface ForwardedPair {
  /** Lower-case. */
  readonly name: string
  readonly value: string
  /** What comes after it. */
  readonly before: ';' | ',' | 'end'
  readonly end: number
}

/** `name=token` or `name="text"`, without escapes: no address needs one. */
function readPair(text: string, offset: number): ForwardedPair | undefined {
  // Sticky, and no repetition inside another: each character is looked at once.
  const pattern =
    /[ \t]*([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(?:([!#$%&'*+.^_`|~0-9A-Za-z-]+)|"([^"\\]*)")[ \t]*([;,]|$)/y
  pattern.lastIndex = offset
  const match = pattern.exec(text)
  if (match === null) return undefined
  const [, name = '', token, quoted = '', mark] = match
  const before = mark === ';' || mark === ',' ? mark : 'end'
  return { name: name.toLowerCase(), value: token ?? quoted, before, end: pattern.lastIndex }
}

/**
 * The address of one hop: bare, or with a port, IPv6 then in brackets (RFC 7239 §6). `unknown`,
 * obfuscated names, zone ids and anything else give `undefined`.
 */
export function hopAddress(hop: string): IpAddress | undefined {
  const bracketed = /^\[([0-9A-Fa-f:.]{2,45})\](?::(\d{1,5}))?$/.exec(hop)
  if (bracketed !== null) {
    const inner = bracketed[1] ?? ''
    return isPort(bracketed[2]) && inner.includes(':') ? parseIp(inner) : undefined
  }
  const withPort = /^([0-9.]{7,15}):(\d{1,5})$/.exec(hop)
  if (withPort !== null) return isPort(withPort[2]) ? parseIp(withPort[1] ?? '') : undefined
  return parseIp(hop)
}

function isPort(text: string | undefined): boolean {
  return text === undefined || Number(text) <= 65_535
}
